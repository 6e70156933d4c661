package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/gotool"
	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/vcs"
)

// prepared is all that the embedded engine needs: plans, and where they meet the
// machine.
type prepared struct {
	loaded
	planner.Result
	context  *local.Context
	resolver *local.Resolver
	tool     gotool.Tool
	secrets  *secrets
	done     func()
}

// prepare reads the spec, gathers facts and plans. The caller calls done.
func prepare(ctx context.Context, log *logrus.Logger, f *sourceFlags) (_ *prepared, err error) {
	p := &prepared{done: func() {}}
	var warnings []spec.Warning
	if p.loaded, warnings, err = load(f); err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn(warning(p.doc, facts.Note(w)))
	}
	if p.context, err = local.OpenContext(f.context, p.file); err != nil {
		return nil, usageError{err}
	}
	p.done = func() { _ = p.context.Close() }
	if err := p.plan(ctx, log, f); err != nil {
		p.done()
		return nil, err
	}
	for _, w := range p.Warnings {
		log.Warn(warning(p.doc, w))
	}
	return p, nil
}

func (p *prepared) plan(ctx context.Context, log *logrus.Logger, f *sourceFlags) error {
	targets, err := f.targets()
	if err != nil {
		return err
	}
	query := planner.Needs(p.service, targets)
	if p.resolver, err = newResolver(ctx, f, query.Base.Name); err != nil {
		return err
	}
	env, err := p.fetchEnv(log, f)
	if err != nil {
		return err
	}
	// The registry, git and go are asked meanwhile: the last two are a process for each question.
	var bases map[string]facts.Image
	var history facts.Source
	var host gotool.Tool
	var base, git, tool errgroup.Group
	base.Go(func() (err error) {
		bases, err = facts.Bases(ctx, query, p.resolver)
		return err
	})
	git.Go(func() (err error) {
		history, err = source(ctx, f)
		return err
	})
	tool.Go(func() (err error) {
		host, err = gotool.Find(ctx, env)
		return err
	})
	found, err := facts.Collect(p.context.FS(), query)
	baseErr, sourceErr, toolErr := base.Wait(), git.Wait(), tool.Wait()
	if err == nil {
		err = baseErr
	}
	if err != nil {
		return located(p.doc, err)
	}
	if sourceErr != nil {
		return sourceErr
	}
	found.Bases, found.Source = bases, history
	request, err := planner.Go(p.service, found)
	if err != nil {
		return located(p.doc, err)
	}
	if v := f.recorded.goVersion; v != "" {
		request.Version, request.Exact = v, true
	}
	if toolErr != nil {
		return toolErr
	}
	if err := p.toolchain(ctx, log, host, request); err != nil {
		return err
	}
	found.Go = p.tool.Version
	p.Result, err = planner.Plan(p.service, found, planner.Options{Platforms: targets})
	return located(p.doc, err)
}

// toolchain finds the go command that the service wants, fetching it if need be.
func (p *prepared) toolchain(ctx context.Context, log *logrus.Logger, host gotool.Tool, request planner.GoRequest) (err error) {
	if p.tool, err = gotool.Satisfy(ctx, host, request.Version, request.Exact); err != nil {
		return err
	}
	log.Infof("go%s, for %s", p.tool.Version, request)
	if !request.Exact && !strings.HasPrefix(p.tool.Version, request.ImageTag()+".") {
		log.Warnf("go-version: the BuildKit engine would take the newest Go %s for this module, and build another binary: set build.go, or a toolchain line, for the same from both", request.ImageTag())
	}
	if file, ok := p.secrets.files[p.service.Build.Private.Netrc]; ok {
		return p.home(file)
	}
	return nil
}

// home gives the go command a home directory with the netrc secret, where git finds it,
// and what else git reads of the real one. Go's own directories are set by their names.
func (p *prepared) home(netrc string) error {
	dir, err := p.secrets.directory()
	if err != nil {
		return err
	}
	real := ""
	for i, kv := range p.tool.Ambient {
		if name, value, _ := strings.Cut(kv, "="); name == "HOME" {
			real, p.tool.Ambient[i] = value, "HOME="+dir
		}
	}
	links := map[string]string{".netrc": netrc}
	for _, name := range []string{".gitconfig", ".config", ".ssh"} {
		if _, err := os.Stat(filepath.Join(real, name)); err == nil && real != "" {
			links[name] = filepath.Join(real, name)
		}
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("making a home directory for git: %w", err)
		}
	}
	return nil
}

