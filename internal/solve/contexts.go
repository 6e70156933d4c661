package solve

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/ociindex"
	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/buildkit/identity"
	"github.com/opencontainers/go-digest"
)

const (
	layoutPrefix = "oci-layout://"
	imagePrefix  = "docker-image://"
	// capContexts is what a frontend image has to declare; the gateway refuses one
	// that does not, where it would otherwise ignore the named contexts.
	capContexts = "moby.buildkit.frontend.contexts"
)

// isURL tells a git or http context from a directory, as buildx does.
func isURL(context string) bool {
	if strings.HasPrefix(context, "https://") || strings.HasPrefix(context, "http://") {
		return true
	}
	_, ok, _ := dfgitutil.ParseGitRef(context)
	return ok
}

func baseName(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

func addContexts(r Request, opt *client.SolveOpt) error {
	for key, value := range r.Contexts {
		name, err := contextName(key)
		if err != nil {
			return err
		}
		if err := addNamed(opt, name, value); err != nil {
			return fmt.Errorf("opening build context %s: %w", key, err)
		}
		if r.BuildFunc == nil {
			opt.FrontendAttrs["frontend.caps"] = capContexts
		}
	}
	return nil
}

// contextName is the short form that frontends look contexts up by: "golang" for
// docker.io/library/golang:latest (buildx, util/buildflags/context.go).
func contextName(key string) (string, error) {
	named, err := reference.ParseNormalizedNamed(key)
	if err != nil {
		return "", fmt.Errorf("opening build context %q: %w", key, err)
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest"), nil
}

func addNamed(opt *client.SolveOpt, name, value string) error {
	key := "context:" + name
	switch {
	case strings.HasPrefix(value, layoutPrefix):
		ref, err := addLayout(opt, strings.TrimPrefix(value, layoutPrefix))
		opt.FrontendAttrs[key] = ref
		return err
	case strings.HasPrefix(value, imagePrefix), isURL(value):
		opt.FrontendAttrs[key] = value
		return nil
	}
	local := name
	if name == "context" || name == "dockerfile" {
		local = "_" + name
	}
	opt.FrontendAttrs[key] = "local:" + local
	opt.FrontendAttrs["sharedkey:localdir:"+name] = baseName(value)
	return addLocal(opt, local, value)
}

// addLayout lends the daemon an OCI layout and says how a frontend refers to it.
func addLayout(opt *client.SolveOpt, value string) (string, error) {
	dir, tag, dgst, err := splitLayout(value)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return "", fmt.Errorf("%s is not an OCI layout: %w", dir, err)
	}
	if dgst == "" {
		if dgst, err = layoutDigest(dir, tag); err != nil {
			return "", err
		}
	}
	store, err := contentlocal.NewStore(dir)
	if err != nil {
		return "", err
	}
	if opt.OCIStores == nil {
		opt.OCIStores = map[string]content.Store{}
	}
	id := identity.NewID()
	opt.OCIStores[id] = store
	return layoutPrefix + id + "@" + dgst.String(), nil
}

// splitLayout parses DIR[:TAG][@DIGEST].
func splitLayout(value string) (dir, tag string, dgst digest.Digest, err error) {
	dir = value
	if before, after, ok := strings.Cut(value, "@"); ok {
		dir = before
		if dgst, err = digest.Parse(after); err != nil {
			return "", "", "", fmt.Errorf("digest %q: %w", after, err)
		}
	}
	if i := strings.LastIndexByte(dir, ':'); i > 0 && !strings.ContainsAny(dir[i:], `/\`) {
		dir, tag = dir[:i], dir[i+1:]
	}
	return dir, tag, dgst, nil
}

func layoutDigest(dir, tag string) (digest.Digest, error) {
	index := ociindex.NewStoreIndex(dir)
	if tag != "" {
		desc, err := index.Get(tag)
		if err != nil {
			return "", err
		}
		if desc == nil {
			return "", fmt.Errorf("%s holds no tag %s", dir, tag)
		}
		return desc.Digest, nil
	}
	if desc, err := index.Get("latest"); err == nil && desc != nil {
		return desc.Digest, nil
	}
	desc, err := index.GetSingle()
	if err != nil {
		return "", err
	}
	if desc == nil {
		return "", errors.New("the layout holds several images: name one by :TAG or @DIGEST")
	}
	return desc.Digest, nil
}
