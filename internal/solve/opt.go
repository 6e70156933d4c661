package solve

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/solver/pb"
	"github.com/tonistiigi/fsutil"
)

// solveOpt is the request in the daemon's terms, but for the exporters.
func solveOpt(r Request) (client.SolveOpt, error) {
	opt := client.SolveOpt{
		Frontend:      "gateway.v0",
		FrontendAttrs: attrs(r),
		LocalMounts:   map[string]fsutil.FS{},
	}
	steps := []func(Request, *client.SolveOpt) error{
		addFrontend, addContext, addSpec, addContexts, addCaches, addSession,
	}
	if r.BuildFunc != nil && r.Context == "" {
		steps = []func(Request, *client.SolveOpt) error{addContexts, addCaches, addSession}
	}
	for _, step := range steps {
		if err := step(r, &opt); err != nil {
			return client.SolveOpt{}, err
		}
	}
	return opt, nil
}

// attrs are the options that the frontend receives as they are, under the keys
// that BuildKit's dockerui reads (frontend/dockerui/config.go).
func attrs(r Request) map[string]string {
	a := map[string]string{}
	for prefix, values := range map[string]map[string]string{
		"build-arg:": r.BuildArgs, "label:": r.Labels, "attest:": r.Attest,
	} {
		for key, value := range values {
			a[prefix+key] = value
		}
	}
	if r.Source.Revision != "" {
		a["vcs:revision"] = r.Source.Revision
	}
	if r.Source.URL != "" {
		a["vcs:source"] = r.Source.URL
	}
	if r.Target != "" {
		a["target"] = r.Target
	}
	if len(r.Platforms) > 0 {
		a["platform"] = strings.Join(r.Platforms, ",")
	}
	if r.NoCache {
		a["no-cache"] = ""
	}
	if r.Pull {
		a["image-resolve-mode"] = pb.AttrImageResolveModeForcePull
	}
	return a
}

func addFrontend(r Request, opt *client.SolveOpt) error {
	if r.BuildFunc != nil {
		return nil
	}
	ref, cmdline, err := frontendRef(r)
	if err != nil {
		return err
	}
	opt.FrontendAttrs["source"] = ref
	opt.FrontendAttrs["cmdline"] = cmdline
	return nil
}

func addContext(r Request, opt *client.SolveOpt) error {
	if isURL(r.Context) {
		opt.FrontendAttrs["context"] = r.Context
		return nil
	}
	// The daemon keeps one copy of a directory for each shared key, and sends only
	// what differs from it: buildx takes the directory's name too.
	opt.SharedKey = baseName(r.Context)
	return addLocal(opt, "context", r.Context)
}

// addSpec sends the spec's directory. BuildKit calls it "dockerfile" whatever the
// frontend reads.
func addSpec(r Request, opt *client.SolveOpt) error {
	if isURL(r.Context) {
		opt.FrontendAttrs["filename"] = r.Spec
		if !filepath.IsAbs(r.Spec) {
			return nil
		}
		// Without this key a frontend looks for the file in the context's URL.
		opt.FrontendAttrs["dockerfilekey"] = "dockerfile"
	}
	opt.FrontendAttrs["filename"] = filepath.Base(r.Spec)
	return addLocal(opt, "dockerfile", filepath.Dir(r.Spec))
}

func addLocal(opt *client.SolveOpt, name, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("opening the build context: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("opening the build context: %s is not a directory", dir)
	}
	mount, err := fsutil.NewFS(dir)
	if err != nil {
		return fmt.Errorf("opening the build context %s: %w", dir, err)
	}
	opt.LocalMounts[name] = mount
	return nil
}

func addCaches(r Request, opt *client.SolveOpt) error {
	from, err := cacheWords(r.CacheFrom)
	if err == nil {
		opt.CacheImports, err = build.ParseImportCache(from)
	}
	if err != nil {
		return fmt.Errorf("reading --cache-from: %w", err)
	}
	to, err := cacheWords(r.CacheTo)
	if err == nil {
		opt.CacheExports, err = build.ParseExportCache(to)
	}
	if err != nil {
		return fmt.Errorf("reading --cache-to: %w", err)
	}
	return nil
}

// cacheWords spells a bare reference out, as buildx does; buildctl's parser takes
// everything without a type for one.
func cacheWords(values []string) ([]string, error) {
	out := make([]string, len(values))
	for i, v := range values {
		switch {
		case !strings.Contains(v, "="):
			v = "type=registry,ref=" + v
		case !strings.Contains(v, "type="):
			return nil, fmt.Errorf("%q has no type", v)
		}
		out[i] = v
	}
	return out, nil
}

func addSession(r Request, opt *client.SolveOpt) error {
	auth, err := registryAuth(r)
	if err != nil {
		return err
	}
	opt.Session = []session.Attachable{auth}
	if len(r.Secrets) == 0 {
		return nil
	}
	secrets, err := build.ParseSecret(r.Secrets)
	if err != nil {
		return fmt.Errorf("reading --secret: %w", err)
	}
	opt.Session = append(opt.Session, secrets)
	return nil
}

func registryAuth(r Request) (session.Attachable, error) {
	dir := r.DockerConfig
	if dir == "" {
		dir = config.Dir()
	}
	file, err := config.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("reading registry credentials: %w", err)
	}
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: authprovider.LoadAuthConfig(file),
	}), nil
}

func stderr(r Request) io.Writer {
	if r.Stderr == nil {
		return io.Discard
	}
	return r.Stderr
}
