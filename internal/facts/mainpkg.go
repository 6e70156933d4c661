package facts

import (
	"errors"
	"go/build"
	"io"
	"io/fs"
	"path"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// readMain checks that dir holds a main package for each target platform, as the go
// command would see it, and returns them in that order.
func readMain(src fs.FS, dir string, tags []string, targets []ocispec.Platform) ([]*build.Package, error) {
	if info, err := fs.Stat(src, dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, problem("missing-main", "there is no directory %s in the build context: build.main is relative to its root", dir)
	} else if err != nil {
		return nil, err
	}
	var all []*build.Package
	for _, target := range targets {
		pkg, err := readFor(buildContext(src, tags, target), dir)
		if err != nil {
			return nil, err
		}
		all = append(all, pkg)
	}
	return all, nil
}

func readFor(ctx *build.Context, dir string) (*build.Package, error) {
	target := ctx.GOOS + "/" + ctx.GOARCH
	pkg, err := ctx.ImportDir(dir, 0)
	var noGo *build.NoGoError
	var several *build.MultiplePackageError
	switch {
	case errors.As(err, &noGo) && onlyCgo(*ctx, dir):
		return nil, problem("needs-cgo", "main package %s imports \"C\" in every file, and builds here are CGO-free: keep the Dockerfile for this service", dir)
	case errors.As(err, &noGo):
		return nil, problem("missing-main", "there are no Go files for %s in %s: name the main package's directory", target, dir)
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
func onlyCgo(ctx build.Context, dir string) bool {
	ctx.CgoEnabled = true
	pkg, err := ctx.ImportDir(dir, 0)
	return err == nil && len(pkg.CgoFiles) > 0
}

// buildContext is go/build's view of the build context for a CGO-free target.
func buildContext(src fs.FS, tags []string, target ocispec.Platform) *build.Context {
	ctx := build.Default
	ctx.CgoEnabled = false
	ctx.BuildTags = tags
	ctx.GOPATH = ""
	ctx.GOOS, ctx.GOARCH = target.OS, target.Architecture
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
		if strings.HasSuffix(e.Name(), "_test.go") {
			continue // no build reads it, and a context may not hold its content
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}
