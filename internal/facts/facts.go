package facts

import (
	"context"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"
)

// Query is what to gather. All paths are slash-separated and relative to the root
// of the build context.
type Query struct {
	// Mains are the directories of the main packages.
	Mains []Want
	// Base is the base image's reference; its Name is empty for scratch.
	Base Want
	// Platforms are the targets, normalized.
	Platforms []ocispec.Platform
	// Files are files or directories that must exist.
	Files []Want
	// Contents are files whose bytes go into the plan.
	Contents []Want
	// Stamps are variables, as importpath.name, that the linker is to set.
	Stamps []Want
}

// Want is one thing to gather.
type Want struct {
	// Name is a path or a reference.
	Name string
	// Key is the key path of the spec that asks for it, for messages.
	Key string
	// Tags are build tags: they decide which files of a main package count.
	Tags []string
}

// Facts are the impure inputs of a plan.
type Facts struct {
	// Modules holds, for each main of the query, the module that it belongs to.
	Modules map[string]Module
	// Go is the exact version of the toolchain, such as "1.26.8"; engines fill it in.
	Go string
	// Bases holds the base image for each platform, as the function of that name finds it;
	// engines fill it in.
	Bases map[string]Image
	// Entries says of each file of the query what it is.
	Entries map[string]Entry
	// Contents holds the bytes of each file of Query.Contents.
	Contents map[string][]byte
	// Source is where the source stands; engines fill it in.
	Source Source
	// Warnings are what is odd and no problem.
	Warnings []Note
}

// Module is the Go module of a main package.
type Module struct {
	// Path is the module path.
	Path string
	// Dir is the module's directory; "." for the context root.
	Dir string
	// GoLine is the version of the go line of go.mod, such as "1.25.0"; "1.16" if there is none, as the go command assumes.
	GoLine string
	// Toolchain is the version of the toolchain line without the "go" prefix; empty without one.
	Toolchain string
	// Work is the go.work file in use, or "off".
	Work string
	// Godebug holds the godebug settings of go.mod or go.work and the //go:debug
	// lines of the main package, which win.
	Godebug map[string]string
	// Directives holds the //go:debug lines of the main package alone. The value is empty
	// where they differ between the target platforms.
	Directives map[string]string
	// MainFiles are the names of the main package's Go files for the first platform, and of
	// those that it leaves out.
	MainFiles []string
	// Vendored is set where a vendor directory replaces the module cache.
	Vendored bool
	// Files are go.mod, go.sum, go.work and go.work.sum of every module in use,
	// sorted; empty where no module has to be fetched.
	Files []string
}

// Image is an image as resolved for one platform.
type Image struct {
	// Ref is the reference with its registry spelled out.
	Ref string
	// Digest is what Ref points to; empty for a named context without one.
	Digest digest.Digest
	// Config is the image's config file for the platform.
	Config []byte
}

// Entry is what a path of the build context is.
type Entry struct {
	// Dir is set for a directory.
	Dir bool
}

// Source is where the source stands in its history. An empty field is unknown:
// no label, and an empty stamp.
type Source struct {
	// Revision is the commit, with "-dirty" appended for a changed tree.
	Revision string
	// Version is the build argument VERSION.
	Version string
	// URL is the repository's.
	URL string
	// Epoch is the source date epoch in seconds UTC.
	Epoch int64
}

// Resolver reads an image's digest and config, for several platforms at once. Its errors need
// not name the reference: Bases does.
type Resolver interface {
	Resolve(ctx context.Context, ref string, platform ocispec.Platform) (Image, error)
}
