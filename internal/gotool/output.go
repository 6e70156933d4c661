package gotool

import (
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// lockedWriter lets the copiers of stdout and stderr share a buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// position is "file:line" at the start of a message of the go command.
var position = regexp.MustCompile(`(?m)^([ \t]*)([^:\n]+\.(?:go|mod|sum|work|s)):(\d+)`)

// userPaths rewrites file names, which the go command writes relative to its
// working directory or absolute, so that they are relative to the build context:
// that is how the user named them.
func userPaths(output, root, dir string) string {
	output = strings.TrimSpace(output)
	if root == "" {
		return output
	}
	output = position.ReplaceAllStringFunc(output, func(match string) string {
		m := position.FindStringSubmatch(match)
		return m[1] + userPath(m[2], root, dir) + ":" + m[3]
	})
	sep := string(filepath.Separator)
	return strings.ReplaceAll(output, strings.TrimSuffix(root, sep)+sep, "")
}

// userPath is file relative to root, or absolute if it is not below root.
func userPath(file, root, dir string) string {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	rel, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(rel) {
		return file
	}
	return filepath.ToSlash(rel)
}
