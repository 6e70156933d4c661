package verify_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// childRef makes the test binary verify one reference and nothing else: the peak of a
// process' memory can be asked of a new process alone.
const childRef = "PLIMSOLL_TEST_VERIFY"

func TestMain(m *testing.M) {
	if ref := os.Getenv(childRef); ref != "" {
		if err := json.NewEncoder(os.Stdout).Encode(verifyAlone(ref)); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// alone is what a process of its own found.
type alone struct {
	OK, Limit bool
	Err       string
	Failed    []string // rules
	Peak      int      // of resident memory, in MiB
}

func verifyAlone(ref string) (a alone) {
	reports, err := func() (verify.Reports, error) {
		subjects, err := verify.Open(context.Background(), ref, verify.OpenOptions{})
		if err != nil {
			return nil, err
		}
		return verify.All(context.Background(), subjects)
	}()
	a.OK, a.Limit = reports.OK(), errors.Is(err, verify.ErrLimit)
	if err != nil {
		a.Err = err.Error()
	}
	for _, r := range reports {
		a.Failed = append(a.Failed, verdicts(r, fail, unknown)...)
	}
	a.Peak = peak()
	return a
}

// peak is VmHWM, in MiB.
func peak() int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kib int
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				panic(err)
			}
			return kib >> 10
		}
	}
	panic("no VmHWM")
}

func inChild(t *testing.T, ref string) (a alone) {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childRef+"="+ref)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	check(t, err)
	check(t, json.Unmarshal(out, &a))
	return a
}
