package verify

import (
	"errors"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
	"github.com/plimsoll-build/plimsoll/internal/hook"
)

// errObfuscated is said of tables that garble or its like rewrote: what has another
// name in them proves nothing by its absence.
var errObfuscated = errors.New("the function table has no runtime.rt0_go: its names were changed")

// linked is what the function table says, in few bytes: tables are large and an
// image can name many binaries.
type linked struct {
	err   error // why nothing is known
	found map[feature]gobin.Match
	// hostFiles are source files of the building machine.
	hostFiles gobin.Match
	// hookFile is whether a source file has the start-up hook's name.
	hookFile bool
	calls    calls
}

// feature is code of which the presence says something: what is not used was
// removed by the linker.
type feature string

const (
	cgo           feature = "cgo"
	autoMaxProcs  feature = "go.uber.org/automaxprocs"
	cgroupsV1     feature = "github.com/containerd/cgroups"
	runcCgroups   feature = "github.com/opencontainers/runc"
	cadvisor      feature = "github.com/google/cadvisor"
	ociCgroups    feature = "github.com/opencontainers/cgroups"
	race          feature = "race detector"
	asan          feature = "address sanitizer"
	msan          feature = "memory sanitizer"
	coverage      feature = "coverage"
	fipsModule    feature = "a frozen FIPS module"
	systemRoots   feature = "system roots"
	fallbackRoots feature = "x509roots/fallback"
	timeZones     feature = "time.LoadLocation"
	embeddedZones feature = "time/tzdata"
	userLookup    feature = "os/user"
	tempFiles     feature = "temporary files"
	goRuntime     feature = "the Go runtime"
	startHook     feature = hook.Function
	none          feature = ""
)

// features are the functions by which each is known. The runtime's for race and
// sanitizers exist in no other binary; coverage is started by cfile.InitHook
// (initHook before Go 1.24), which only instrumented code calls. time.LoadLocation has
// a closure; by its own name, LoadLocationFromTZData would be taken for it.
var features = []struct {
	name     feature
	prefixes []string
}{
	{cgo, gobin.CgoPrefixes()},
	{autoMaxProcs, []string{"go.uber.org/automaxprocs.", "go.uber.org/automaxprocs/"}},
	{cgroupsV1, []string{"github.com/containerd/cgroups."}},
	{runcCgroups, []string{"github.com/opencontainers/runc/libcontainer/cgroups"}},
	{cadvisor, []string{"github.com/google/cadvisor/container"}},
	{ociCgroups, []string{"github.com/opencontainers/cgroups"}},
	{race, []string{"runtime.race"}},
	{asan, []string{"runtime.asan"}},
	{msan, []string{"runtime.msan"}},
	{coverage, []string{"internal/coverage/cfile.InitHook", "runtime/coverage.initHook"}},
	{fipsModule, []string{"crypto/internal/fips140/v"}},
	{systemRoots, []string{"crypto/x509.loadSystemRoots"}},
	{fallbackRoots, []string{"golang.org/x/crypto/x509roots/fallback."}},
	{timeZones, []string{"time.LoadLocation."}},
	{embeddedZones, []string{"time/tzdata."}},
	{userLookup, []string{"os/user.readColonFile"}},
	{tempFiles, []string{"os.CreateTemp", "os.MkdirTemp"}},
	{goRuntime, []string{"runtime.rt0_go"}},
	{startHook, []string{hook.Function}},
}

func linkedInto(b *gobin.Binary) linked {
	if b.Functions == nil {
		return linked{err: b.FunctionsErr}
	}
	const names = 3
	groups := make([][]string, len(features))
	for i, f := range features {
		groups[i] = f.prefixes
	}
	l := linked{found: map[feature]gobin.Match{}, hostFiles: b.Functions.HostFiles(names), hookFile: b.Functions.HasSource(hook.FileName)}
	for i, m := range b.Functions.FindAll(names, groups) {
		l.found[features[i].name] = m
	}
	if !l.has(goRuntime) {
		return linked{err: errObfuscated}
	}
	l.calls = settersCalled(b.Functions)
	return l
}

// has reports whether a feature is linked in; never if nothing is known.
func (l linked) has(f feature) bool { return l.found[f].Total > 0 }
