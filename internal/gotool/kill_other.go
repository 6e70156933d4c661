//go:build !unix

package gotool

import "os/exec"

// killTree leaves exec.CommandContext's way, which ends the go command alone:
// there are no process groups here.
func killTree(*exec.Cmd) {}
