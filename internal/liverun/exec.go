package liverun

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// ExecError is that a container could be made, and the image's program not be executed in it:
// it is not there, no program, or not for its user. That says something of the image, and
// nothing of this host.
type ExecError struct {
	// Runtime is the runtime's name, Said what it complained of.
	Runtime, Said string
}

// Error names the runtime and its complaint.
func (e *ExecError) Error() string {
	return fmt.Sprintf("%s could not execute the image's program: %s", e.Runtime, e.Said)
}

// notExecuted is what runtimes say then. runc looks for the program as os/exec does
// (`exec: "/svc": stat /svc: …`), and then executes it (`exec /svc: …`); crun has its own words.
var notExecuted = regexp.MustCompile("unable to start container process: (error during container init: )?exec(: \"| /)" +
	"|^exec /.*: (no such file or directory|permission denied|exec format error|not a directory|is a directory|too many levels of symbolic links)$" +
	"|^(crun: )?(executable file `.*` not found|open executable: |exec container process )")

// execError reads a complaint of a runtime; nil if it is of something else.
func execError(runtime, said string) error {
	if _, quoted, ok := strings.Cut(said, ` msg="`); ok { // the form of runc's log
		if text, err := strconv.Unquote(`"` + quoted); err == nil {
			said = text
		}
	}
	if !notExecuted.MatchString(said) || strings.Contains(said, "\n") {
		return nil
	}
	return &ExecError{Runtime: runtime, Said: said}
}

// executable makes sure that programs below a directory can be executed at all: temporary
// directories are mounted noexec on some hosts, which would look like a fault of the image.
// runc leaves that so unless it mounts the root anew, to make it read-only; crun always does.
func executable(dir string) error {
	probe := filepath.Join(dir, "probe")
	if err := os.WriteFile(probe, nil, 0o700); err != nil {
		return err
	}
	if _, err := exec.LookPath(probe); err != nil {
		return fmt.Errorf("nothing can be executed in %s (mounted noexec?), set TMPDIR to another directory: %w", filepath.Dir(dir), err)
	}
	return nil
}
