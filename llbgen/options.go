package llbgen

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Options are an engine's side of a build: what a plan must not know.
type Options struct {
	// Context is the build context as it comes, with any modes and owners.
	Context llb.State
	// Code is where the files of Listings are, as they come; its zero value is Context.
	Code llb.State
	// CodeExact says that Code holds the files of each of Listings and no others.
	CodeExact bool
	// Listings say, by the name of a binary, what compiling it reads. A binary without one
	// is compiled in a single vertex, from the whole context.
	Listings map[string]Listing
	// Excludes are patterns of an ignore file that Context has not been through
	// (a git or http context); empty where the client has applied it.
	Excludes []string
	// Toolchain is the toolchain image with its config, of which PATH is used.
	Toolchain llb.State
	// GoRoot is where a toolchain that needs nothing else is in its image, such as
	// /usr/local/go: compiling then takes that directory alone. Empty takes the whole image.
	GoRoot string
	// BuildPlatform is where the go command runs, whatever the target is.
	BuildPlatform ocispec.Platform
	// Base is the base image's root file system; its zero value is scratch.
	Base llb.State
	// CacheID names the persistent cache mount that keeps what was compiled before. What is
	// damaged there is compiled again. All builds of the daemon that mount it can write it, as
	// with the cache mounts of Dockerfiles, and one that means harm can put in what it likes.
	CacheID string
	// Fetch says how modules are fetched.
	Fetch Fetch
	// TreeFiles lists, for each Tree source with a mode, its regular files as
	// slash-separated paths below the tree: the mode is theirs, not the directories'.
	TreeFiles map[string][]string
	// ShowPlatform puts the target platform into the names of vertices.
	ShowPlatform bool
	// NoCache runs every vertex again.
	NoCache bool
	// Locations say where the lines that a vertex comes from stand in the spec. The
	// keys are those of FetchLocation, CompileLocation and LayerLocation.
	Locations map[string][]llb.ConstraintsOpt
}

// Listing is what compiling one binary reads, and what of it can be compiled before the
// service's own packages.
type Listing struct {
	// Main is the import path of the main package.
	Main string
	// Files are the files of the service's own packages and all module files, relative
	// to the context root.
	Files []string
	// Vendor is the directory of vendored packages, relative to the context root; empty
	// where they come from the module cache.
	Vendor string
	// Deps are the third-party packages that the service's own packages import.
	Deps []string
	// Shared are those of Files that packages of other modules may import: a module of the
	// context that stands in for a published one.
	Shared []string
	// Std are the standard packages that the service's own packages import.
	Std []string
	// Profile is the profile that -pgo=auto uses, relative to the context root, or empty.
	Profile string
}

// Fetch is the surroundings of the fetch vertex. None of it reaches the image:
// go.sum pins what is fetched.
type Fetch struct {
	// Env is GOPROXY, GOPRIVATE and the like; it is part of the cache key.
	Env map[string]string
	// Netrc is the id of a secret that holds a netrc file, or empty.
	Netrc string
	// CA is the id of a secret that holds a CA bundle, or empty.
	CA string
	// Proxy is the HTTP proxy, or nil; it is not part of the cache key.
	Proxy *llb.ProxyEnv
	// Hosts are additional host names.
	Hosts []llb.HostIP
}

// FetchLocation is the key of the fetch vertex in Options.Locations.
func FetchLocation() string { return "fetch" }

// CompileLocation is the key of the vertex that compiles a binary in Options.Locations.
func CompileLocation(binary string) string { return "compile " + binary }

// LayerLocation is the key of a layer's vertex in Options.Locations.
func LayerLocation(layer string) string { return "layer " + layer }

// RequiredCaps are the LLB capabilities without which no plan can be built. Copies with
// symbolic modes (BuildKit 0.17) have a capability that no daemon reports, and an older one
// would take such a mode for 0; symlink actions (0.19) are the first that came after them.
func RequiredCaps() []apicaps.CapID {
	return []apicaps.CapID{pb.CapFileBase, pb.CapFileSymlinkCreate, pb.CapExecMountContentCache}
}
