package solve

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client"
)

func TestOutputWords(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		word     string
		kind     string
		attrs    map[string]string
		toFile   bool
		toFolder bool
	}{
		{"type=image,push=true", client.ExporterImage, map[string]string{"push": "true", "name": "a:1,b:2"}, false, false},
		{"type=registry", client.ExporterImage, map[string]string{"push": "true", "name": "a:1,b:2"}, false, false},
		{"type=oci,dest=" + dir + "/a.tar,compression=zstd", client.ExporterOCI, map[string]string{"name": "a:1,b:2", "compression": "zstd"}, true, false},
		{"type=oci,tar=false,dest=" + dir + "/layout", client.ExporterOCI, map[string]string{"name": "a:1,b:2", "tar": "false"}, false, true},
		{"type=docker,dest=" + dir + "/d.tar", client.ExporterDocker, map[string]string{"name": "a:1,b:2"}, true, false},
		{"type=local,dest=" + dir + "/l", client.ExporterLocal, map[string]string{}, false, true},
		{dir + "/bare", client.ExporterLocal, map[string]string{}, false, true},
		{"type=tar,dest=-", client.ExporterTar, map[string]string{}, true, false},
		{"-", client.ExporterTar, map[string]string{}, true, false},
		{`"type=oci","dest=` + dir + `/with,comma.tar"`, client.ExporterOCI, map[string]string{"name": "a:1,b:2"}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.word, func(t *testing.T) {
			out, err := openOutputs(Request{Outputs: []string{tt.word}, Tags: []string{"a:1", "b:2"}, Stdout: new(discard)})
			if err != nil {
				t.Fatal(err)
			}
			defer out.discard()
			e := out.entries[0]
			if e.Type != tt.kind || !maps.Equal(e.Attrs, tt.attrs) {
				t.Errorf("%s %v, want %s %v", e.Type, e.Attrs, tt.kind, tt.attrs)
			}
			if got := e.Output != nil; got != tt.toFile {
				t.Errorf("a file: %v", got)
			}
			if got := e.OutputDir != ""; got != tt.toFolder {
				t.Errorf("a directory: %v", got)
			}
		})
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

func TestOutputErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	words := []string{
		"", "type=", "dest=x", "type=zip,dest=x", "type=oci", "type=oci,tar=false", "type=local",
		"type=image,dest=x", "type=image,push=true", "type=docker", "type=oci,dest=" + dir,
		"type=local,dest=" + file, "type=oci,dest=" + dir + "/missing/a.tar", "type=oci,nonsense", `"type=oci`,
	}
	for _, word := range words {
		t.Run(word, func(t *testing.T) {
			out, err := openOutputs(Request{Outputs: []string{"type=tar,dest=" + dir + "/first.tar", word}})
			if err == nil {
				out.discard()
				t.Fatal("no error")
			}
		})
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "file" {
		t.Errorf("left behind: %v", entries)
	}
}

// Until commit the destination is as it was, and after discard nothing is left.
func TestStaging(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		dir := t.TempDir()
		dest := filepath.Join(dir, "out.tar")
		write(t, dest, "old")
		s, err := stageFile(dest)
		if err != nil {
			t.Fatal(err)
		}
		write(t, s.path, "new")
		expect(t, dest, "old")
		if err := s.commit(); err != nil {
			t.Fatal(err)
		}
		expect(t, dest, "new")
		s.discard()
		only(t, dir, "out.tar")
	})
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		dest := filepath.Join(dir, "out")
		write(t, filepath.Join(dest, "sub", "kept"), "old")
		write(t, filepath.Join(dest, "replaced"), "old")
		s, err := stageDir(dest, false)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(s.path, "sub", "added"), "new")
		write(t, filepath.Join(s.path, "replaced"), "new")
		expect(t, filepath.Join(dest, "replaced"), "old")
		if err := s.commit(); err != nil {
			t.Fatal(err)
		}
		expect(t, filepath.Join(dest, "sub", "kept"), "old")
		expect(t, filepath.Join(dest, "sub", "added"), "new")
		expect(t, filepath.Join(dest, "replaced"), "new")
		s.discard()
		only(t, dir, "out")
	})
	t.Run("discarded", func(t *testing.T) {
		dir := t.TempDir()
		s, err := stageDir(filepath.Join(dir, "new")+"/", true)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(s.path, "index.json"), "{}")
		s.discard()
		only(t, dir)
	})
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", file, got, err, want)
	}
}

func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Errorf("%s holds %v, want %v", dir, entries, names)
	}
	for i, name := range names {
		if i < len(entries) && entries[i].Name() != name {
			t.Errorf("%s holds %s, want %s", dir, entries[i].Name(), name)
		}
	}
}
