package check

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"
)

// TestNamesOfBytes: a base may hold names that are not UTF-8.
func TestNamesOfBytes(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d\xff"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x\xfe", filepath.Join(dir, "d\xff", "l\xfd")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "svc"), elfFile(t, elf.EM_X86_64, elf.ET_EXEC, elf.PT_LOAD), 0o755); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := Command([]string{dir, `{"architecture":"amd64","binaries":["/svc"]}`}, &out); code != 0 {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}
