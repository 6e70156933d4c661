package spec

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// signalNames are Linux' signals, as in signal(7).
var signalNames = strings.Fields(`SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO
	SIGIOT SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP
	SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ SIGRTMIN SIGRTMAX`)

var realTime = regexp.MustCompile(`^SIGRT(MIN\+([1-9]|1[0-5])|MAX-([1-9]|1[0-4]))$`)

func (c *checker) stopSignal(signal string) {
	if signal == "" || slices.Contains(signalNames, signal) || realTime.MatchString(signal) {
		return
	}
	if n, err := strconv.Atoi(signal); err == nil && n >= 1 && n <= 64 && strconv.Itoa(n) == signal {
		return
	}
	suggestion := nearest(signal, signalNames)
	if full := "SIG" + strings.ToUpper(signal); slices.Contains(signalNames, full) {
		suggestion = full
	}
	c.bad("image.stopSignal", suggestion, "%s is neither a signal such as SIGTERM nor a number from 1 to 64", quote(signal))
}
