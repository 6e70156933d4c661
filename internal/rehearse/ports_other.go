//go:build unix && !linux

package rehearse

import "syscall"

// bindAnyPort does nothing: no vertex runs elsewhere than on Linux.
func bindAnyPort(*syscall.SysProcAttr) bool { return false }
