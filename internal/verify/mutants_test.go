package verify_test

import (
	"bytes"
	"crypto/sha256"
	le "encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// fullDraft passes every rule and has a value in every field that a seal binds.
func fullDraft(t testing.TB) *draft {
	d := goodDraft(t)
	d.compression = "none"
	d.base = 1
	d.content["etc/greeting"] = []byte("hello\n")
	d.layers[1] = append(d.layers[1], file("etc/greeting", 0o644))
	for key, value := range map[string]string{
		ocispec.AnnotationBaseImageName: "registry.example.com/base@" + zeroDigest, ocispec.AnnotationBaseImageDigest: zeroDigest,
		tuning.LabelMemoryHigh: "510027366", tuning.LabelGOGC: "100", tuning.LabelGODEBUG: "madvdontneed=1",
		tuning.LabelCPUMax: "2.5", tuning.LabelCPUWeight: "100", tuning.LabelCPUSet: "0-3", tuning.LabelPids: "100",
	} {
		d.label(key, value)
	}
	d.env("GOGC", "100")
	d.env("GODEBUG", "madvdontneed=1")
	d.config.Variant, d.config.OSVersion, d.config.OSFeatures = "v1", "6.1", []string{"feature"}
	c, ten := &d.config.Config, 10
	c.Cmd, c.Shell, c.StopSignal, c.StopTimeout = []string{"serve"}, []string{"/orders", "-c"}, "SIGTERM", &ten
	c.ArgsEscaped = true //nolint:staticcheck // deprecated, and sealed
	c.ExposedPorts, c.Volumes = map[string]struct{}{"8080/tcp": {}}, map[string]struct{}{"/data": {}}
	c.Healthcheck = &dockerspec.HealthcheckConfig{Test: []string{"CMD", "/orders", "-health"}, Interval: 30 * time.Second, Timeout: 5 * time.Second,
		StartPeriod: time.Second, StartInterval: time.Second, Retries: 3}
	return d
}

// parts are an image that is put together anew after each flip: digests, DiffIDs, sizes,
// manifest, and annotations that follow the labels.
type parts struct {
	config      any // decoded JSON
	layers      [][]byte
	annotations map[string]string // nil: those of the labels
	platform    v1.Platform       // the index's
	configType  string
}

func partsOf(t testing.TB) *parts {
	d := fullDraft(t)
	img := d.image(t)
	seal := d.config.Config.Labels[tuning.LabelSeal]
	raw, err := json.Marshal(d.config) // go-containerregistry would lose fields
	check(t, err)
	if _, err := img.Digest(); err != nil || seal == "" {
		t.Fatal(err, seal)
	}
	config := decoded(t, raw)
	config.(object)["created"] = "1970-01-01T00:00:00Z" // BuildKit's to write, as history is
	config.(object)["history"] = []any{object{"created_by": "plimsoll"}}
	return &parts{config: config, layers: [][]byte{d.tar(t, 0), d.tar(t, 1)}, configType: string(types.OCIConfigJSON),
		platform: v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v1"}}
}

func decoded(t testing.TB, raw []byte) any {
	var value any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	check(t, dec.Decode(&value))
	return value
}

// made is an image of its documents and layers.
type made struct {
	v1.Image
	manifest, config []byte
	layers           map[v1.Hash]v1.Layer
}

func (m made) RawManifest() ([]byte, error)   { return m.manifest, nil }
func (m made) RawConfigFile() ([]byte, error) { return m.config, nil }
func (m made) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if l, ok := m.layers[h]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("no layer %s", h)
}

func describe(kind string, data []byte) object {
	sum := sha256.Sum256(data)
	return object{"mediaType": kind, "size": len(data), "digest": "sha256:" + hex.EncodeToString(sum[:])}
}

// subject puts the parts together.
func (p *parts) subject(t testing.TB) verify.Subject {
	var layers []object
	var ids []any
	m := made{layers: map[v1.Hash]v1.Layer{}}
	for _, data := range p.layers {
		l := static.NewLayer(data, types.OCIUncompressedLayer)
		digest, err := l.Digest()
		check(t, err)
		m.layers[digest] = l
		layers, ids = append(layers, describe(string(types.OCIUncompressedLayer), data)), append(ids, digest.String())
	}
	config := maps.Clone(p.config.(object))
	config["rootfs"] = object{"type": "layers", "diff_ids": ids}
	annotations := p.annotations
	if annotations == nil {
		annotations = p.labels()
	}
	var err error
	m.config, err = json.Marshal(config)
	check(t, err)
	m.manifest, err = json.Marshal(object{"schemaVersion": 2, "mediaType": types.OCIManifestSchema1, "config": describe(p.configType, m.config), "layers": layers, "annotations": annotations})
	check(t, err)
	s := verify.FromImage("mutant", m)
	s.Platform = &p.platform
	sum := sha256.Sum256(m.manifest)
	s.Digest = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
	return s
}

func (p *parts) labels() map[string]string {
	labels := map[string]string{}
	config, _ := p.config.(object)["config"].(object)
	own, _ := config["Labels"].(object)
	for key, value := range own {
		labels[key], _ = value.(string)
	}
	return labels
}

// field is a part of the image of which each bit is flipped alone.
type field struct {
	name string
	bits int
	flip func(p *parts, bit int) // p is a copy whose layers may be changed
	// program means that what else is seen depends on the compiler's release.
	program bool
}

// flipText is s with one bit changed, which may make it no text.
func flipText(s string, bit int) string {
	b := []byte(s)
	b[bit/8] ^= 1 << (bit % 8)
	return string(b)
}

// fields are all fields of the table, in its order.
func fields(t testing.TB) []field {
	p := partsOf(t)
	all := configFields(p.config)
	labels := p.labels()
	for name, ours := range map[string]bool{"annotation of ours": true, "annotation: org.opencontainers.image": false} {
		keys := slices.DeleteFunc(slices.Sorted(maps.Keys(labels)), func(key string) bool { return strings.HasPrefix(key, tuning.Prefix) != ours })
		all = append(all, texts(name, keys, func(p *parts, i int, flip func(string) string) {
			p.annotations = p.labels()
			p.annotations[keys[i]] = flip(labels[keys[i]])
		}, labels)...)
	}
	slices.SortStableFunc(all[len(all)-2:], func(a, b field) int { return strings.Compare(a.name, b.name) })
	all = append(all,
		field{name: "descriptor: os", bits: 8 * len("linux"), flip: func(p *parts, bit int) { p.platform.OS = flipText("linux", bit) }},
		field{name: "descriptor: architecture", bits: 8 * len("amd64"), flip: func(p *parts, bit int) { p.platform.Architecture = flipText("amd64", bit) }},
		field{name: "descriptor: variant", bits: 8 * len("v1"), flip: func(p *parts, bit int) { p.platform.Variant = flipText("v1", bit) }},
		field{name: "manifest: type of the config", bits: 8 * len(p.configType), flip: func(p *parts, bit int) { p.configType = flipText(p.configType, bit) }})
	for i, f := range all {
		if f.bits < 0 {
			all[i].bits = keyBits(p.config, f)
		}
	}
	all = append(all, layerFields(t, p)...)
	return append(all, programFields(t, p)...)
}

// texts are one field of several strings.
func texts(name string, keys []string, set func(p *parts, i int, flip func(string) string), values map[string]string) []field {
	var starts []int
	bits := 0
	for _, key := range keys {
		starts = append(starts, bits)
		bits += 8 * len(values[key])
	}
	return []field{{name: name, bits: bits, flip: func(p *parts, bit int) {
		i, _ := slices.BinarySearch(starts, bit+1)
		i--
		set(p, i, func(s string) string { return flipText(s, bit-starts[i]) })
	}}}
}

// fileAt is where the content of a file lies in a tar.
func fileAt(t testing.TB, data []byte, name string) (from, to int) {
	for at := 0; at+512 <= len(data); {
		size := 0
		if _, err := fmt.Sscanf(string(data[at+124:at+135]), "%o", &size); err != nil {
			break
		}
		if strings.TrimRight(string(data[at:at+100]), "\x00") == name {
			return at + 512, at + 512 + size
		}
		at += 512 + (size+511)/512*512
	}
	t.Fatalf("no %s in the tar", name)
	return 0, 0
}

// layerFields are the program's tar header, by its fields, and the content of other files.
func layerFields(t testing.TB, p *parts) []field {
	const base, own = 0, 1
	content := func(name string, layer int, file string) field {
		from, to := fileAt(t, p.layers[layer], file)
		return field{name: name, bits: 8 * (to - from), flip: func(p *parts, bit int) { p.layers[layer][from+bit/8] ^= 1 << (bit % 8) }}
	}
	all := []field{content("layer: a file of the base", base, "etc/passwd"), content("layer: another file of ours", own, "etc/greeting")}
	from, _ := fileAt(t, p.layers[own], "orders")
	head := from - 512
	for _, f := range []struct {
		name     string
		from, to int
	}{{"name", 0, 100}, {"mode", 100, 108}, {"uid", 108, 116}, {"gid", 116, 124}, {"size", 124, 136}, {"mtime", 136, 148}, {"type", 156, 157},
		{"link name", 157, 257}, {"magic and version", 257, 265}, {"user and group names", 265, 329}, {"device", 329, 345}, {"prefix", 345, 500}} {
		all = append(all, field{name: "tar header: " + f.name, bits: 8 * (f.to - f.from), program: true, flip: func(p *parts, bit int) {
			p.layers[own][head+f.from+bit/8] ^= 1 << (bit % 8)
			mendChecksum(p.layers[own][head : head+512])
		}})
	}
	return all
}

// mendChecksum makes a tar header's checksum right.
func mendChecksum(header []byte) {
	const from, to = 148, 156
	copy(header[from:to], "        ")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[from:to], fmt.Sprintf("%06o\x00 ", sum))
}

