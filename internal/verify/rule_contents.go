package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

// strangeTime is an entry of a layer whose time is not the labelled one.
type strangeTime struct {
	path string
	time time.Time
}

// maxTimes bounds what is kept of a layer in which all times are strange, as a base's are.
const maxTimes = maxFindings + 1

// created is the time that label and plan give to everything.
func (in *inspection) created() (time.Time, error) {
	value, ok := in.label(ocispec.AnnotationCreated)
	if !ok {
		return time.Time{}, fmt.Errorf("no label %s", ocispec.AnnotationCreated)
	}
	return time.Parse(time.RFC3339, value)
}

// noteTime keeps an entry of another time than the label's.
func (in *inspection) noteTime(e tarEntry) {
	if want, err := in.created(); err == nil && !e.modified.Equal(want) && len(in.times[e.Layer]) < maxTimes {
		in.times[e.Layer] = append(in.times[e.Layer], strangeTime{e.Path, e.modified})
	}
}

func judgeReproducible(in *inspection) outcome {
	var t tally
	want, err := in.created()
	if err != nil {
		t.unknown("which time is right: %v", err)
		return t.outcome("")
	}
	for layer := in.firstOwnLayer(); layer < len(in.layers); layer++ {
		for _, s := range in.times[layer] {
			t.fail(s.path, s.time.UTC().Format(time.RFC3339Nano), want.UTC().Format(time.RFC3339)+" of label "+ocispec.AnnotationCreated)
		}
	}
	return t.outcome("every time of our layers is " + want.UTC().Format(time.RFC3339))
}

// firstOwnLayer is where the base ends: as the seal says, or else at the lowest
// layer that holds a labelled binary. Without labels there is no such layer.
func (in *inspection) firstOwnLayer() int {
	if !in.ours {
		return len(in.layers)
	}
	if base, known := in.baseLayers(); known {
		return base
	}
	first := len(in.layers)
	for _, p := range labelledPaths(in.config.Config) {
		if e, err := in.root.Resolve(p); err == nil {
			first = min(first, e.Content.Layer)
		}
	}
	return first
}

// judgeRootFS fails what our own layers bring, and secrets anywhere; what a base or
// a foreign image holds besides is a warning. Where everybody may write is a warning
// too: a service can have asked for it.
func judgeRootFS(in *inspection) outcome {
	var t tally
	first := in.firstOwnLayer()
	for _, u := range rootfs.CheckContents(in.root, func(at rootfs.Location) bool { return in.keys[at] }) {
		got, want := fmt.Sprintf("%s, mode %04o, from layer %d", u.Kind, uint32(u.Entry.Mode), u.Entry.Layer), "none in a service's image"
		if u.Kind == rootfs.Secret || (u.Entry.Layer >= first && u.Kind != rootfs.WorldWritable) {
			t.fail(u.Entry.Path, got, want)
		} else {
			t.warn(u.Entry.Path, got, want)
		}
	}
	return t.outcome(fmt.Sprintf("%d entries, nothing that a service does not need", in.root.Len()))
}

// Where Go looks for roots and zones on Linux (crypto/x509 root_linux.go, time
// zoneinfo_unix.go).
var (
	rootFiles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"}
	rootDirs = []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
	zoneDirs = []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}
)

func judgeRoots(in *inspection) outcome {
	files, dirs := rootFiles, rootDirs
	if v := in.env("SSL_CERT_FILE"); len(v) > 0 && v[len(v)-1] != "" {
		files = v[len(v)-1:]
	}
	if v := in.env("SSL_CERT_DIR"); len(v) > 0 && v[len(v)-1] != "" {
		dirs = strings.Split(v[len(v)-1], ":")
	}
	return in.judgeLookup(systemRoots, fallbackRoots, "CA certificates", files, dirs)
}

func judgeZones(in *inspection) outcome {
	files := in.env("ZONEINFO")
	return in.judgeLookup(timeZones, embeddedZones, "time zones", files, append(slices.Clone(zoneDirs), files...))
}

// judgeLookup demands, where code that looks for files is linked, that it finds one:
// one of the files, something in one of the directories, or a copy in the binary.
func (in *inspection) judgeLookup(code, embedded feature, what string, files, dirs []string) outcome {
	var t tally
	at := in.firstOf(files, dirs)
	asked := false
	for _, p := range in.binaries(&t) {
		if p.linked.err != nil {
			t.unknown("%s: %v", p.path, p.linked.err)
		}
		if !p.linked.has(code) {
			continue
		}
		asked = true
		if !p.linked.has(embedded) && at == "" {
			t.fail(p.path, "looks for "+what+" of the system", "some in the image: there are none in "+strings.Join(slices.Concat(files, dirs), ", "))
		}
	}
	if !asked && len(t.unknowns) == 0 {
		return skip("no binary looks for " + what)
	}
	return t.outcome(what + " at " + orEmbedded(at))
}

func orEmbedded(at string) string {
	if at == "" {
		return "the binary itself"
	}
	return at
}

// firstOf is the first of the files that exists, or of the directories that is not empty.
func (in *inspection) firstOf(files, dirs []string) string {
	for _, f := range files {
		if e, err := in.root.Resolve(f); err == nil && e.Type == rootfs.File && e.Size > 0 {
			return f
		}
	}
	for _, d := range dirs {
		if e, err := in.root.Resolve(d); err == nil && len(in.root.Children(e.Path)) > 0 {
			return d
		}
	}
	return ""
}

// judgeBase holds the labels on the base against the layers that the seal counts as
// its own. That the digest is the reference's needs a registry and is not asked.
func judgeBase(in *inspection) outcome {
	var t tally
	ref, named := in.label(ocispec.AnnotationBaseImageName)
	value, pinned := in.label(ocispec.AnnotationBaseImageDigest)
	if !named && !pinned && !in.ours {
		return skip("no labels on a base")
	}
	if pinned {
		if err := parseDigest(value); err != nil {
			t.fail("label "+ocispec.AnnotationBaseImageDigest, value, "a digest: "+err.Error())
		}
	}
	_, inRef, hasDigest := strings.Cut(ref, "@")
	switch {
	case pinned && !named:
		t.fail("label "+ocispec.AnnotationBaseImageName, "missing", "the reference of "+value)
	case named && !pinned:
		t.unknown("the base %s has no digest: what lies below our layers is not bound", ref)
	case named && !hasDigest:
		t.warn("label "+ocispec.AnnotationBaseImageName, ref, "a reference with a digest: a tag may move")
	case hasDigest && inRef != value:
		t.fail("label "+ocispec.AnnotationBaseImageDigest, value, inRef+" of label "+ocispec.AnnotationBaseImageName)
	}
	if layers, known := in.baseLayers(); in.ours && known && (layers > 0) != named && (pinned || !named) {
		t.fail("layers", fmt.Sprintf("%d below ours", layers), "as many as the labels say: base "+orNone(ref))
	}
	return t.outcome(orNone(ref))
}

func orNone(ref string) string {
	if ref == "" {
		return "none"
	}
	return ref
}
