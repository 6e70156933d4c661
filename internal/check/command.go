package check

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Refused is the exit code of a check that found something. No compiler ends with it, so
// that a build knows whose it is.
const Refused = 81

// Command is the program inside a vertex: "check ROOT REQUEST [REPORT]", where REQUEST is a
// Request as JSON. It prints the report and returns its exit code. With a REPORT file it
// writes the report there as JSON too, and succeeds whatever is in it: for a build that
// wants to know more of a check that has failed.
func Command(args []string, out io.Writer) int {
	report, err := run(args)
	if err != nil {
		fmt.Fprintln(out, "check:", err)
		return 2
	}
	if err := report.Write(out); err != nil {
		return 2
	}
	switch {
	case len(args) == 3:
		if err := save(args[2], report); err != nil {
			fmt.Fprintln(out, "check:", err)
			return 2
		}
	case len(report.Failed()) > 0:
		return Refused
	}
	return 0
}

func run(args []string) (Report, error) {
	if len(args) != 2 && len(args) != 3 {
		return nil, fmt.Errorf("wants ROOT REQUEST [REPORT]: only a build runs this, inside its own vertex")
	}
	var r Request
	if err := json.Unmarshal([]byte(args[1]), &r); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	// Not a directory tree of package os: a link of the image must lead nowhere else.
	root, err := os.OpenRoot(args[0])
	if err != nil {
		return nil, fmt.Errorf("opening the root file system: %w", err)
	}
	defer root.Close()
	return Root(tree{root}, r), nil
}

func save(file string, r Report) error {
	data, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
