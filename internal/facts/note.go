package facts

import "strings"

// Note is a problem or a warning at a key of the spec.
type Note struct {
	// Path is the key path that it is about, such as "runtime.memory.max".
	Path string
	// Rule is its stable name, such as "floating-base".
	Rule string
	// Message says what is the matter and what to do, in lower case.
	Message string
}

// Error is what is wrong with a spec in the light of the facts: all of it.
type Error []Note

// Error is one line for each problem.
func (e Error) Error() string {
	lines := make([]string, len(e))
	for i, n := range e {
		lines[i] = n.Message
		if n.Path != "" {
			lines[i] = n.Path + ": " + n.Message
		}
	}
	return strings.Join(lines, "\n")
}
