package testenv

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
)

// SharedCredentials open the shared bed's private registry.
var SharedCredentials = Credentials{User: "bed", Password: "correct horse"}

var shared struct {
	sync.Mutex
	wrapped bool
	bed     *Bed
	err     error
}

// Runner runs a package's tests and ends the bed that they shared.
type Runner struct{ tests interface{ Run() int } }

// WithBed wraps a *testing.M, so that Shared works in the package:
//
//	func TestMain(m *testing.M) { os.Exit(testenv.WithBed(m).Run()) }
//
// The result also fits testscript.Main.
func WithBed(tests interface{ Run() int }) *Runner {
	shared.wrapped = true
	return &Runner{tests}
}

// Run runs the tests. An interrupt ends the bed too.
func (r *Runner) Run() int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		closeShared()
		os.Exit(130)
	}()
	code := r.tests.Run()
	if !closeShared() && code == 0 {
		return 1
	}
	return code
}

func closeShared() bool {
	shared.Lock()
	defer shared.Unlock()
	if shared.bed == nil {
		return true
	}
	err := shared.bed.Close()
	shared.bed = nil
	if err != nil {
		fmt.Fprintln(os.Stderr, "closing the test bed:", err)
	}
	return err == nil
}

// Shared is the package's bed, started by the first test that asks. Its daemon's
// log is printed if the test fails.
func Shared(t testing.TB) *Bed {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.wrapped {
		t.Fatal("testenv.Shared: TestMain has to use testenv.WithBed")
	}
	if shared.bed == nil && shared.err == nil {
		// The bed outlives this test, so its start is not the test's to cancel.
		shared.bed, shared.err = Start(context.WithoutCancel(t.Context()), Options{PrivateRegistry: &SharedCredentials})
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	logOnFailure(t, shared.bed.Daemon)
	return shared.bed
}

// FreshDaemon is a daemon with an empty root, for this test alone.
func (b *Bed) FreshDaemon(t testing.TB) *Daemon {
	t.Helper()
	d, err := b.NewDaemon(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	logOnFailure(t, d)
	return d
}

func logOnFailure(t testing.TB, d *Daemon) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(d.logTail())
		}
	})
}