// newResolver finds base images as the flags say; the name static stands for the
// reference of `base: static`.
func newResolver(ctx context.Context, f *sourceFlags, base string) (*local.Resolver, error) {
	contexts, err := f.namedContexts()
	if err != nil {
		return nil, err
	}
	if source, ok := contexts[planner.StaticContext]; ok && planner.IsStatic(base) {
		contexts[base] = source
	}
	mirrors, err := f.registryMirrors()
	if err != nil {
		return nil, err
	}
	r := &local.Resolver{Contexts: contexts, Mirrors: mirrors, Lifetime: ctx}
	if dir, err := cacheDir(); err == nil && !f.noCache {
		r.Keep = dir // where it cannot be written, nothing is kept
	}
	return r, nil
}

// source is where the source stands: build arguments before git, as with BuildKit.
func source(ctx context.Context, f *sourceFlags) (facts.Source, error) {
	args, err := f.args()
	if err != nil {
		return facts.Source{}, err
	}
	src := workingTree(ctx, f.context)
	src.URL = cmp.Or(f.recorded.url, src.URL)
	src.Version = args["VERSION"]
	if revision := args["REVISION"]; revision != "" {
		src.Revision = revision
	}
	src.Epoch, err = epoch(args)
	return src, err
}

// workingTree is what git says of the build context; nothing of it is secret.
func workingTree(ctx context.Context, dir string) facts.Source {
	state := vcs.Read(ctx, dir)
	return facts.Source{Revision: state.Revision, URL: facts.PublicURL(state.URL)}
}

// epoch is SOURCE_DATE_EPOCH of the build arguments, else of the environment, which
// buildx hands over too.
func epoch(args map[string]string) (int64, error) {
	text, given := args["SOURCE_DATE_EPOCH"]
	if !given {
		text = os.Getenv("SOURCE_DATE_EPOCH")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxEpoch {
		return 0, usagef("SOURCE_DATE_EPOCH %q is not a number of seconds between 1970 and 2261", text)
	}
	return n, nil
}

// maxEpoch is the end of 2261: BuildKit counts nanoseconds in 64 bits.
const maxEpoch = 9_214_646_399

// fetchEnv is the environment that modules are fetched with: the host's, with what
// build arguments, build.private and secrets set.
func (p *prepared) fetchEnv(log *logrus.Logger, f *sourceFlags) ([]string, error) {
	s := p.service
	args, err := f.args()
	if err != nil {
		return nil, err
	}
	env := os.Environ()
	if patterns := s.Build.Private.Patterns; len(patterns) > 0 {
		env = append(env, "GOPRIVATE="+joined(os.Getenv("GOPRIVATE"), patterns))
	}
	for _, name := range []string{"GOPROXY", "GOPRIVATE", "GONOSUMDB", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if value, ok := args[name]; ok {
			env = append(env, name+"="+value)
		}
	}
	if p.secrets, err = openSecrets(f.secrets); err != nil {
		return nil, err
	}
	closeContext := p.done
	p.done = func() { p.secrets.remove(); closeContext() }
	for _, use := range []struct {
		id    string
		names []string
	}{{s.Build.Private.Netrc, []string{"NETRC"}}, {s.Build.Private.CA, []string{"SSL_CERT_FILE", "GIT_SSL_CAINFO"}}} {
		file, given := p.secrets.files[use.id]
		if use.id != "" && !given {
			log.Warnf("build.private: secret %s is not given (--secret id=%s,src=FILE): what this machine's go command uses anyway has to do", use.id, use.id)
		}
		for _, name := range use.names {
			if given {
				env = append(env, name+"="+file)
			}
		}
	}
	return env, nil
}

func joined(first string, rest []string) string {
	for _, p := range rest {
		if first != "" {
			first += ","
		}
		first += p
	}
	return first
}

// cacheDir is where the embedded engine keeps binaries and layers.
func cacheDir() (string, error) {
	if dir := os.Getenv("PLIMSOLL_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("looking for a cache directory: %w", errors.Join(err, errors.New("set PLIMSOLL_CACHE")))
	}
	return dir + "/plimsoll", nil
}