// programFields are the program's headers, its build info and the rest of it.
func programFields(t testing.TB, p *parts) []field {
	const own = 1
	start, end := fileAt(t, p.layers[own], "orders")
	data := p.layers[own][start:end]
	spans := func(name string, ranges ...[2]int) field {
		bits := 0
		for _, r := range ranges {
			bits += 8 * (r[1] - r[0])
		}
		return field{name: name, bits: bits, program: true, flip: func(p *parts, bit int) {
			for _, r := range ranges {
				if n := 8 * (r[1] - r[0]); bit >= n {
					bit -= n
					continue
				}
				p.layers[own][start+r[0]+bit/8] ^= 1 << (bit % 8)
				return
			}
		}}
	}
	var all []field
	for _, f := range elfHeader {
		all = append(all, spans("ELF header: "+f.name, [2]int{f.from, f.to}))
	}
	phoff, phnum := int(le.LittleEndian.Uint64(data[32:])), int(le.LittleEndian.Uint16(data[56:]))
	for _, f := range programHeader {
		var ranges [][2]int
		for i := range phnum {
			ranges = append(ranges, [2]int{phoff + 56*i + f.from, phoff + 56*i + f.to})
		}
		all = append(all, spans("program header: "+f.name, ranges...))
	}
	all = append(all, buildInfoFields(t, data, spans)...)
	table := bytes.Index(data, []byte("\xf1\xff\xff\xff\x00\x00\x01\x08"))
	if table < 0 {
		t.Fatal("the program has no function table")
	}
	return append(all, spans("function table: header", [2]int{table, table + 72}),
		spans("function table: names and records", [2]int{table + 72, table + 72 + 200_000}), spans("program: any byte", [2]int{0, len(data)}))
}

