package export

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/tonistiigi/go-csvvalue"
)

// Types of an Output, as in buildx.
const (
	TypeOCI    = "oci"
	TypeDocker = "docker"
	TypeImage  = "image"
	TypeLocal  = "local"
	TypeTar    = "tar"
)

// Stdout is the Dest that stands for Options.Stdout.
const Stdout = "-"

// Output is one place for an image.
type Output struct {
	// Type is one of the types above; "registry" is TypeImage with Push.
	Type string
	// Dest is a file or directory, or Stdout. TypeDocker without one loads the
	// image into the local docker or podman.
	Dest string
	// Dir asks TypeOCI for a layout directory instead of an archive (tar=false).
	Dir bool
	// Push asks TypeImage for a push, the only thing it does here.
	Push bool
	// Compression of the layers that are made is gzip, zstd or empty, which is gzip. Who builds
	// the image has to heed it (see Compression); Write takes layers as they are.
	Compression compression.Compression
	// Names are image names; empty means those of Options.
	Names []string
	// Annotations are added to the manifest of each platform.
	Annotations map[string]string
}

// Parse reads the value of one -o flag: buildx's CSV, a bare directory, which is
// type=local, or "-", which is type=tar on stdout. An attribute that cannot be
// honoured is an error that names it.
func Parse(s string) (Output, error) {
	o, err := parse(s, false)
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return Output{}, fmt.Errorf("output %q: %w", s, err)
	}
	return o, nil
}

// Where reads of the value of an -o flag where the output goes and what it is called. The other
// attributes are for who writes it, which may be a daemon that knows more of them.
func Where(s string) (Output, error) {
	o, err := parse(s, true)
	if err != nil {
		return Output{}, fmt.Errorf("output %q: %w", s, err)
	}
	return o, nil
}

// placing are the attributes that Where reads.
var placing = []string{"type", "dest", "name", "push", "tar"}

func parse(s string, placeAlone bool) (Output, error) {
	if s == "" {
		return Output{}, errors.New("it is empty")
	}
	fields, err := csvvalue.Fields(s, nil)
	if err != nil {
		return Output{}, err
	}
	switch {
	case s == Stdout:
		return Output{Type: TypeTar, Dest: Stdout}, nil
	case len(fields) == 1 && fields[0] == s && !strings.HasPrefix(s, "type="):
		return Output{Type: TypeLocal, Dest: s}, nil
	}
	var o Output
	for _, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return Output{}, fmt.Errorf("%q is not key=value", field)
		}
		key = strings.TrimSpace(key)
		if placeAlone && !slices.Contains(placing, strings.ToLower(key)) {
			continue
		}
		if err := o.set(key, value); err != nil {
			return Output{}, err
		}
	}
	return o, nil
}

// set takes one attribute. What is the default anyway is accepted.
func (o *Output) set(key, value string) (err error) {
	if name, ok := cutAny(key, "annotation.", "annotation-manifest."); ok && name != "" {
		if o.Annotations == nil {
			o.Annotations = map[string]string{}
		}
		o.Annotations[name] = value
		return nil
	}
	switch strings.ToLower(key) {
	case "type":
		if o.Type = value; value == "registry" {
			o.Type, o.Push = TypeImage, true
		}
	case "dest":
		o.Dest = value
	case "name":
		o.Names = strings.Split(value, ",")
	case "push":
		o.Push, err = strconv.ParseBool(value)
	case "tar":
		var tar bool
		tar, err = strconv.ParseBool(value)
		o.Dir = !tar
	case "oci-mediatypes":
		err = only(key, value, "true")
	case "compression":
		o.Compression = compression.Compression(value)
		err = only(key, value, string(compression.GZip), string(compression.ZStd))
	case "force-compression", "push-by-digest", "rewrite-timestamp":
		err = only(key, value, "false")
	default:
		err = fmt.Errorf("attribute %s is not supported by the embedded engine", key)
	}
	if errors.Is(err, strconv.ErrSyntax) {
		return fmt.Errorf("%s=%s is neither true nor false", key, value)
	}
	return err
}

