package spec

// APIVersion is the value of apiVersion that this package reads.
const APIVersion = "plimsoll.build/v1"

// Service is one Go service: what is built, the image around it, and the limits
// that it runs under.
type Service struct {
	// The version of the format: plimsoll.build/v1. The only key that has no default.
	APIVersion string `json:"apiVersion"`
	// The service's name: the title of the image and the name of its binary. Default: the last element of build.main, else of the module path.
	Name string `json:"name,omitempty"`
	// What is compiled, and how.
	Build Build `json:"build,omitzero"`
	// What the image holds besides the binaries, and how it starts.
	Image Image `json:"image,omitzero"`
	// Declared limits and the tuning of the Go runtime that follows from them.
	Runtime Runtime `json:"runtime,omitzero"`
}

// Build says what is compiled, and how.
type Build struct {
	// The main package's directory, relative to the root of the build context. Default: ".".
	Main string `json:"main,omitempty"`
	// Several binaries of one module in one image, instead of main; the first is the entrypoint.
	Binaries []Binary `json:"binaries,omitempty"`
	// The Go version: exact ("1.26.8") or the minimum of a minor release ("1.26"). Default: the toolchain line, else the go line, of go.mod.
	Go string `json:"go,omitempty"`
	// Another toolchain image for the BuildKit engine, such as a mirror of the official one.
	Image string `json:"image,omitempty"`
	// Declared build arguments with their defaults, used as ${NAME} in tags, ldflags, env values and most fields of image.
	Args map[string]string `json:"args,omitempty"`
	// Go build tags.
	Tags []string `json:"tags,omitempty" spec:"expand"`
	// Linker flags after the default -s -w. Refused: -buildid, -extldflags, -linkmode=external.
	Ldflags []string `json:"ldflags,omitempty" spec:"expand"`
	// Variables that get the version, revision and time at link time.
	Stamp Stamp `json:"stamp,omitzero"`
	// Go environment that may reach the compiler: GOEXPERIMENT, GO386, GOMIPS, GOMIPS64, GOPPC64, GORISCV64.
	Env map[string]string `json:"env,omitempty" spec:"expand"`
	// The micro-architecture level per architecture: GOAMD64, GOARM64, GOARM …, such as amd64: v3.
	Levels map[string]string `json:"levels,omitempty"`
	// Profile-guided optimization: auto, off or a profile's path. Not supported yet.
	PGO string `json:"pgo,omitempty" spec:"unsupported"`
	// The FIPS 140-3 module: off, latest or a version. Not supported yet.
	FIPS string `json:"fips,omitempty" spec:"unsupported"`
	// How private modules are fetched.
	Private Private `json:"private,omitzero"`
}

// Binary is one of several binaries.
type Binary struct {
	// The binary's file name. Default: the last element of main.
	Name string `json:"name,omitempty"`
	// The main package's directory, relative to the root of the build context.
	Main string `json:"main"`
	// Build tags of this binary, after those of build.tags.
	Tags []string `json:"tags,omitempty" spec:"expand"`
	// Linker flags of this binary, after those of build.ldflags.
	Ldflags []string `json:"ldflags,omitempty" spec:"expand"`
}

// Stamp names string variables, each as importpath.name ("main.version").
type Stamp struct {
	// Gets the build argument VERSION.
	Version string `json:"version,omitempty"`
	// Gets the revision of the source.
	Revision string `json:"revision,omitempty"`
	// Gets the source date epoch in RFC 3339, UTC.
	Time string `json:"time,omitempty"`
}

// Private says how private modules are fetched.
type Private struct {
	// Module path patterns that bypass the proxy and the checksum database, as in GOPRIVATE.
	Patterns []string `json:"patterns,omitempty"`
	// The id of a build secret that holds a netrc file.
	Netrc string `json:"netrc,omitempty"`
	// The id of an SSH agent socket. Not supported yet.
	SSH string `json:"ssh,omitempty" spec:"unsupported"`
	// The id of a build secret that holds a CA bundle (PEM) for fetching.
	CA string `json:"ca,omitempty"`
}