type byteRange struct {
	name     string
	from, to int
}

var (
	elfHeader = []byteRange{{"magic", 0, 4}, {"class", 4, 5}, {"byte order", 5, 6}, {"version", 6, 7}, {"ABI", 7, 9}, {"padding", 9, 16}, {"type", 16, 18}, {"machine", 18, 20},
		{"second version", 20, 24}, {"entry", 24, 32}, {"place of the program headers", 32, 40}, {"place of the section headers", 40, 48}, {"flags", 48, 52}, {"own size", 52, 54},
		{"size and number of program headers", 54, 58}, {"size and number of section headers", 58, 64}}
	programHeader = []byteRange{{"type", 0, 4}, {"flags", 4, 8}, {"offset", 8, 16}, {"address", 16, 24}, {"physical address", 24, 32}, {"size in the file", 32, 40}, {"size in memory", 40, 48}, {"alignment", 48, 56}}
)

// buildInfoFields are the lines of the build info: a bit in one of the two copies, and the
// same bit in both, as who forges it with care would.
func buildInfoFields(t testing.TB, data []byte, spans func(string, ...[2]int) field) []field {
	section := bytes.Index(data, []byte(infoMagic))
	const header = 32 // magic, flags; then the length of the version in one byte, and the version
	version := section + header + 1
	var copies []int
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte(infoStart))
		if i < 0 {
			break
		}
		at += i + len(infoStart)
		copies = append(copies, at)
	}
	if section < 0 || len(copies) != 2 {
		t.Fatalf("build info at %d, %d copies", section, len(copies))
	}
	all := []field{
		spans("build info: magic and flags of the section", [2]int{section, section + 16}),
		spans("build info: unused bytes of the section's header", [2]int{section + 16, section + header}),
		spans("build info: Go version", [2]int{version, version + int(data[version-1])}),
	}
	at := copies[0]
	for line := range bytes.SplitSeq(data[at:at+bytes.Index(data[at:], []byte("\n\xf9"))], []byte{'\n'}) {
		from, to := at-copies[0], at-copies[0]+len(line)
		at += len(line) + 1
		name := "build info: " + strings.Split(strings.ReplaceAll(string(line), "build\t", ""), "=")[0]
		name, _, _ = strings.Cut(name, "\t")
		one := spans(name+", one copy", [2]int{copies[0] + from, copies[0] + to}, [2]int{copies[1] + from, copies[1] + to})
		both := field{name: name + ", both copies", bits: 8 * len(line), program: true, flip: func(p *parts, bit int) { one.flip(p, bit); one.flip(p, bit+8*len(line)) }}
		all = append(all, one, both)
	}
	return all
}
