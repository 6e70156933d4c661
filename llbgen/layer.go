package llbgen

import (
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootdata"
)

// stampedMode is that of a stamped binary, whose owner is root.
const stampedMode = 0o755

// special are the mode bits that llb's Mkdir and Mkfile drop.
const special = 0o7000

// layer is below with one more layer. All files are staged on scratch and arrive by one
// copy, which sets every time last: a later write into a directory would move it.
// Staging is part of the same operation, so there is one vertex, and one tar. own is unset
// for a layer that is the same vertex on all platforms.
func (g *graph) layer(below llb.State, l plan.Layer, own bool) (llb.State, error) {
	name := g.shared
	if own {
		name = g.about
	}
	about := append(name("add layer "+l.Name), g.Locations[LayerLocation(l.Name)]...)
	if len(l.Files) == 1 && l.Files[0].Source.Binary != "" && path.Dir(l.Files[0].Path) == "/" && g.plan.Base.Scratch() {
		return g.oneBinary(below, l.Files[0], about) // there is no directory whose time moves
	}
	s := &stage{graph: g}
	for _, f := range l.Files {
		if err := s.add(f); err != nil {
			return llb.State{}, fmt.Errorf("placing %s: %w", f.Path, err)
		}
	}
	if s.action == nil {
		return llb.State{}, fmt.Errorf("layer %s is empty", l.Name)
	}
	return below.File(llb.Copy(s.action.WithState(llb.Scratch()), "/", "/", &llb.CopyInfo{
		CopyDirContentsOnly: true,
		CreatedTime:         &g.epoch,
	}), about...), nil
}

// oneBinary is below with a binary in its root directory, stamped there or copied once. A vertex
// that stamps is named for that.
func (g *graph) oneBinary(below llb.State, f plan.File, about []llb.ConstraintsOpt) (llb.State, error) {
	c, _ := g.plan.Binary(f.Source.Binary) // Validate saw that there is one
	if f.Mode == stampedMode && f.UID == 0 && f.GID == 0 {
		linked, ok, err := g.unstamped(c)
		if err != nil {
			return llb.State{}, fmt.Errorf("placing %s: %w", f.Path, err)
		}
		if ok {
			about = slices.Concat(about, g.about("stamp "+c.Name), g.Locations[CompileLocation(c.Name)])
			return g.stamp(c, linked, below, f.Path, g.plan.Epoch, about), nil
		}
	}
	from, name, err := g.placed(f)
	if err != nil {
		return llb.State{}, fmt.Errorf("placing %s: %w", f.Path, err)
	}
	info := planned(f)
	info.CreatedTime = &g.epoch
	return below.File(llb.Copy(from, name, f.Path, info), about...), nil
}

// placed is the file system of a file's binary, and its path there.
func (g *graph) placed(f plan.File) (from llb.State, name string, err error) {
	c, _ := g.plan.Binary(f.Source.Binary) // Validate saw that there is one
	from, err = g.binary(c)
	return from, "/" + c.Name, err
}

// stage is the chain of file actions that makes a layer's tree on scratch.
type stage struct {
	*graph
	action *llb.FileAction
}

func (s *stage) add(f plan.File) error {
	src := f.Source
	switch {
	case src.Dir:
		s.dir(f)
	case src.Tree != "":
		return s.tree(f)
	case src.Context != "":
		s.copy(s.sources(), rooted(src.Context), f)
	case src.Binary != "":
		return s.binary(f)
	case src.Symlink != "":
		s.symlink(f)
	case src.Root != nil:
		data, ok := rootdata.Lookup(src.Root.Name)
		if got := digest.FromBytes(data); !ok || got != src.Root.Digest {
			return fmt.Errorf("root data %s is not the plan's %s: the plan is from another release", src.Root.Name, src.Root.Digest)
		}
		s.file(f, data)
	default:
		s.file(f, src.Inline)
	}
	return nil
}

func (s *stage) dir(f plan.File) {
	if f.Mode&special == 0 {
		s.mkdir(f.Path, f)
		return
	}
	s.copy(llb.Mkdir("/d", 0o755).WithState(llb.Scratch()), "/d", f)
}

func (s *stage) mkdir(p string, f plan.File) {
	if mode := fs.FileMode(f.Mode); s.action == nil {
		s.action = llb.Mkdir(p, mode, owner(f))
	} else {
		s.action = s.action.Mkdir(p, mode, owner(f))
	}
}

func (s *stage) file(f plan.File, data []byte) {
	switch {
	case f.Mode&special != 0:
		s.copy(llb.Mkfile("/f", 0o644, data).WithState(llb.Scratch()), "/f", f)
	case s.action == nil:
		s.action = llb.Mkfile(f.Path, fs.FileMode(f.Mode), data, owner(f))
	default:
		s.action = s.action.Mkfile(f.Path, fs.FileMode(f.Mode), data, owner(f))
	}
}

func (s *stage) symlink(f plan.File) {
	if s.action == nil {
		s.action = llb.Symlink(f.Source.Symlink, f.Path, owner(f))
	} else {
		s.action = s.action.Symlink(f.Source.Symlink, f.Path, owner(f))
	}
}

func (s *stage) binary(f plan.File) error {
	from, name, err := s.placed(f)
	if err != nil {
		return err
	}
	s.copy(from, name, f)
	return nil
}

// copy is one file or one empty directory; a link is followed inside from. Without a
// mode it keeps the normalised one.
func (s *stage) copy(from llb.CopyInput, src string, f plan.File) {
	s.action = thenCopy(s.action, from, src, f.Path, planned(f))
}

// tree is a directory of the build context. A mode is that of its files: they are
// copied once more, one by one, since a copy's mode would be that of directories too.
func (s *stage) tree(f plan.File) error {
	files, ok := s.TreeFiles[f.Source.Tree]
	if f.Mode != 0 && !ok {
		return fmt.Errorf("the files of %s were not listed", f.Source.Tree)
	}
	s.mkdir(f.Path, plan.File{Mode: 0o755, UID: f.UID, GID: f.GID})
	s.action = s.action.Copy(s.sources(), rooted(f.Source.Tree), f.Path, &llb.CopyInfo{
		CopyDirContentsOnly: true, ChownOpt: owner(f),
	})
	if f.Mode == 0 {
		return nil
	}
	for _, name := range files {
		one := f
		one.Path = path.Join(f.Path, name)
		s.copy(s.sources(), path.Join(rooted(f.Source.Tree), name), one)
	}
	return nil
}

// planned is a copy of one file or directory with the mode and owner of the plan.
func planned(f plan.File) *llb.CopyInfo {
	return &llb.CopyInfo{FollowSymlinks: true, Mode: chmod(f.Mode), ChownOpt: owner(f)}
}

// chmod sets a mode, nothing if it is zero. Only the string form keeps special bits.
func chmod(m plan.Mode) *llb.ChmodOpt {
	if m == 0 {
		return nil
	}
	return &llb.ChmodOpt{ModeStr: fmt.Sprintf("%04o", uint32(m))}
}

func owner(f plan.File) *llb.ChownOpt {
	return &llb.ChownOpt{User: &llb.UserOpt{UID: f.UID}, Group: &llb.UserOpt{UID: f.GID}}
}
