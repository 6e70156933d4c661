package corpus

import (
	"context"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// Row is one image of the corpus: good, or broken in one property.
type Row struct {
	// Name is also the directory of its OCI layout.
	Name string
	// How says what is wrong with it, for the docs.
	How string
	// Fails, Warns and Unknown are the rules of plimsoll verify with these verdicts, in
	// the order of its table.
	Fails, Warns, Unknown []string

	image func(context.Context, *maker) (v1.Image, error)
	// spoil edits the blobs of the layout afterwards.
	spoil func(dir string, img v1.Image) error
}

// ofLayers are the rules that cannot be judged without the bytes of every layer.
var ofLayers = []string{"platform", "static", "cgo", "trimpath", "go-version", "variant", "metadata", "entrypoint", "memlimit", "hook", "maxprocs", "cgroup-mount", "cgroup-libs",
	"user", "rootfs", "roots", "tzdata", "accounts", "tmp", "reproducible"}

// ofProgram are the rules that cannot be judged without a program to look into.
var ofProgram = []string{"platform", "static", "cgo", "trimpath", "go-version", "variant", "metadata", "memlimit", "hook", "maxprocs", "cgroup-libs", "roots", "tzdata", "accounts", "tmp"}

// Rows are all images: first good ones, then those with a fault in the program, in the
// config, and in the layers.
func Rows() []Row {
	rows := []Row{
		{Name: "good", How: "built by plimsoll, with nothing wrong", image: ours},
		{Name: "foreign", How: "a static program on scratch with a numeric user, no labels", image: scratch(recipe{"1.26", helloSource, nil, release}, "65532:65532")},
	}
	return append(rows, append(programRows(), configRows()...)...)
}

func programRows() []Row {
	compiled := func(goLine, source string, env, flags []string) func(context.Context, *maker) (v1.Image, error) {
		return program(func(ctx context.Context, m *maker) ([]byte, error) {
			return m.build(ctx, recipe{goLine, source, env, flags})
		})
	}
	return []Row{
		{Name: "wrong-architecture", How: "an arm64 program in an amd64 image", Fails: []string{"platform"}, image: compiled("1.26", helloSource, []string{"GOARCH=arm64"}, release)},
		{Name: "needs-a-loader", How: "`CGO_ENABLED=0 -buildmode=pie`: asks for a loader that scratch does not have", Fails: []string{"static"},
			image: compiled("1.26", helloSource, nil, append([]string{"-buildmode=pie"}, release...))},
		{Name: "old-go-line", How: "`go 1.24` in go.mod: GOMAXPROCS does not follow the CPU limit, as the label says", Fails: []string{"maxprocs"}, image: compiled("1.24", helloSource, nil, release)},
		{Name: "coverage", How: "built with `-cover`", Fails: []string{"variant"}, image: compiled("1.26", helloSource, nil, append([]string{"-cover"}, release...))},
		{Name: "host-paths", How: "built without `-trimpath`", Fails: []string{"trimpath"}, image: compiled("1.26", helloSource, nil, []string{"-ldflags=-s -w"})},
		{Name: "unstripped-dockerfile", How: "what `go build` gives in a Dockerfile: cgo allowed, host paths, no user", Fails: []string{"user"}, Warns: []string{"cgo", "trimpath"},
			image: scratch(recipe{"1.26", helloSource, []string{"CGO_ENABLED=1"}, nil}, "")},
		{Name: "no-roots", How: "verifies certificates, and the image has no CA roots", Fails: []string{"roots"}, image: scratch(recipe{"1.26", tlsSource, nil, release}, "65532:65532")},
		{Name: "packed", How: "packed by UPX", Unknown: ofProgram, image: changed(func(ctx context.Context, m *maker, data []byte) ([]byte, error) { return m.packed(ctx, data) })},
		{Name: "garbled", How: "built by garble: names, build info and function table obfuscated",
			Unknown: []string{"platform", "cgo", "trimpath", "go-version", "variant", "memlimit", "hook", "maxprocs", "cgroup-libs", "roots", "tzdata", "accounts", "tmp"}, image: program(func(ctx context.Context, m *maker) ([]byte, error) { return m.garbled(ctx) })},
		{Name: "forged-section", How: "build info says another compiler, in its section alone", Fails: []string{"metadata"},
			image: changed(func(_ context.Context, _ *maker, data []byte) ([]byte, error) {
				return inSection(data, "-compiler=gc", "-compiler=gx")
			})},
		{Name: "forged-twice", How: "build info says GOARCH=arm64, in both copies", Fails: []string{"platform"},
			image: changed(func(_ context.Context, _ *maker, data []byte) ([]byte, error) {
				return replaced(data, "GOARCH=amd64", "GOARCH=arm64")
			})},
		{Name: "forged-cgo", How: "Debian's runc, a cgo program, with CGO_ENABLED=0 in both copies of its build info", image: foreignCgo,
			Fails: []string{"static", "cgo", "metadata", "tmp"}, Warns: []string{"go-version"}, Unknown: []string{"cgroup-libs"}},
		{Name: "no-build-info", How: "the section of the build info is removed", Warns: []string{"metadata"}, Unknown: []string{"go-version", "maxprocs"},
			image: changed(func(_ context.Context, _ *maker, data []byte) ([]byte, error) { return withoutSection(data) })},
	}
}

func configRows() []Row {
	return []Row{
		{Name: "edited-memory-label", How: "`build.plimsoll.runtime.memory.max` raised in the label", Fails: []string{"labels", "seal"},
			image: config(func(c *v1.Config) { c.Labels["build.plimsoll.runtime.memory.max"] = "1073741824" })},
		{Name: "bad-gomemlimit", How: "`GOMEMLIMIT=1G` in Env, which kills the program before main", Fails: []string{"env-grammar", "memlimit", "seal"},
			image: config(func(c *v1.Config) { setEnv(c, "GOMEMLIMIT", "1G") })},
		{Name: "memory-over-limit", How: "`GOMEMLIMIT` above the labelled memory.max", Fails: []string{"memlimit", "seal"},
			image: config(func(c *v1.Config) { setEnv(c, "GOMEMLIMIT", "805306368") })},
		{Name: "hook-not-there", How: "labels claim `memlimit: auto`, and the program has no start-up hook", Fails: []string{"memlimit", "hook", "labels", "seal"},
			image: config(func(c *v1.Config) {
				c.Labels["build.plimsoll.runtime.gomemlimit"] = "auto:90%"
				c.Labels["build.plimsoll.hook"] = "v1 sha256:" + strings.Repeat("0", 64)
			})},
		{Name: "root-user", How: "user 0:0", Fails: []string{"user", "seal"}, image: config(func(c *v1.Config) { c.User = "0:0" })},
		{Name: "volume-over-cgroup", How: "a volume over /sys/fs/cgroup: the runtime sees no limits", Fails: []string{"cgroup-mount", "seal"},
			image: config(func(c *v1.Config) { c.Volumes = map[string]struct{}{"/sys/fs/cgroup": {}} })},
		{Name: "missing-entrypoint", How: "a later layer deletes the program", Fails: []string{"layers", "entrypoint", "seal"}, Unknown: ofProgram, image: added(file(".wh.app", 0o644, nil))},
		{Name: "private-key", How: "a private key in a layer", Fails: []string{"rootfs", "seal"},
			image: added(file("etc/tls.key", 0o644, []byte("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n")))},
		{Name: "setuid-program", How: "a set-uid program in a layer", Fails: []string{"rootfs", "seal"}, image: added(file("helper", 0o4755, []byte("x")))},
		{Name: "tampered-program", How: "bytes of the program changed, all digests made to fit", image: changed(func(_ context.Context, _ *maker, data []byte) ([]byte, error) {
			return replaced(data, "hello\n", "HELLO\n")
		})},
		{Name: "flipped-blob", How: "one byte of a layer's blob flipped", Fails: []string{"layers"}, Unknown: ofLayers, image: ours, spoil: flipInLayer},
		{Name: "wrong-diffid", How: "a layer exchanged, manifest right, the config's DiffID not", Fails: []string{"layers"}, image: staleConfig},
	}
}

func ours(_ context.Context, m *maker) (v1.Image, error) { return m.ours, nil }

// program is our image with another program in it.
func program(make func(context.Context, *maker) ([]byte, error)) func(context.Context, *maker) (v1.Image, error) {
	return func(ctx context.Context, m *maker) (v1.Image, error) {
		data, err := make(ctx, m)
		if err != nil {
			return nil, err
		}
		return edited(m.ours, "app", data)
	}
}

// changed is our image with its small program changed.
func changed(change func(context.Context, *maker, []byte) ([]byte, error)) func(context.Context, *maker) (v1.Image, error) {
	return program(func(ctx context.Context, m *maker) ([]byte, error) {
		data, err := m.hello(ctx)
		if err != nil {
			return nil, err
		}
		return change(ctx, m, data)
	})
}

// scratch is a foreign image of one program.
func scratch(r recipe, user string) func(context.Context, *maker) (v1.Image, error) {
	return func(ctx context.Context, m *maker) (v1.Image, error) {
		data, err := m.build(ctx, r)
		if err != nil {
			return nil, err
		}
		return Scratch(data, v1.Config{User: user})
	}
}

func foreignCgo(ctx context.Context, m *maker) (v1.Image, error) {
	data, err := m.reallyCgo(ctx)
	if err != nil {
		return nil, err
	}
	return Scratch(data, v1.Config{User: "65532:65532"})
}

func config(edit func(*v1.Config)) func(context.Context, *maker) (v1.Image, error) {
	return func(_ context.Context, m *maker) (v1.Image, error) { return withConfig(m.ours, edit) }
}

// added is our image with one more layer.
func added(e entry) func(context.Context, *maker) (v1.Image, error) {
	return func(_ context.Context, m *maker) (v1.Image, error) {
		layer, err := layerOf(e)
		if err != nil {
			return nil, err
		}
		return appendLayers(m.ours, layer)
	}
}

func staleConfig(ctx context.Context, m *maker) (v1.Image, error) {
	data, err := m.hello(ctx)
	if err != nil {
		return nil, err
	}
	if data, err = replaced(data, "hello\n", "HELLO\n"); err != nil {
		return nil, err
	}
	img, err := edited(m.ours, "app", data)
	if err != nil {
		return nil, err
	}
	config, err := m.ours.ConfigFile()
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, config)
}
