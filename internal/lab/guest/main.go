//go:build linux

// Command guest is the lab's init: process 1 of a virtual machine that holds nothing else.
// It mounts cgroup v2, runs each trial in a container of its own, writes one line of JSON
// per result to the second serial port, and turns the machine off. It must not know what
// a trial is meant to show.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// The main thread is kept: a container's cgroup namespace is of the thread that asked for
// it, and /proc/self is the main thread's.
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) == 3 && os.Args[1] == stageArg {
		// Only returns if the program could not be started.
		fmt.Fprintln(os.Stderr, stageFailed, stage(os.Args[2]))
		os.Exit(stageExit)
	}
	if err := boot(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
	}
	syscall.Sync()
	if err := syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Fprintln(os.Stderr, "lab: turning the machine off:", err)
	}
}

func boot() error {
	if err := mountAll(system); err != nil {
		return err
	}
	controllers, err := enableControllers()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(trial.TrialsFile)
	if err != nil {
		return err
	}
	var trials []trial.Trial
	if err := json.Unmarshal(data, &trials); err != nil {
		return fmt.Errorf("reading the trials: %w", err)
	}
	tty, err := os.OpenFile(trial.ResultsTTY, os.O_WRONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	report := reporter(tty)
	runAll(trials, report)
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return err
	}
	report(trial.Result{Kernel: text(name.Release[:]), Controllers: controllers})
	return tty.Close()
}

// reporter writes results, one line each, from any goroutine.
func reporter(tty *os.File) func(trial.Result) {
	var one sync.Mutex
	return func(r trial.Result) {
		one.Lock()
		defer one.Unlock()
		if err := json.NewEncoder(tty).Encode(r); err != nil {
			fmt.Fprintln(os.Stderr, "lab: writing a result:", err)
		}
	}
}

// runAll runs the trials in order; those that may run beside others start first.
func runAll(trials []trial.Trial, report func(trial.Result)) {
	var beside sync.WaitGroup
	for _, t := range trials {
		if t.Beside {
			beside.Go(func() { report(run(t)) })
		}
	}
	for _, t := range trials {
		if !t.Beside {
			report(run(t))
		}
	}
	beside.Wait()
}

func text(chars []int8) string {
	var out []byte
	for _, c := range chars {
		if c == 0 {
			break
		}
		out = append(out, byte(c))
	}
	return string(out)
}
