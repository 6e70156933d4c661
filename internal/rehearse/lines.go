package rehearse

import (
	"bytes"
	"io"
	"strings"
)

// What the Go runtime and the start-up hook print when they are asked to.
const (
	schedPrefix = "SCHED "
	procsKey    = "gomaxprocs="
	hookPrefix  = "plimsoll.memlimit/"
)

// maxLine bounds what is kept of an unfinished line, in bytes.
const maxLine = 64 << 10

// lines passes on what a service prints, but for the lines that were asked of its runtime,
// of which it keeps what they say. It is written to by one goroutine, and read when that is over.
type lines struct {
	out   io.Writer
	rest  []byte
	procs string // GOMAXPROCS, as it was last
	hook  string // what the start-up hook says
}

// Write takes whole lines out of what it is given.
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 && len(l.rest) <= maxLine {
			return len(p), nil
		}
		if i < 0 {
			i = len(l.rest) - 1
		}
		if err := l.line(l.rest[:i+1]); err != nil {
			return 0, err
		}
		l.rest = l.rest[i+1:]
	}
}

// end passes on what stands after the last line.
func (l *lines) end() {
	if len(l.rest) > 0 {
		_ = l.line(append(l.rest, '\n'))
		l.rest = nil
	}
}

func (l *lines) line(line []byte) error {
	text := strings.TrimSpace(string(line))
	if rest, ok := strings.CutPrefix(text, schedPrefix); ok && strings.Contains(rest, procsKey) {
		_, after, _ := strings.Cut(rest, procsKey)
		l.procs, _, _ = strings.Cut(after, " ")
		return nil
	}
	if rest, ok := strings.CutPrefix(text, hookPrefix); ok {
		_, l.hook, _ = strings.Cut(rest, "; ") // its parameters end so
		return nil
	}
	_, err := l.out.Write(line)
	return err
}
