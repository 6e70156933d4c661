//go:build unix

package rehearse

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// headSize is what the kernel itself reads of a file before it decides what that is
// (BINPRM_BUF_SIZE), in bytes.
const headSize = 256

// foreign reports whether a program that the kernel does not take is one of another machine:
// its own file, or the interpreter that its first line names. Anything else, such as a script
// that names none, is a program on no machine.
func foreign(cmd *exec.Cmd) bool {
	own, err := readHead("/proc/self/exe")
	if err != nil {
		return false
	}
	file := cmd.Path
	if !filepath.IsAbs(file) {
		file = filepath.Join("/", cmd.Dir, file) // it is looked for from there
	}
	head, err := readHead(file)
	if interpreter, ok := interpreterOf(head); ok {
		head, err = readHead(interpreter)
	}
	return err == nil && elfMachine(head) != "" && elfMachine(head) != elfMachine(own)
}

// readHead is the beginning of a file, which may be shorter.
func readHead(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, headSize))
}

// interpreterOf is the interpreter of a script.
func interpreterOf(head []byte) (string, bool) {
	line, ok := bytes.CutPrefix(head, []byte("#!"))
	line, _, _ = bytes.Cut(line, []byte("\n"))
	words := strings.Fields(string(line))
	if !ok || len(words) == 0 {
		return "", false
	}
	return words[0], true
}

// elfMachine is word size, byte order and machine of an ELF header, as they stand there;
// empty for anything else. Package debug/elf would read the tables too, and refuse for them.
func elfMachine(head []byte) string {
	const class, order, machine, end = 4, 5, 18, 20
	if len(head) < end || !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	return string(head[class:order+1]) + string(head[machine:end])
}
