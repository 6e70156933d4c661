package gosource

import (
	"bytes"
	"errors"
	"go/build"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// experiment is a tag of GOEXPERIMENT as constraints spell it.
var experiment = regexp.MustCompile(`goexperiment\.\w+`)

// scan is what go/build finds in a directory. The experiments that are on by default
// differ between toolchains: of one whose defaults are not known here, both what a
// package is with the experiments it names and what it is without count.
func (l *loader) scan(dir string) (*build.Package, error) {
	named := &names{}
	b, err := l.context(named, l.target.ToolTags).ImportDir(dir, 0)
	if named.unread != nil {
		// go/build drops a file other than .go that it cannot open.
		return nil, named.unread
	}
	if l.experimentsKnown || len(named.all) == 0 {
		return b, err
	}
	without := slices.DeleteFunc(slices.Clone(l.target.ToolTags), experiment.MatchString)
	off, errOff := l.context(named, without).ImportDir(dir, 0)
	on, errOn := l.context(named, slices.Concat(without, slices.Clone(named.all))).ImportDir(dir, 0)
	if errOff != nil && errOn != nil {
		return nil, errors.Join(errOff, errOn)
	}
	for _, lists := range [][3]*[]string{
		{&on.GoFiles, &off.GoFiles}, {&on.HFiles, &off.HFiles}, {&on.SFiles, &off.SFiles}, {&on.SysoFiles, &off.SysoFiles},
		{&on.Imports, &off.Imports}, {&on.EmbedPatterns, &off.EmbedPatterns},
	} {
		*lists[0] = sorted(slices.Concat(*lists[0], *lists[1]))
	}
	return on, nil
}

// names collects the experiments that the files of a package name, and the first file that
// exists and could not be read.
type names struct {
	mu     sync.Mutex
	all    []string
	unread error
}

func (n *names) note(data []byte, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.unread == nil && !errors.Is(err, fs.ErrNotExist) {
		n.unread = err
	}
	for _, tag := range experiment.FindAll(data, -1) {
		n.all = append(n.all, string(tag))
	}
}

// context is the go/build context over the tree, for the target with these tool tags.
func (l *loader) context(named *names, tags []string) *build.Context {
	c := l.target
	c.ToolTags = tags
	c.JoinPath = path.Join
	c.SplitPathList = func(string) []string { return nil }
	c.IsAbsPath = path.IsAbs
	c.IsDir = func(name string) bool { ok, err := l.tree.isDir(name); return ok && err == nil }
	c.HasSubdir = func(string, string) (string, bool) { return "", false }
	c.ReadDir = l.sources
	c.OpenFile = func(name string) (io.ReadCloser, error) {
		data, err := l.tree.readFile(name)
		named.note(data, err)
		return io.NopCloser(bytes.NewReader(data)), err
	}
	return &c
}

// sources lists a directory for go/build without its tests, which need not be read.
func (l *loader) sources(dir string) ([]fs.FileInfo, error) {
	entries, err := l.tree.readDir(dir)
	if err != nil {
		return nil, err
	}
	var out []fs.FileInfo
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if !strings.HasSuffix(name, "_test.go") {
			out = append(out, info{entries[name]})
		}
	}
	return out, nil
}

// info is a directory entry as file info, without asking the file system for more.
type info struct{ fs.DirEntry }

func (i info) Size() int64        { return 0 }
func (i info) Mode() fs.FileMode  { return i.Type() }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }

// includes adds the files of the package's directory that assembly includes, whatever
// their names end in; those of GOROOT are not here.
func (l *loader) includes(p *pkg, names []string) error {
	seen := map[string]bool{}
	for len(names) > 0 {
		file := path.Join(p.dir, names[0])
		names = names[1:]
		if seen[file] {
			continue
		}
		seen[file] = true
		data, err := l.tree.readFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		p.files = append(p.files, file)
		for line := range strings.Lines(string(data)) {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), "#include")
			if name, quoted := strings.CutPrefix(strings.TrimSpace(rest), `"`); ok && quoted {
				name, _, _ = strings.Cut(name, `"`)
				names = append(names, name)
			}
		}
	}
	return nil
}
