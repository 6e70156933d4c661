package verify_test

import (
	"bytes"
	le "encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// mutationFlips is for the long mode: go test -run Mutations -mutations 2000.
var mutationFlips = flag.Int("mutations", 12, "bits that are flipped in each field")

// mutationRow is a row of testdata/mutations.json. A flip is caught if one of the
// rules does not pass any more; Every demands that of each flip. The digests, DiffIDs
// and the manifest fit again after each flip, so that they catch nothing.
type mutationRow struct {
	Field string   `json:"field"`
	Rules []string `json:"rules"`
	Every bool     `json:"every"`
}

func mutationRows(t *testing.T) []mutationRow {
	data, err := os.ReadFile("testdata/mutations.json")
	check(t, err)
	var rows []mutationRow
	check(t, json.Unmarshal(data, &rows))
	return rows
}

// mutant makes an image with one bit flipped.
type mutant func(t *testing.T, r *rand.Rand) v1.Image

// flipped is s with one bit of it changed, which may make it no text.
func flipped(r *rand.Rand, s string) string {
	b := []byte(s)
	b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	return string(b)
}

// editConfig changes the config of the finished image; the seal stays as it was.
func editConfig(change func(r *rand.Rand, d *draft)) mutant {
	return func(t *testing.T, r *rand.Rand) v1.Image {
		d := goodDraft(t)
		d.annotate = false
		img := d.image(t)
		change(r, d)
		return withConfig(t, img, d.config)
	}
}

// editProgram changes a bit of the binary in a range of its bytes.
func editProgram(where func(data []byte) (from, to int)) mutant {
	return func(t *testing.T, r *rand.Rand) v1.Image {
		d := goodDraft(t)
		d.compression = "none"
		data := slices.Clone(d.content["orders"])
		from, to := where(data)
		data[from+r.IntN(to-from)] ^= 1 << r.IntN(8)
		d.content["orders"] = data
		return d.image(t)
	}
}

func fixed(from, to int) func([]byte) (int, int) {
	return func([]byte) (int, int) { return from, to }
}

// setting is the value of GOARCH in the copy of the build info of that number.
func setting(number int) func([]byte) (int, int) {
	return func(data []byte) (int, int) {
		key, at := []byte("build\tGOARCH="), 0
		starts := []int{}
		for i := bytes.Index(data, key); i >= 0; i = bytes.Index(data[at:], key) {
			at += i + len(key)
			starts = append(starts, at)
		}
		section := bytes.Index(data, []byte(infoMagic))
		slices.SortFunc(starts, func(a, b int) int { return min(1, max(-1, distance(a, section)-distance(b, section))) })
		return starts[number], starts[number] + len("amd64")
	}
}

// distance orders what lies behind the section's begin before what does not.
func distance(at, section int) int {
	if at < section {
		return 1 << 30
	}
	return at - section
}

func goVersionBytes(data []byte) (int, int) {
	const header = 32 // of .go.buildinfo; a length of one byte follows
	at := bytes.Index(data, []byte(infoMagic)) + header + 1
	return at, at + int(data[at-1])
}

// headerType is p_type of one of the program headers.
func headerType(t *testing.T, r *rand.Rand) v1.Image {
	data := program(t, "good")
	at := int(le.LittleEndian.Uint64(data[32:])) + 56*r.IntN(int(le.LittleEndian.Uint16(data[56:])))
	return editProgram(fixed(at, at+4))(t, r)
}

// tarHeader flips a bit in the fields of the program's tar header, of which the
// checksum is made to fit as the digests are.
func tarHeader(t *testing.T, r *rand.Rand) v1.Image {
	d := goodDraft(t)
	d.compression, d.annotate = "none", false
	whole := d.image(t)
	data := d.tar(t, 1)
	const checksum, sumEnd, used = 148, 156, 345 // fields of ustar
	at := r.IntN(used - 8)
	if at >= checksum {
		at += sumEnd - checksum
	}
	data[at] ^= 1 << r.IntN(8)
	copy(data[checksum:sumEnd], "        ")
	sum := 0
	for _, b := range data[:512] {
		sum += int(b)
	}
	copy(data[checksum:sumEnd], fmt.Sprintf("%06o\x00 ", sum))
	d.layers = d.layers[:1]
	img, err := mutate.AppendLayers(d.image(t), d.layer(t, data))
	check(t, err)
	file, err := whole.ConfigFile()
	check(t, err)
	broken, err := img.ConfigFile()
	check(t, err)
	broken.Config = file.Config // with the seal of the whole image
	img, err = mutate.ConfigFile(img, broken)
	check(t, err)
	return img
}

var mutants = map[string]mutant{
	"label values": editConfig(func(r *rand.Rand, d *draft) {
		labels := d.config.Config.Labels
		var keys []string
		for key, value := range labels {
			if value != "" {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		key := keys[r.IntN(len(keys))]
		labels[key] = flipped(r, labels[key])
	}),
	"Env": editConfig(func(r *rand.Rand, d *draft) {
		i := r.IntN(len(d.config.Config.Env))
		d.config.Config.Env[i] = flipped(r, d.config.Config.Env[i])
	}),
	"User, WorkingDir, Entrypoint": editConfig(func(r *rand.Rand, d *draft) {
		c := &d.config.Config
		field := []*string{&c.User, &c.WorkingDir, &c.Entrypoint[0]}[r.IntN(3)]
		*field = flipped(r, *field)
	}),
	"os, architecture": editConfig(func(r *rand.Rand, d *draft) {
		field := []*string{&d.config.OS, &d.config.Architecture}[r.IntN(2)]
		*field = flipped(r, *field)
	}),
	"Go version of the build info":               editProgram(goVersionBytes),
	"settings of the build info, section":        editProgram(setting(0)),
	"settings of the build info, program's copy": editProgram(setting(1)),
	"ELF class and byte order":                   editProgram(fixed(4, 6)),
	"ELF machine":                                editProgram(fixed(18, 20)),
	"type of a program header":                   headerType,
	"any byte of the program":                    editProgram(func(data []byte) (int, int) { return 0, len(data) }),
	"tar header of the program":                  tarHeader,
}

// TestMutations flips seeded bits. What no rule sees, only the digest chain of a pinned
// reference can: such flips are counted apart, and never a failure of their own.
func TestMutations(t *testing.T) {
	rows := mutationRows(t)
	if len(rows) != len(mutants) {
		t.Errorf("the table has %d rows, the test %d", len(rows), len(mutants))
	}
	good := verdicts(judge(t, goodDraft(t).image(t)), pass)
	for _, row := range rows {
		t.Run(row.Field, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(len(row.Field))))
			expected, others, chain := 0, 0, 0
			for range *mutationFlips {
				report, err := verify.Image(t.Context(), verify.FromImage("test", mutants[row.Field](t, r)))
				if err != nil {
					others++ // the image cannot be read at all
					continue
				}
				lost := slices.DeleteFunc(slices.Clone(good), func(rule string) bool { return result(report, rule).Verdict == pass })
				switch {
				case slices.ContainsFunc(lost, func(rule string) bool { return slices.Contains(row.Rules, rule) }):
					expected++
				case len(lost) > 0:
					others++
				default:
					chain++
				}
				if row.Every && !slices.ContainsFunc(lost, func(rule string) bool { return slices.Contains(row.Rules, rule) }) {
					t.Errorf("a flip passes %v: %v", row.Rules, lost)
				}
			}
			t.Logf("%d flips: %d by %v, %d otherwise, %d only by the digests", *mutationFlips, expected, row.Rules, others, chain)
			if len(row.Rules) > 0 && expected == 0 {
				t.Error("no flip is caught by the rules of the table")
			}
		})
	}
}
