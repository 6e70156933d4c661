package verify

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// OpenOptions say how references are opened.
type OpenOptions struct {
	// Platforms narrow an index; empty means all of it.
	Platforms []v1.Platform
	// Keychain holds registry credentials; nil means the usual docker config.
	Keychain authn.Keychain
	// Transport is for registries; nil means the default.
	Transport http.RoundTripper
	// Insecure lets registries be spoken to without TLS.
	Insecure bool
	// Limits bound the work on each image.
	Limits Limits
}

// Open finds the images of a reference: registry/repo:tag@digest, oci:DIR[:TAG|@DIGEST],
// oci-archive:FILE[:TAG|@DIGEST] or docker-archive:FILE. An index gives a subject for each
// platform; attestations in it are left out. Layers are not read yet.
func Open(ctx context.Context, ref string, o OpenOptions) ([]Subject, error) {
	subjects, err := open(ctx, ref, o)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w%s", ref, err, meant(ref))
	}
	return o.named(ref, subjects)
}

// meant says how a layout or archive is named, if a reference is the path of something.
func meant(ref string) string {
	info, err := os.Stat(ref)
	switch {
	case err != nil:
		return ""
	case info.IsDir():
		return fmt.Sprintf(" (%s is a directory here: did you mean oci:%[1]s?)", ref)
	}
	return fmt.Sprintf(" (%s is a file here: did you mean oci-archive:%[1]s or docker-archive:%[1]s?)", ref)
}

// OpenArchive is Open for an archive in a file of which the form is not named: an OCI
// layout if it is one, else what docker save writes. Modern archives are both; the
// layout has the digests. ref is what the subjects are called.
func OpenArchive(ctx context.Context, ref, file string, o OpenOptions) ([]Subject, error) {
	subjects, err := openArchive(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", ref, err)
	}
	return o.named(ref, subjects)
}

func openArchive(ctx context.Context, file string) ([]Subject, error) {
	store, err := openTar(ctx, file)
	if err != nil {
		return nil, err
	}
	if _, ok := store.files[ocispec.ImageIndexFile]; ok {
		return openLayout(ctx, store, "")
	}
	return openDockerArchive(store)
}

// named narrows what was opened, and gives it its name and limits.
func (o OpenOptions) named(ref string, subjects []Subject) ([]Subject, error) {
	subjects = narrow(subjects, o.Platforms)
	if len(subjects) == 0 {
		return nil, fmt.Errorf("opening %s: no image of the wanted platforms in it", ref)
	}
	for i := range subjects {
		subjects[i].Limits = o.Limits
		subjects[i].Ref = ref
	}
	return subjects, nil
}

func open(ctx context.Context, ref string, o OpenOptions) ([]Subject, error) {
	scheme, rest, _ := strings.Cut(ref, ":")
	switch scheme {
	case "oci":
		dir, name := splitName(rest)
		return openLayout(ctx, dirStore(dir), name)
	case "oci-archive":
		file, name := splitName(rest)
		store, err := openTar(ctx, file)
		if err != nil {
			return nil, err
		}
		return openLayout(ctx, store, name)
	case "docker-archive":
		store, err := openTar(ctx, rest)
		if err != nil {
			return nil, err
		}
		return openDockerArchive(store)
	case "docker-daemon", "-":
		return nil, fmt.Errorf("%s is an archive that the caller has to fetch: see OpenArchive", scheme)
	}
	return openRegistry(ctx, ref, o)
}

// splitName parts PATH@DIGEST and PATH:TAG, unless the whole is a path.
func splitName(s string) (file, name string) {
	if _, err := os.Stat(s); err == nil {
		return s, ""
	}
	if file, digest, ok := strings.Cut(s, "@sha256:"); ok {
		return file, "sha256:" + digest
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// narrow keeps the subjects of the wanted platforms. One that stands outside an
// index names no platform and is kept.
func narrow(subjects []Subject, platforms []v1.Platform) []Subject {
	if len(platforms) == 0 {
		return subjects
	}
	var kept []Subject
	for _, s := range subjects {
		for _, p := range platforms {
			if s.Platform == nil || s.Platform.Satisfies(p) {
				kept = append(kept, s)
				break
			}
		}
	}
	return kept
}