// Image says what the image holds besides the binaries, and how it starts.
type Image struct {
	// What the image stands on: scratch, static (distroless static) or an image reference. Default: scratch.
	Base string `json:"base,omitempty" spec:"expand"`
	// The user and group, numeric: "UID:GID" or "UID". Default: "65532:65532".
	User string `json:"user,omitempty" spec:"expand"`
	// The entrypoint in exec form. Default: the first binary.
	Entrypoint []string `json:"entrypoint,omitempty" spec:"expand"`
	// Default arguments of the entrypoint.
	Args []string `json:"args,omitempty" spec:"expand"`
	// Environment variables of the container.
	Env map[string]string `json:"env,omitempty" spec:"expand"`
	// The working directory. Default: "/".
	Workdir string `json:"workdir,omitempty" spec:"expand"`
	// Absolute paths of volumes; each exists in the image and is owned by the user.
	Volumes []string `json:"volumes,omitempty"`
	// Ports as "8080", "8080/tcp" or "53/udp".
	Ports []string `json:"ports,omitempty"`
	// The signal that stops the container, such as SIGTERM.
	StopSignal string `json:"stopSignal,omitempty"`
	// Labels of the image. build.plimsoll.* is refused.
	Labels map[string]string `json:"labels,omitempty" spec:"expand"`
	// Annotations of the manifest, besides the labels, which are all annotations too.
	Annotations map[string]string `json:"annotations,omitempty" spec:"expand"`
	// Files and trees from the build context.
	Files []File `json:"files,omitempty"`
	// CA roots: mozilla, none, or a list of mozilla and PEM files of the build context. Default: mozilla on scratch; on a base, the base's.
	CARoots OneOrMany `json:"caRoots,omitempty"`
	// Whether the time zone database is in the image. Default: true on scratch.
	Tzdata *bool `json:"tzdata,omitempty"`
	// A health check by a static prober. Not supported yet.
	Health *Health `json:"health,omitempty" spec:"unsupported"`
}

// File is a file or a tree of the build context in the image.
type File struct {
	// A file or directory, relative to the root of the build context.
	From string `json:"from" spec:"expand"`
	// The absolute path in the image; with a slash at its end, the directory that a file goes into.
	To string `json:"to" spec:"expand"`
	// Octal permission bits of the file, or of all files of the tree. Default: 0644, or 0755 if it is executable.
	Mode string `json:"mode,omitempty"`
}

// Health is a health check. Not supported yet.
type Health struct {
	// The URL that must answer with a status below 400.
	HTTP string `json:"http,omitempty"`
	// The time between two checks.
	Interval string `json:"interval,omitempty"`
}

// Runtime declares limits and the tuning of the Go runtime.
type Runtime struct {
	// Memory limits of the container.
	Memory Memory `json:"memory,omitzero"`
	// Where GOMEMLIMIT comes from: env (fixed, from memory), auto (a start-up hook reads the container's own limit) or off. Default: env if memory.max is set.
	Memlimit string `json:"memlimit,omitempty" spec:"off"`
	// CPU limits of the container.
	CPU CPU `json:"cpu,omitzero"`
	// GOMAXPROCS: auto (the runtime follows the CPU limit) or a number.
	Gomaxprocs string `json:"gomaxprocs,omitempty"`
	// GOGC: a percentage or off.
	Gogc string `json:"gogc,omitempty" spec:"off"`
	// GODEBUG settings, checked against the Go release's own table.
	Godebug map[string]string `json:"godebug,omitempty"`
	// The largest number of processes and threads.
	Pids int `json:"pids,omitempty"`
	// The cgroup version that the service needs: any or v2. Default: any.
	Cgroup string `json:"cgroup,omitempty"`
	// A rehearsal at the end of a build: the image runs under memory.max and cpu.max, without a network. Default: none.
	Rehearse *Rehearse `json:"rehearse,omitempty"`
}

// Memory is a container's memory, in binary units.
type Memory struct {
	// The hard limit: the kernel kills above it.
	Max Size `json:"max,omitempty"`
	// The throttling limit: the kernel slows the service above it.
	High Size `json:"high,omitempty"`
	// The share of max that is left to what Go's collector does not see, such as 10%. Default: 10%.
	Headroom *Percent `json:"headroom,omitempty"`
	// Memory of the service that is not Go's heap, stacks or runtime, such as mmap.
	NonGo Size `json:"nonGo,omitempty"`
	// With memlimit: auto, how often the container's limit is read again, such as 30s: it can be resized while it runs. Default: at the start alone.
	Refresh string `json:"refresh,omitempty"`
}

// CPU is a container's share of processors.
type CPU struct {
	// The limit in cores ("2", "0.5") or millicores ("250m").
	Max Cores `json:"max,omitempty"`
	// The relative weight, 1 to 10000, as cgroup v2's cpu.weight.
	Weight int `json:"weight,omitempty"`
	// The processors to run on, such as "0-3" or "0,2".
	Set string `json:"set,omitempty"`
}

// Rehearse is a run of the image at the end of a build. Nothing of it is in the image.
type Rehearse struct {
	// Arguments of the entrypoint instead of image.args.
	Args []string `json:"args,omitempty"`
	// How long the service is watched, such as 500ms, 2s or 1m; 10m at most. Default: 2s.
	For string `json:"for,omitempty"`
	// What is expected: ready (it still runs when the time is over) or exit0 (it ends with exit code 0 before that). Default: ready.
	Expect string `json:"expect,omitempty"`
}
