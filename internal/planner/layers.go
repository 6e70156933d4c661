package planner

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	gopath "path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootdata"
)

// Where the system layer keeps its data. Go and OpenSSL look for roots there by
// themselves; the time zones are named by ZONEINFO.
const (
	certsDir     = "/etc/ssl/certs"
	rootsPath    = certsDir + "/ca-certificates.crt"
	zoneinfoPath = "/usr/share/zoneinfo.zip"
)

// What image.caRoots says besides file names.
const (
	rootsMozilla = "mozilla"
	rootsNone    = "none"
)

// layers are ours, bottom first: system (the same for all services), files, binaries.
func (p *planning) layers() []plan.Layer {
	var out []plan.Layer
	for _, l := range []plan.Layer{
		{Name: "system", Files: p.systemFiles()},
		{Name: "files", Files: p.serviceFiles()},
		{Name: "binaries", Files: p.binaryFiles()},
	} {
		if l.Files = p.withParents(l.Files); len(l.Files) > 0 {
			out = append(out, l)
		}
	}
	p.checkBinaries(out)
	p.checkKinds(out)
	return out
}

// checkKinds refuses a path that is a file in one layer and a directory in another.
func (p *planning) checkKinds(layers []plan.Layer) {
	isDir := map[string]bool{}
	for _, l := range layers {
		for _, f := range l.Files {
			dir := f.Source.Dir || f.Source.Tree != ""
			if was, seen := isDir[f.Path]; seen && was != dir {
				p.problem("image", "path-twice", "%s would be a file and a directory", f.Path)
			}
			isDir[f.Path] = dir
		}
	}
}

// checkBinaries refuses what a lower layer puts at or below a binary's path.
func (p *planning) checkBinaries(layers []plan.Layer) {
	for _, b := range p.binaries {
		for _, l := range layers[:len(layers)-1] {
			for _, f := range l.Files {
				if f.Path == "/"+b.name || strings.HasPrefix(f.Path, "/"+b.name+"/") {
					p.problem("image", "path-below-file", "%s collides with the binary /%s", f.Path, b.name)
				}
			}
		}
	}
}

func (p *planning) scratch() bool { return baseRef(p.service) == "" }

func (p *planning) tzdata() bool {
	if t := p.service.Image.Tzdata; t != nil {
		return *t
	}
	return p.scratch()
}

// mozilla reports whether our bundle of roots is in the image.
func (p *planning) mozilla() bool {
	roots := p.service.Image.CARoots
	if len(roots) == 0 {
		return p.scratch()
	}
	return slices.Contains(roots, rootsMozilla)
}

// systemFiles are what a service needs of an operating system: on scratch, mount
// points, accounts and a /tmp; roots and time zones where wanted.
func (p *planning) systemFiles() []plan.File {
	var files []plan.File
	if p.scratch() {
		for _, path := range []string{"/dev", "/etc", "/proc", "/sys", "/tmp", rootdata.Home} {
			files = append(files, directory(path))
		}
		files = append(files,
			inline("/etc/passwd", rootdata.Passwd(nonroot, nonroot)),
			inline("/etc/group", rootdata.Group(nonroot)))
	}
	if p.mozilla() {
		files = append(files, rootFile(rootsPath, rootdata.CARoots))
	}
	if p.tzdata() {
		files = append(files, rootFile(zoneinfoPath, rootdata.Zoneinfo))
	}
	return files
}

// serviceFiles are the service's own: files and trees of the context, more roots,
// the accounts of another user, and directories that it may write.
func (p *planning) serviceFiles() []plan.File {
	var files []plan.File
	if p.scratch() && !p.user.isDefault() {
		files = append(files,
			inline("/etc/passwd", rootdata.Passwd(p.user.uid, p.user.gid)),
			inline("/etc/group", rootdata.Group(p.user.gid)),
			p.owned(p.user.home()))
	}
	for _, root := range p.service.Image.CARoots {
		if root != rootsMozilla && root != rootsNone {
			files = append(files, p.extraRoots(root))
		}
	}
	for _, dir := range p.service.Image.Volumes {
		files = append(files, p.owned(dir))
	}
	if dir := p.service.Image.Workdir; dir != "" && dir != "/" && !slices.Contains(p.service.Image.Volumes, dir) {
		files = append(files, p.owned(dir))
	}
	for i := range p.service.Image.Files {
		files = append(files, p.contextFile(i))
	}
	return files
}

func (p *planning) binaryFiles() []plan.File {
	var files []plan.File
	for _, b := range p.binaries {
		files = append(files, plan.File{Path: "/" + b.name, Mode: 0o755, Source: plan.Source{Binary: b.name}})
	}
	return files
}

