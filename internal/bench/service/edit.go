package service

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Edit is a change of the tree between two builds.
type Edit string

// The edits, from none to the one that changes the most.
const (
	Nothing Edit = "nothing changed"
	Commit  Edit = "only the commit changed"
	InMain  Edit = "one line in main"
	InLeaf  Edit = "one line in a leaf"
	Bump    Edit = "a dependency bumped"
)

// leaf is the package that InLeaf changes: most others import it, over some steps.
const leaf = "internal/kit/kit00/edit.go"

// Apply makes the edit; n tells one from the next, so that no two trees are equal. Bump
// can be made once, and no other edit undoes it.
func Apply(ctx context.Context, dir string, e Edit, n int, env []string) error {
	switch e {
	case Nothing:
		return nil
	case Commit:
		return run(ctx, dir, env, "git", "commit", "-q", "--allow-empty", "-m", fmt.Sprintf("commit %d", n))
	case InMain:
		return WriteFile(dir, Main+"/edit.go", editText("main", n))
	case InLeaf:
		return WriteFile(dir, leaf, editText("kit00", n))
	case Bump:
		return run(ctx, dir, env, "go", "get", bumped.Path+"@"+bumped.to)
	}
	return fmt.Errorf("unknown edit %q", e)
}

// Reset takes every edit but commits back.
func Reset(ctx context.Context, dir string) error {
	return run(ctx, dir, nil, "git", "checkout", "-q", "--", ".")
}

// Revision is the commit of the tree.
func Revision(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, ".git", "refs", "heads", "main"))
	if err != nil {
		return "", fmt.Errorf("reading the service's commit: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// editText is a file whose number reaches the binary.
func editText(pkg string, n int) string {
	return fmt.Sprintf("package %s\n\nimport \"os\"\n\nvar edit = %d\n\nfunc init() {\n\tif len(os.Args) == -edit-1 {\n\t\tpanic(edit)\n\t}\n}\n", pkg, n)
}
