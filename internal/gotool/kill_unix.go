//go:build unix

package gotool

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// killTree makes a cancel reach the compilers and linkers that the go command
// runs: they would go on for minutes, and write, after it is gone.
func killTree(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
