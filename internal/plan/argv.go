package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Step is one run of the go command.
type Step string

// The steps of a compile. Fetch needs the network and nothing but ModFiles; Link
// needs the sources and, with a filled module cache, no network. Link compiles what
// the build cache does not hold, so it is enough alone; see also CompileArgv.
const (
	Fetch Step = "fetch"
	Link  Step = "link"
)

// Paths are an engine's places: what a plan must not know.
type Paths struct {
	// Context is the absolute path of the build context.
	Context string
	// Out is the absolute path of the binary that Link writes.
	Out string
	// Overlay is the absolute path of a go build overlay file, or empty. It may
	// only hide files that the build context does not hold.
	Overlay string
	// Verbose makes Link name the packages that it compiles.
	Verbose bool
}

// Argv is the command line of a step, argv[0] being "go". It runs in
// Paths.Context joined with Compile.Dir, with the environment of Environ.
func Argv(step Step, c Compile, p Paths) ([]string, error) {
	switch step {
	case Fetch:
		return []string{"go", "mod", "download"}, nil
	case Link:
		return linkArgv(c, p)
	}
	return nil, fmt.Errorf("unknown step %q", step)
}

func linkArgv(c Compile, p Paths) ([]string, error) {
	argv := []string{"go", "build"}
	if p.Verbose {
		argv = append(argv, "-v")
	}
	argv = append(argv, c.Flags...)
	if p.Overlay != "" {
		argv = append(argv, "-overlay="+p.Overlay)
	}
	argv = append(argv, c.tagFlag()...)
	ldflags, err := quoteFields(LinkerFlags(c))
	if err != nil {
		return nil, fmt.Errorf("quoting -ldflags of %s: %w", c.Name, err)
	}
	return append(argv, "-ldflags="+ldflags, "-o", p.Out, c.Package), nil
}

// LinkerFlags are the arguments of -ldflags, the stamp's last.
func LinkerFlags(c Compile) []string {
	flags := slices.Clone(c.Ldflags)
	for _, stamp := range c.Stamp {
		flags = append(flags, "-X", stamp)
	}
	return flags
}

// Packages are what a CompileArgv compiles.
type Packages struct {
	// Paths are import paths, or paths relative to Compile.Dir. What they import is
	// compiled too.
	Paths []string
	// Standard is set for packages of the standard library, away from any module.
	Standard bool
	// Verbose names the packages that are compiled.
	Verbose bool
	// Tolerant goes on where a package cannot be found or compiled.
	Tolerant bool
	// Profile is the absolute path of the profile that -pgo=auto would find beside the
	// main package; empty without one. It is part of the key of every package.
	Profile string
}

// CompileArgv is the command line that compiles packages just as Link would, and links
// nothing: Link finds them in the build cache. `go build` of a main package links in any
// case, `go list -export` does not.
func CompileArgv(c Compile, p Packages) []string {
	argv := []string{"go", "list", "-export", "-deps"}
	if p.Verbose {
		argv = append(argv, "-v")
	}
	if p.Tolerant {
		argv = append(argv, "-e")
	}
	for _, flag := range c.Flags {
		switch {
		case p.Standard && strings.HasPrefix(flag, "-mod="):
		case p.Profile != "" && flag == "-pgo=auto":
			argv = append(argv, "-pgo="+p.Profile)
		default:
			argv = append(argv, flag)
		}
	}
	return append(append(argv, c.tagFlag()...), p.Paths...)
}

// MainsArgv is the command line that compiles main packages just as Link would, and keeps no
// binary. It is for a program that stands before the linker, toolexec: what go build passes to
// it, go list does not say. ldflags is one argument.
func MainsArgv(c Compile, mains []string, toolexec, ldflags string) []string {
	return slices.Concat([]string{"go", "build"}, c.Flags, c.tagFlag(), []string{"-toolexec=" + toolexec, "-ldflags=" + ldflags, "-o", "/dev/null"}, mains)
}

func (c Compile) tagFlag() []string {
	if len(c.Tags) == 0 {
		return nil
	}
	return []string{"-tags=" + strings.Join(c.Tags, ",")}
}

// quoteFields joins arguments as cmd/go splits them (cmd/internal/quoted): a
// field with spaces stands in single or double quotes, and there is no escape. Spaces of any
// kind: go build trims the whole of what it splits at few of them.
func quoteFields(fields []string) (string, error) {
	quoted := make([]string, len(fields))
	for i, f := range fields {
		switch {
		case strings.HasPrefix(f, "@"):
			return "", fmt.Errorf("go build takes no argument that begins with @, which %q does", f)
		case f != "" && !strings.ContainsAny(f, `'"`) && !strings.ContainsFunc(f, unicode.IsSpace):
			quoted[i] = f
		case !strings.Contains(f, "'"):
			quoted[i] = "'" + f + "'"
		case !strings.Contains(f, `"`):
			quoted[i] = `"` + f + `"`
		default:
			return "", fmt.Errorf("%q holds both kinds of quotes, which go build cannot take", f)
		}
	}
	return strings.Join(quoted, " "), nil
}

// Environ is the complete environment of a step, sorted: what an engine may add
// is only the ambient set (see Ambient).
func Environ(c Compile, p Paths) []string {
	work := c.Work
	if work != "off" {
		work = path.Join(p.Context, work)
	}
	env := append(slices.Clone(c.Env), "GOWORK="+work)
	slices.Sort(env)
	return env
}

// Pace are variables of the Go runtime for the go command and what it starts. They say how
// often the collector of the compiler and of the linker runs, and cannot reach the output. A heap
// of 4 MiB may first grow 32 times: to the 128 MiB with which the compiler of Go 1.26 begins by
// itself, unless one of the two is set (cmd/compile/internal/gc/main.go). From there it would
// collect at each doubling. Measured on a service of 775 packages, two cores: 1 to 6 % less time
// for a cold build than with neither, at most 1.50 GB for all processes instead of 1.46. The limit
// is soft, and of one process: the largest package takes 1.08 GB instead of 1.34.
func Pace() []string { return []string{"GOGC=3200", "GOMEMLIMIT=1GiB"} }

// Ambient names the variables that an engine may hand to the go command from its
// own surroundings. None can reach the output: they say where things are kept,
// and where modules come from, whose content go.sum pins.
func Ambient() []string {
	return []string{
		"PATH", "HOME", "TMPDIR", "USER", "GOCACHE", "GOMODCACHE", "GOPATH", "GOMAXPROCS",
		"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS",
		"NETRC", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SYSTEMROOT", "LOCALAPPDATA", "USERPROFILE", "APPDATA", "TEMP", "TMP",
	}
}
