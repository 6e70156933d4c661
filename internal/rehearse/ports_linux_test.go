package rehearse

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestLowPort: a service that is not root listens on port 80, as under Docker; where this
// program may not allow it, the service starts all the same.
func TestLowPort(t *testing.T) {
	for _, c := range []struct {
		name string
		drop bool // the capability, from the thread that starts the service
		want Outcome
	}{
		{"with the capability", false, Passed},
		{"without", true, Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := service(t, "listen", func(r *plan.Rehearsal) {
				// No path of a test's binary is open to another user.
				r.Argv[0], r.Dir, r.UID, r.GID, r.Expect = "/proc/self/exe", "/", 65532, 65532, plan.ExpectExit0
			})
			var out bytes.Buffer
			got, err := inVertex(c.drop, func() Outcome { return run(r, machine("134217728", "150000 100000"), &out) })
			if err != nil {
				t.Fatalf("this test wants root, as the program has in a vertex: %v", err)
			}
			if got != c.want {
				t.Errorf("outcome %d, want %d\n%s", got, c.want, &out)
			}
		})
	}
}

// inVertex calls f on a thread with a network of its own, in which ports are as protected as
// the kernel begins with, and on demand without the capability.
func inVertex(drop bool, f func() Outcome) (Outcome, error) {
	type result struct {
		o   Outcome
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := enter(drop); err != nil {
			done <- result{err: err}
			return
		}
		done <- result{o: f()}
	}()
	r := <-done
	return r.o, r.err
}

func enter(drop bool) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network: %w", err)
	}
	if !drop {
		return nil
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("reading the capabilities: %w", err)
	}
	sets[0].Permitted &^= 1 << capNetBindService
	sets[0].Effective &^= 1 << capNetBindService
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("dropping a capability: %w", err)
	}
	return nil
}
