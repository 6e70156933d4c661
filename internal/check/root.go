package check

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

// Request is what a root file system is checked against.
type Request struct {
	// Architecture is as GOARCH names it.
	Architecture string `json:"architecture"`
	// Binaries are the absolute paths of what was built.
	Binaries []string `json:"binaries"`
	// Hooks are, by binary, the function of the start-up hook that it must hold.
	Hooks map[string]string `json:"hooks,omitempty"`
	// Volumes and WorkingDir are the image config's.
	Volumes    []string `json:"volumes,omitempty"`
	WorkingDir string   `json:"workingDir,omitempty"`
}

// Root checks a root file system. Its links must not be followed by the tree itself
// (fs.ReadLinkFS), and files must be readable at any offset (io.ReaderAt).
func Root(root fs.FS, r Request) Report {
	index, err := indexOf(root)
	if err != nil {
		return Report{{RuleRoot, "/", true, "the root file system cannot be read: " + err.Error()}}
	}
	report := mounts(index, r)
	for _, name := range r.Binaries {
		report = append(report, program(root, index, name, r)...)
	}
	return report
}

func mounts(index *rootfs.Index, r Request) Report {
	var report Report
	for _, p := range rootfs.CheckMounts(index, rootfs.Container{Volumes: r.Volumes, WorkingDir: r.WorkingDir}) {
		report = append(report, Finding{RuleMounts, p.Path, true, p.Got + "; wanted: " + p.Want})
	}
	if len(report) > 0 {
		return report
	}
	return Report{{RuleMounts, strings.Join(rootfs.MountPoints(), " "), false, "absent or empty directories, and nothing covers them"}}
}

// program checks one file that was built.
func program(root fs.FS, index *rootfs.Index, name string, r Request) Report {
	f, size, err := open(root, index, name)
	if err != nil {
		return Report{{RuleStatic, name, true, err.Error()}}
	}
	defer f.Close()
	b, err := gobin.ReadHeaders(f, size)
	if err != nil {
		return Report{{RuleStatic, name, true, notExecutable(err).Error()}}
	}
	report := Report{
		finding(RuleStatic, name, static(b), "no loader, no library"),
		finding(RulePlatform, name, forArchitecture(b, r.Architecture), "for "+r.Architecture),
	}
	if function := r.Hooks[name]; function != "" {
		report = append(report, finding(RuleHook, name, Hook(f, size, function), "the start-up hook is in it"))
	}
	return report
}

func finding(rule, name string, err error, good string) Finding {
	if err != nil {
		return Finding{rule, name, true, err.Error()}
	}
	return Finding{rule, name, false, good}
}

// file is an open file that can be read anywhere.
type file interface {
	fs.File
	io.ReaderAt
}

// open opens the file that a process would find at name.
func open(root fs.FS, index *rootfs.Index, name string) (_ file, size int64, err error) {
	entry, err := index.Resolve(name)
	if err != nil {
		return nil, 0, err
	}
	if entry.Type != rootfs.File {
		return nil, 0, fmt.Errorf("%s is a %s", entry.Path, entry.Type)
	}
	opened, err := root.Open(strings.TrimPrefix(entry.Path, "/"))
	if err != nil {
		return nil, 0, fmt.Errorf("opening %s: %w", entry.Path, err)
	}
	f, ok := opened.(file)
	if !ok {
		return nil, 0, fmt.Errorf("%s cannot be read at an offset", entry.Path)
	}
	return f, entry.Size, nil
}

// indexOf lists a tree as if it were one layer.
func indexOf(root fs.FS) (*rootfs.Index, error) {
	index := rootfs.New()
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := rootfs.Entry{Path: "/" + name, Type: typeOf(info.Mode()), Size: info.Size()}
		if e.Type == rootfs.Symlink {
			if e.Link, err = fs.ReadLink(root, name); err != nil {
				return err
			}
		}
		return index.Add(e)
	})
	if err != nil {
		return nil, fmt.Errorf("listing it: %w", err)
	}
	return index, nil
}

func typeOf(m fs.FileMode) rootfs.Type {
	switch {
	case m.IsRegular():
		return rootfs.File
	case m.IsDir():
		return rootfs.Dir
	case m&fs.ModeSymlink != 0:
		return rootfs.Symlink
	}
	return rootfs.Special
}
