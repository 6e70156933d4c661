package facts

import (
	"errors"
	"go/build"
	"io"
	"io/fs"
	"path"
	"strings"
)

// readMain checks that dir holds a main package for the first target platform, as
// the go command would see it.
func readMain(src fs.FS, dir string, q Query) (*build.Package, error) {
	if info, err := fs.Stat(src, dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, problem("missing-main", "there is no directory %s in the build context: build.main is relative to its root", dir)
	} else if err != nil {
		return nil, err
	}
	pkg, err := buildContext(src, q).ImportDir(dir, 0)
	var noGo *build.NoGoError
	var several *build.MultiplePackageError
	switch {
	case errors.As(err, &noGo) && onlyCgo(src, dir, q):
		return nil, problem("needs-cgo", "main package %s imports \"C\" in every file, and builds here are CGO-free: keep the Dockerfile for this service", dir)
	case errors.As(err, &noGo):
		return nil, problem("missing-main", "there are no Go files for the target platform in %s: name the main package's directory", dir)
	case errors.As(err, &several):
		return nil, problem("missing-main", "%s holds several packages, %s", dir, strings.Join(several.Packages, " and "))
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, problem("bad-source", "%v", err)
	case pkg.Name != "main":
		return nil, problem("not-main", "%s holds package %s, not a main package", dir, pkg.Name)
	}
	return pkg, nil
}

// onlyCgo reports whether every Go file of the package imports "C".
func onlyCgo(src fs.FS, dir string, q Query) bool {
	ctx := buildContext(src, q)
	ctx.CgoEnabled = true
	pkg, err := ctx.ImportDir(dir, 0)
	return err == nil && len(pkg.CgoFiles) > 0
}

// buildContext is go/build's view of the build context for a CGO-free target.
func buildContext(src fs.FS, q Query) *build.Context {
	ctx := build.Default
	ctx.CgoEnabled = false
	ctx.BuildTags = q.Tags
	ctx.GOPATH = ""
	if len(q.Platforms) > 0 {
		ctx.GOOS, ctx.GOARCH = q.Platforms[0].OS, q.Platforms[0].Architecture
	}
	ctx.JoinPath = path.Join
	ctx.SplitPathList = func(list string) []string { return strings.Split(list, ":") }
	ctx.IsAbsPath = path.IsAbs
	ctx.IsDir = func(name string) bool {
		info, err := fs.Stat(src, name)
		return err == nil && info.IsDir()
	}
	ctx.HasSubdir = func(_, _ string) (string, bool) { return "", false }
	ctx.ReadDir = func(name string) ([]fs.FileInfo, error) { return readDir(src, name) }
	ctx.OpenFile = func(name string) (io.ReadCloser, error) { return src.Open(name) }
	return &ctx
}

func readDir(src fs.FS, name string) ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(src, name)
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}