// extraRoots is a PEM file of the context beside the bundle: Go reads the bundle
// and every file of the directory (crypto/x509/root_unix.go).
func (p *planning) extraRoots(name string) plan.File {
	data := p.facts.Contents[gopath.Clean(name)]
	rest, certs := data, 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil || block.Type != "CERTIFICATE" {
			p.problem("image.caRoots", "ca-roots", "%s holds a PEM block %s that is not a certificate: only certificates belong into an image", name, block.Type)
			return plan.File{}
		}
		certs++
	}
	if certs == 0 {
		p.problem("image.caRoots", "ca-roots", "%s holds no PEM certificate", name)
	}
	return inline(certsDir+"/plimsoll-"+gopath.Base(name), data)
}

func (p *planning) contextFile(i int) plan.File {
	f := p.service.Image.Files[i]
	from := gopath.Clean(f.From)
	file := plan.File{Path: gopath.Clean(f.To)}
	if f.Mode != "" {
		if err := file.Mode.UnmarshalText([]byte(f.Mode)); err != nil {
			p.problem("image.files", "mode", "%v", err)
		}
	}
	key := fmt.Sprintf("image.files[%d].to", i)
	if strings.Contains(file.Path, "/.wh.") {
		p.problem(key, "whiteout", "%s would delete a file of the image: names with .wh. are whiteouts", file.Path)
	}
	if p.facts.Entries[from].Dir {
		if _, special := known[file.Path]; special && p.scratch() {
			p.problem(key, "system-directory", "%s has a mode and an owner of its own, which a tree would replace: copy into a directory below it", file.Path)
		}
		file.Source.Tree = from
		return file
	}
	if strings.HasSuffix(f.To, "/") { // as COPY and cp have it: into the directory
		file.Path = gopath.Join(file.Path, gopath.Base(from))
	}
	file.Source.Context = from
	return file
}

// known are directories whose mode or owner is not 0755 root.
var known = map[string]plan.File{
	"/tmp":        {Mode: 0o1777},
	"/var/tmp":    {Mode: 0o1777},
	"/root":       {Mode: 0o700},
	rootdata.Home: {Mode: 0o700, UID: nonroot, GID: nonroot},
}

func directory(path string) plan.File {
	f, ok := known[path]
	if !ok {
		f.Mode = 0o755
	}
	f.Path, f.Source.Dir = path, true
	return f
}

// owned is a directory that the service may write.
func (p *planning) owned(path string) plan.File {
	f := directory(path)
	f.UID, f.GID = p.user.uid, p.user.gid
	return f
}

func inline(path string, data []byte) plan.File {
	return plan.File{Path: path, Mode: 0o644, Source: plan.Source{Inline: data}}
}

func rootFile(path, name string) plan.File {
	return plan.File{Path: path, Mode: 0o644, Source: plan.Source{Root: &plan.RootData{
		Name: name, Digest: digest.Digest(rootdata.Digest(name)),
	}}}
}

// linkedDirs are paths that are symlinks in merged-usr distributions: a directory
// entry of ours would replace the link and break the base image.
var linkedDirs = []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/var/run", "/var/lock"}

// withParents adds the parent directories that are not named, and sorts all in
// walk order. Two entries for one path are a problem of the spec.
func (p *planning) withParents(files []plan.File) []plan.File {
	byPath := map[string]plan.File{}
	for _, f := range files {
		old, twice := byPath[f.Path]
		switch {
		case twice && old.Source.Dir && f.Source.Tree != "":
			f.UID, f.GID = old.UID, old.GID // what is copied onto a volume belongs to its user
		case twice && (!old.Source.Dir || !f.Source.Dir):
			p.problem("image", "path-twice", "%s would be in the image twice", f.Path)
		}
		byPath[f.Path] = f
	}
	for _, f := range files {
		for dir := gopath.Dir(f.Path); dir != "/" && dir != "."; dir = gopath.Dir(dir) {
			if !p.scratch() && slices.Contains(linkedDirs, dir) {
				p.problem("image.files", "linked-directory", "%s lies below %s, which is a link in many base images and would be replaced: use the path that it points to, such as /usr%s or /run", f.Path, dir, dir)
			}
			if parent, ok := byPath[dir]; !ok {
				byPath[dir] = directory(dir)
			} else if !parent.Source.Dir && parent.Source.Tree == "" {
				p.problem("image", "path-below-file", "%s lies below %s, which is a file", f.Path, dir)
			}
		}
	}
	return slices.SortedFunc(maps.Values(byPath), plan.CompareFiles)
}
