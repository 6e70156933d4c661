//go:build linux

package rehearse

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestForeign: only a program of another machine is a reason for no rehearsal; what is a
// program on no machine fails as it will in the image.
func TestForeign(t *testing.T) {
	own, err := readHead("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// A machine that no kernel has an emulation for: EM_VAX, 75.
	vax := append(bytes.Clone(own[:18]), 75, 0)
	write("vax", append(vax, own[20:]...))
	write("half", own[:20])
	write("bare", []byte("echo started\n"))
	write("empty", nil)
	write("script", []byte("#!"+dir+"/vax -x\n"))
	write("loop", []byte("#! "+dir+"/bare\n"))
	for program, want := range map[string]Outcome{
		dir + "/vax": NoProgram, "./vax": NoProgram, dir + "/script": NoProgram,
		dir + "/half": NotStarted, dir + "/bare": NotStarted, dir + "/empty": NotStarted, dir + "/loop": NotStarted,
	} {
		r := service(t, "", func(r *plan.Rehearsal) { r.Argv, r.Dir = []string{program}, dir })
		var out bytes.Buffer
		if got := run(r, machine("134217728", "150000 100000"), &out); got != want || !strings.Contains(out.String(), "exec format error") {
			t.Errorf("%s: outcome %d, want %d\n%s", program, got, want, &out)
		}
	}
}
