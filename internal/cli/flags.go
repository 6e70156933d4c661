package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/pflag"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// Environment variables that set a flag for a whole machine; both take several
// NAME=VALUE words.
const (
	envContexts = "PLIMSOLL_BUILD_CONTEXTS"
	envMirrors  = "PLIMSOLL_MIRRORS"
)

// sourceFlags say what is built: those that build and plan share.
type sourceFlags struct {
	context   string // directory, or a git or http URL with BuildKit
	file      string
	main      string
	platforms []string
	buildArgs []string
	contexts  []string
	labels    []string
	mirrors   []string
	secrets   []string
	target    string
	recorded  recorded
	stdin     bool // file holds what the standard input was
	noCache   bool // nothing of our cache is used
}

// recorded is what an image says of its own build, to plan the same one again. What is
// empty is decided as for any build.
type recorded struct {
	url       string // the repository's
	goVersion string // exact, without "go"
}

func (f *sourceFlags) register(fs *pflag.FlagSet) {
	fs.StringVarP(&f.file, "file", "f", "", "spec file, relative to the working directory, or - for stdin (default CONTEXT/plimsoll.yaml)")
	fs.StringVar(&f.main, "main", "", "main package's directory, relative to the context; needs no spec file")
	fs.StringSliceVar(&f.platforms, "platform", nil, "target platforms (default linux/ARCH of this host)")
	fs.StringArrayVar(&f.buildArgs, "build-arg", nil, "build argument, NAME=VALUE or NAME to take it from the environment")
	fs.StringArrayVar(&f.contexts, "build-context", nil, "named context, NAME=docker-image://REF or NAME=oci-layout://DIR; static= and toolchain= replace those images ("+envContexts+")")
	fs.StringArrayVar(&f.labels, "label", nil, "image label, KEY=VALUE")
	fs.StringArrayVar(&f.mirrors, "mirror", nil, "registry mirror, REGISTRY=HOST, for the embedded engine ("+envMirrors+")")
	fs.StringArrayVar(&f.secrets, "secret", nil, "build secret, id=ID[,src=FILE|,env=NAME]")
	fs.StringVar(&f.target, "target", "", "binary: the static binaries alone; plan: the plan as JSON")
}

// specFile is the path of the spec, and whether it exists.
func (f *sourceFlags) specFile() (string, bool) {
	file := f.file
	if file == "" {
		file = filepath.Join(f.context, "plimsoll.yaml")
	}
	info, err := os.Stat(file)
	return file, err == nil && !info.IsDir()
}

// targets are the platforms, normalized; the host's architecture by default.
func (f *sourceFlags) targets() ([]ocispec.Platform, error) {
	if len(f.platforms) == 0 {
		p := platforms.DefaultSpec()
		return []ocispec.Platform{platforms.Normalize(ocispec.Platform{OS: "linux", Architecture: p.Architecture})}, nil
	}
	seen := map[string]bool{}
	var out []ocispec.Platform
	for _, s := range f.platforms {
		p, err := platforms.Parse(strings.TrimSpace(s))
		if err != nil {
			return nil, usagef("unknown platform %q: name one as linux/amd64 or linux/arm/v7", s)
		}
		p = platforms.Normalize(p)
		if key := platforms.Format(p); !seen[key] {
			seen[key] = true
			out = append(out, p)
		}
	}
	return out, nil
}

// args are the build arguments; a name alone takes its value from the environment,
// and is left out if that has none, as with docker.
func (f *sourceFlags) args() (map[string]string, error) {
	out := map[string]string{}
	for _, arg := range f.buildArgs {
		name, value, given := strings.Cut(arg, "=")
		if name == "" {
			return nil, usagef("--build-arg %q has no name", arg)
		}
		if !given {
			if value, given = os.LookupEnv(name); !given {
				continue
			}
		}
		out[name] = value
	}
	return out, nil
}

// namedContexts are --build-context over the machine's own.
func (f *sourceFlags) namedContexts() (map[string]string, error) {
	return pairs("build-context", strings.Fields(os.Getenv(envContexts)), f.contexts)
}

// registryMirrors are --mirror and the machine's own, the flag's first.
func (f *sourceFlags) registryMirrors() (map[string][]string, error) {
	out := map[string][]string{}
	for _, words := range [][]string{f.mirrors, strings.Fields(os.Getenv(envMirrors))} {
		for _, word := range words {
			registry, host, ok := strings.Cut(word, "=")
			if !ok || registry == "" || host == "" {
				return nil, usagef("--mirror %q is not REGISTRY=HOST", word)
			}
			out[registry] = append(out[registry], host)
		}
	}
	return out, nil
}

// pairs reads KEY=VALUE words; later lists win.
func pairs(flag string, lists ...[]string) (map[string]string, error) {
	out := map[string]string{}
	for _, list := range lists {
		for _, word := range list {
			key, value, ok := strings.Cut(word, "=")
			if !ok || key == "" {
				return nil, usagef("--%s %q is not KEY=VALUE", flag, word)
			}
			out[key] = value
		}
	}
	return out, nil
}

// annotated are the annotations of the manifest. buildx's prefix for it is taken, and
// its other places are refused: an index with annotations is one that Docker's media
// types cannot carry.
func annotated(words []string) (map[string]string, error) {
	all, err := pairs("annotation", words)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for key, value := range all {
		key = strings.TrimPrefix(key, "manifest:")
		switch place, _, found := strings.Cut(key, ":"); {
		case strings.HasPrefix(key, tuning.Prefix):
			return nil, usagef("--annotation %s: the names under %s are Plimsoll's own", key, tuning.Prefix)
		case found && (strings.HasPrefix(place, "index") || strings.HasPrefix(place, "manifest")):
			return nil, usagef("--annotation %s: annotations are put on the manifest of each platform; %s: is not supported", key, place)
		}
		out[key] = value
	}
	return out, nil
}