func only(key, value string, supported ...string) error {
	if !slices.Contains(supported, value) {
		return fmt.Errorf("attribute %s=%s is not supported by the embedded engine, only %s=%s", key, value, key, strings.Join(supported, " and "+key+"="))
	}
	return nil
}

func cutAny(s string, prefixes ...string) (string, bool) {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(s, p); ok {
			return rest, true
		}
	}
	return s, false
}

// check finds contradictions that do not depend on the image.
func (o Output) check() error {
	switch o.Type {
	case "":
		return errors.New("type= is missing")
	case TypeOCI, TypeTar, TypeLocal:
		if o.Dest == "" {
			return fmt.Errorf("type=%s needs dest=", o.Type)
		}
	case TypeDocker:
	case TypeImage:
		if !o.Push {
			return errors.New("type=image needs push=true: without a daemon there is no image store; to load it into docker use --load")
		}
		if o.Dest != "" {
			return errors.New("a pushed image has no dest=")
		}
	default:
		return fmt.Errorf("type=%s is not known: it is oci, docker, image, registry, local or tar", o.Type)
	}
	if o.Dir && o.Type != TypeOCI {
		return fmt.Errorf("tar=false is for type=oci, not for type=%s", o.Type)
	}
	if o.Push && o.Type != TypeImage {
		return fmt.Errorf("push=true is for type=image, not for type=%s", o.Type)
	}
	if o.Compression == compression.ZStd && o.Type != TypeOCI && o.Type != TypeImage {
		return fmt.Errorf("compression=zstd is for type=oci and type=image, not for type=%s", o.Type)
	}
	if o.Dest == Stdout && (o.Dir || o.Type == TypeLocal) {
		return errors.New("a directory cannot go to stdout")
	}
	return nil
}

// Check reports what would make Write fail for an image of so many platforms that
// has these names from elsewhere (-t), so that it is known before a build.
func (o Output) Check(names []string, platforms int) error {
	if err := o.check(); err != nil {
		return err
	}
	refs, err := o.refs(names)
	if err != nil {
		return err
	}
	if o.Push && len(refs) == 0 {
		return errors.New("a push needs a name: -t REGISTRY/NAME:TAG")
	}
	if o.Type == TypeDocker && platforms > 1 {
		return fmt.Errorf("a docker archive holds one platform, not %d: use type=oci, or build for one", platforms)
	}
	return nil
}

// Compression is that of all outputs. An image is built once, so they cannot differ; those that
// hold files and not layers do not care.
func Compression(outputs []Output) (compression.Compression, error) {
	to := map[compression.Compression]string{}
	for _, o := range outputs {
		if o.Type != TypeLocal && o.Type != TypeTar {
			to[cmp.Or(o.Compression, compression.GZip)] = o.describe()
		}
	}
	zstd, gzip := to[compression.ZStd], to[compression.GZip]
	switch {
	case zstd != "" && gzip != "":
		return "", fmt.Errorf("one build has one compression, and what goes to %s has zstd, to %s gzip: say the same for both, or build twice, the second time nothing is compiled", zstd, gzip)
	case zstd != "":
		return compression.ZStd, nil
	}
	return compression.GZip, nil
}

// refs are the names of the output, spelled out.
func (o Output) refs(names []string) ([]reference.NamedTagged, error) {
	if len(o.Names) > 0 {
		names = o.Names
	}
	var refs []reference.NamedTagged
	for _, n := range names {
		named, err := reference.ParseNormalizedNamed(n)
		if err != nil {
			return nil, fmt.Errorf("image name %q: %w", n, err)
		}
		tagged, ok := reference.TagNameOnly(named).(reference.NamedTagged)
		if _, pinned := named.(reference.Digested); pinned || !ok {
			return nil, fmt.Errorf("image name %q: a new image cannot be named by a digest", n)
		}
		refs = append(refs, tagged)
	}
	return refs, nil
}
