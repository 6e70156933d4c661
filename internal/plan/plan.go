package plan

import (
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"
)

// FormatVersion is the version of the plan's JSON form.
const FormatVersion = 1

// Plan is everything that decides one platform's image.
type Plan struct {
	// Version is FormatVersion.
	Version int `json:"version"`
	// Platform is the target, normalized as containerd/platforms does.
	Platform ocispec.Platform `json:"platform"`
	// Go is the exact toolchain version without the "go" prefix, such as "1.26.8".
	Go string `json:"go"`
	// Compiles are the binaries to build; the first is the entrypoint.
	Compiles []Compile `json:"compiles"`
	// Base is what the layers stand on; its zero value is scratch.
	Base Base `json:"base"`
	// Layers are ours, bottom first.
	Layers []Layer `json:"layers"`
	// Config is the final image config: the base's is merged in already.
	Config Image `json:"config"`
	// Annotations go onto the platform's manifest, never onto an index.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Epoch is the time of every file and of the config, in seconds UTC.
	Epoch int64 `json:"epoch"`
}

// Base names the image below our layers. All fields are empty for scratch.
type Base struct {
	// Ref is the reference as the spec names it, with its registry spelled out.
	Ref string `json:"ref,omitempty"`
	// Digest is what Ref resolved to (an index or a manifest); empty for a
	// named context that has none (a local directory or a bake target).
	Digest digest.Digest `json:"digest,omitempty"`
	// DiffIDs are the uncompressed digests of the base's layers, bottom first.
	DiffIDs []digest.Digest `json:"diffIDs,omitempty"`
}

// Scratch reports whether there is no base image.
func (b Base) Scratch() bool { return b.Ref == "" }

// Compile is one static binary, made by the go command of version Plan.Go.
type Compile struct {
	// Name is the binary's file name.
	Name string `json:"name"`
	// Dir is the module's directory, slash-separated, relative to the context root; "." for the root.
	Dir string `json:"dir"`
	// Package is the main package relative to Dir, such as "./cmd/orders" or ".".
	Package string `json:"package"`
	// Work is the go.work file relative to the context root, or "off".
	Work string `json:"work"`
	// ModFiles are the files that decide which modules are fetched (go.mod,
	// go.sum, go.work, go.work.sum, of every module in use), sorted, relative to
	// the context root. Empty with a vendor directory: nothing is fetched.
	ModFiles []string `json:"modFiles,omitempty"`
	// Flags are go build's flags but for -tags, -ldflags and -o.
	Flags []string `json:"flags"`
	// Tags are build tags, in the spec's order.
	Tags []string `json:"tags,omitempty"`
	// Ldflags are the linker's flags without the stamp, one argument each.
	Ldflags []string `json:"ldflags,omitempty"`
	// Stamp holds "importpath.name=value" for -X: known at link time only.
	Stamp []string `json:"stamp,omitempty"`
	// Hook is a file of the main package that is not in the build context; nil without one.
	Hook *Hook `json:"hook,omitempty"`
	// Env is the complete environment that can reach the output, sorted; GOWORK
	// is absent here since its value is a path (see Environ).
	Env []string `json:"env"`
}

// Hook is a generated Go file that is compiled as part of a main package.
type Hook struct {
	// Path is the file's, relative to the context root, where no file is.
	Path string `json:"path"`
	// Content is the file itself.
	Content string `json:"content"`
	// Function is the function that a binary with the hook holds, as its function table
	// names it.
	Function string `json:"function"`
}

// Layer is one tar and one file operation. Files are sorted in the order of a
// file-system walk, and every parent directory but the root is listed before
// what it holds.
type Layer struct {
	// Name says what the layer is for: "system", "files" or "binaries".
	Name string `json:"name"`
	// Files are the entries of the tar.
	Files []File `json:"files"`
}

// File is one entry of a layer (a Tree source stands for many).
type File struct {
	// Path is absolute, slash-separated and clean.
	Path string `json:"path"`
	// Mode holds the permission bits and, for a directory, the sticky bit, as a
	// POSIX number (01777). Zero for symlinks, and for context files and trees
	// whose modes follow the rule of NormalMode.
	Mode Mode `json:"mode,omitempty"`
	// UID and GID own the entry.
	UID int `json:"uid"`
	GID int `json:"gid"`
	// Source is where the content comes from.
	Source Source `json:"source"`
}

// Source says where a file's content comes from: exactly one field is set.
type Source struct {
	// Binary is the name of a Compile.
	Binary string `json:"binary,omitempty"`
	// Context is a file relative to the context root; a link there is followed
	// as long as it stays inside.
	Context string `json:"context,omitempty"`
	// Tree is a directory relative to the context root: its content is copied
	// below Path, links are kept, modes follow NormalMode unless Mode is set.
	Tree string `json:"tree,omitempty"`
	// Root is named data of internal/rootdata.
	Root *RootData `json:"root,omitempty"`
	// Inline is the content itself.
	Inline []byte `json:"inline,omitempty"`
	// Symlink is a link's target.
	Symlink string `json:"symlink,omitempty"`
	// Dir is set for a directory.
	Dir bool `json:"dir,omitempty"`
}

// RootData names a file of internal/rootdata and binds its bytes.
type RootData struct {
	Name   string        `json:"name"`
	Digest digest.Digest `json:"digest"`
}