// buildFlags say how it is built and where the result goes.
type buildFlags struct {
	sourceFlags
	tags         []string
	outputs      []string
	push, load   bool
	annotations  []string
	strict       bool
	pull         bool
	quiet        bool
	metadataFile string
	iidFile      string
	progress     string
	engine       string
	addr         string
	frontend     string
	cacheFrom    []string
	cacheTo      []string
	sbom         string
	provenance   string
	attest       []string
}

func (f *buildFlags) register(fs *pflag.FlagSet) {
	f.sourceFlags.register(fs)
	fs.StringArrayVarP(&f.tags, "tag", "t", nil, "name and tag of the image")
	fs.StringArrayVarP(&f.outputs, "output", "o", nil, "output as docker buildx has it: type=oci|docker|image|local|tar[,dest=…]")
	fs.BoolVar(&f.push, "push", false, "push to the registry: -o type=image,push=true")
	fs.BoolVar(&f.load, "load", false, "load into docker (or podman): -o type=docker")
	fs.StringArrayVar(&f.annotations, "annotation", nil, "manifest annotation, KEY=VALUE")
	fs.BoolVar(&f.noCache, "no-cache", false, "build everything again")
	fs.BoolVar(&f.strict, "strict", false, "fail where a check or a rehearsal cannot be done, as --build-arg PLIMSOLL_STRICT=1")
	fs.BoolVar(&f.pull, "pull", false, "resolve every image again (the embedded engine always does)")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but the result and errors")
	fs.StringVar(&f.metadataFile, "metadata-file", "", "write the result's metadata as JSON")
	fs.StringVar(&f.iidFile, "iidfile", "", "write the image's digest")
	fs.StringVar(&f.progress, "progress", "auto", "auto, plain, tty, quiet or rawjson")
	fs.StringVar(&f.engine, "engine", "auto", "embedded (no daemon), buildkit, or auto: embedded unless --addr or BUILDKIT_HOST is given")
	fs.StringVar(&f.addr, "addr", "", "BuildKit's address, such as unix:///run/buildkit/buildkitd.sock")
	fs.StringVar(&f.frontend, "frontend", "", "frontend image instead of the spec's syntax line (BuildKit)")
	fs.StringArrayVar(&f.cacheFrom, "cache-from", nil, "cache source, type=registry,ref=… (BuildKit)")
	fs.StringArrayVar(&f.cacheTo, "cache-to", nil, "cache destination, type=registry,ref=…,mode=max (BuildKit)")
	fs.StringVar(&f.sbom, "sbom", "", "attach an SBOM by BuildKit's scanner (BuildKit)")
	fs.StringVar(&f.provenance, "provenance", "", "attach BuildKit's provenance (BuildKit)")
	fs.StringArrayVar(&f.attest, "attest", nil, "attestation, type=sbom|provenance[,…] (BuildKit)")
	for _, name := range []string{"sbom", "provenance"} {
		fs.Lookup(name).NoOptDefVal = "true"
	}
}

// buildkit reports whether the BuildKit engine is asked for, and its address.
func (f *buildFlags) buildkit() (bool, string, error) {
	addr := f.addr
	if addr == "" {
		addr = os.Getenv("BUILDKIT_HOST")
	}
	switch f.engine {
	case "embedded":
		if f.addr != "" {
			return false, "", usagef("--addr is BuildKit's: leave it out, or use --engine buildkit")
		}
		return false, "", nil
	case "buildkit":
		if addr == "" {
			addr = "unix:///run/buildkit/buildkitd.sock"
		}
		return true, addr, nil
	case "auto":
		return addr != "", addr, nil
	}
	return false, "", usagef("unknown engine %q: auto, embedded or buildkit", f.engine)
}

// onlyBuildKit refuses what the embedded engine cannot do, by name.
func (f *buildFlags) onlyBuildKit() error {
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"cache-from", len(f.cacheFrom) > 0}, {"cache-to", len(f.cacheTo) > 0}, {"sbom", on(f.sbom)},
		{"provenance", on(f.provenance)}, {"attest", len(f.attest) > 0}, {"frontend", f.frontend != ""},
		{"progress=rawjson", f.progress == "rawjson"},
	} {
		if flag.set {
			return usagef("--%s needs BuildKit: use --engine buildkit with --addr, or docker buildx build", flag.name)
		}
	}
	if isRemote(f.context) {
		return usagef("the context %s is remote, which needs BuildKit: clone it, or use --engine buildkit", f.context)
	}
	return nil
}

func on(attestation string) bool { return attestation != "" && attestation != "false" }

// checkContext refuses what is no build context, with what was probably meant.
func checkContext(context string) error {
	if info, err := os.Stat(context); err == nil && !info.IsDir() {
		return usagef("%s is a file, and the argument is the build context, a directory: name a spec with -f", context)
	}
	return nil
}

func checkProgress(progress string) error {
	switch progress {
	case "auto", "plain", "tty", "quiet", "rawjson":
		return nil
	}
	return usagef("unknown progress %q: auto, plain, tty, quiet or rawjson", progress)
}

// checkTarget refuses targets by name.
func checkTarget(target string) error {
	switch target {
	case "", "binary", "plan":
		return nil
	case "debug":
		return usagef("--target debug is not supported yet")
	}
	return usagef("unknown target %q: binary or plan", target)
}

// plural is "1 thing" or "2 things".
func plural(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
