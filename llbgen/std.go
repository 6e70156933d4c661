package llbgen

import (
	"go/version"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// serverPackages are compiled for every service that has dependencies or talks HTTP: one
// list for all, so that services share the result. With what they import they are half of
// the standard library, and nearly all that services use; what is missing, the vertex of the
// dependencies compiles.
var serverPackages = []string{
	"archive/tar", "archive/zip", "compress/gzip", "compress/zlib", "container/heap", "container/list",
	"crypto/tls", "database/sql", "embed", "encoding/base64", "encoding/csv", "encoding/gob", "encoding/hex",
	"encoding/json", "encoding/xml", "expvar", "flag", "hash/fnv", "html/template", "io/fs", "math/big",
	"net/http", "net/http/httputil", "net/http/pprof", "os/exec", "os/signal", "os/user", "regexp",
	"runtime/debug", "runtime/pprof", "sync/atomic", "text/tabwriter", "text/template",
}

// newerPackages are those that a Go release has added.
var newerPackages = map[string][]string{
	"go1.21": {"log/slog", "maps", "slices"},
	"go1.22": {"math/rand/v2"},
	"go1.23": {"iter", "unique"},
}

// stdTags are the build tags that choose files of the standard library. Others would only
// keep services from sharing.
var stdTags = []string{"netgo", "netcgo", "osusergo", "timetzdata", "purego", "math_big_pure_go", "nethttpomithttp2", "faketime"}

// std is what the vertex of the standard library compiles: the common list, or for a
// service that needs little, just that.
func (u unit) std(goVersion string) (plan.Compile, plan.Packages) {
	c := u.Compile
	c.Tags = slices.DeleteFunc(slices.Clone(c.Tags), func(tag string) bool { return !slices.Contains(stdTags, tag) })
	if u.small() {
		return c, plan.Packages{Paths: u.Std, Standard: true}
	}
	paths := slices.Clone(serverPackages)
	for since, more := range newerPackages {
		if version.Compare("go"+goVersion, since) >= 0 {
			paths = append(paths, more...)
		}
	}
	slices.Sort(paths)
	return c, plan.Packages{Paths: paths, Standard: true}
}
