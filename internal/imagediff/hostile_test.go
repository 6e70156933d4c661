package imagediff_test

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/imagediff"
)

// tiny is a program of two functions, main.main and main.next, with the sections that a
// comparison reads: small enough for the fuzzer to reach each field.
func tiny() []byte {
	const base, header, section = 0x1000, 64, 64
	le := binary.LittleEndian
	text := bytes.Repeat([]byte{0x48, 0x8d, 0x05, 1, 0, 0, 0, 0xc3}, 4) // lea, ret
	var table []byte
	table = le.AppendUint32(table, 0xfffffff1) // the format since Go 1.20
	table = append(table, 0, 0, 1, 8)
	const at = 8 + 8*8
	names := "main.main\x00main.next\x00"
	functions := at + len(names)
	for _, word := range []int{2, 0, base, at, functions, functions, functions, functions} {
		table = le.AppendUint64(table, uint64(word))
	}
	table = append(table, names...)
	for _, word := range []uint32{0, 20, 16, 36, 32, 0, 0, 0, 0, 16, 10, 0, 0} { // entries and offsets, end; two records
		table = le.AppendUint32(table, word)
	}
	shstrtab := "\x00.text\x00.gopclntab\x00.shstrtab\x00"
	body := slices.Concat(text, table, []byte(shstrtab))
	file := make([]byte, header, header+len(body)+4*section)
	copy(file, "\x7fELF\x02\x01\x01")
	le.PutUint16(file[16:], uint16(elf.ET_EXEC))
	le.PutUint16(file[18:], uint16(elf.EM_X86_64))
	le.PutUint32(file[20:], 1)
	le.PutUint64(file[40:], uint64(header+len(body)))
	for at, n := range map[int]uint16{52: header, 58: section, 60: 4, 62: 3} {
		le.PutUint16(file[at:], n)
	}
	file = append(file, body...)
	for _, s := range []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: base, Off: header, Size: uint64(len(text))},
		{Name: 7, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: base + uint64(len(text)), Off: uint64(header + len(text)), Size: uint64(len(table))},
		{Name: 18, Type: uint32(elf.SHT_STRTAB), Off: uint64(header + len(text) + len(table)), Size: uint64(len(shstrtab))},
	} {
		out, err := binary.Append(file, le, s)
		if err != nil {
			panic(err)
		}
		file = out
	}
	return file
}

// TestTiny wants the fuzzer's seed to be read to the end: a byte of one function names it.
func TestTiny(t *testing.T) {
	other := bytes.Clone(tiny())
	other[64+15]++ // the last byte of main.main
	got := where(t, image(t, "{}", file{"p", 0o755, 0, tiny()}), image(t, "{}", file{"p", 0o755, 0, other}))
	if want := []string{"layer 0", "/p sha256", "/p function main.main", "/p section .text"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzPrograms holds a damaged program against itself with one more byte changed: an
// answer in both directions, never a panic.
func FuzzPrograms(f *testing.F) {
	f.Add(tiny(), uint16(64+15), byte(1))
	f.Add(tiny(), uint16(18), byte(elf.EM_X86_64)^byte(elf.EM_AARCH64))
	f.Add([]byte("\x7fELF"), uint16(3), byte(1))
	f.Fuzz(func(t *testing.T, data []byte, at uint16, change byte) {
		other := append(bytes.Clone(data), 0)
		other[int(at)%len(other)] ^= change
		a, b := image(t, "{}", file{"p", 0o755, 0, data}), image(t, "{}", file{"p", 0o755, 0, other})
		for _, pair := range [][2]imagediff.Image{{a, b}, {b, a}} {
			found, err := imagediff.Compare(t.Context(), pair[0], pair[1])
			if err != nil || len(found) < 2 {
				t.Fatalf("%v, %v; want the layer and the file", found, err)
			}
		}
	})
}

// FuzzTar feeds damaged layers and configs.
func FuzzTar(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), []byte(`{"config":{"Labels":{"a":"b"}}}`))
	f.Fuzz(func(t *testing.T, data, config []byte) {
		layer := func(data []byte) []func(context.Context) (io.ReadCloser, error) {
			return []func(context.Context) (io.ReadCloser, error){func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(data)), nil
			}}
		}
		a := imagediff.Image{Config: config, Manifest: config, Layers: layer(data)}
		if found, err := imagediff.Compare(t.Context(), a, a); err == nil && len(found) > 0 {
			t.Errorf("an image differs from itself: %v", found)
		}
		found, err := imagediff.Compare(t.Context(), a, imagediff.Image{Config: []byte("{}"), Layers: layer(append(bytes.Clone(data), 0))})
		if err == nil && len(found) == 0 {
			t.Error("layers that differ are the same")
		}
	})
}

// TestMemory compares two layers of a 50 MB program, which differ, in less than 150 MiB,
// counted as everything that was ever allocated on the way, collected or not.
func TestMemory(t *testing.T) {
	one, other := bigProgram(t, "return n * 3"), bigProgram(t, "return n * 5")
	a, b := image(t, "{}", file{"orders", 0o755, 0, one}), image(t, "{}", file{"orders", 0o755, 0, other})
	if len(one) < 50<<20 {
		t.Fatalf("the program has %d bytes", len(one))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found := where(t, a, b)
	runtime.ReadMemStats(&after)
	if !slices.Contains(found, "/orders function main.triple") {
		t.Errorf("%q", found)
	}
	mib := (after.TotalAlloc - before.TotalAlloc) >> 20
	if mib >= 150 {
		t.Errorf("%d MiB allocated", mib)
	}
	t.Logf("%d MiB allocated", mib)
}

func bigProgram(t *testing.T, body string) []byte {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(data, bytes.Repeat([]byte("plimsoll"), 50<<17), 0o600); err != nil {
		t.Fatal(err)
	}
	return compile(t, "amd64", `package main

import (
	_ "embed"
	"net/http"
	"os"
)

//go:embed data
var data string

//go:noinline
func triple(n int) int { `+body+` }

func main() {
	println(triple(len(data)), len(os.Args))
	_ = http.ListenAndServe(":0", nil)
}
`, data)
}
