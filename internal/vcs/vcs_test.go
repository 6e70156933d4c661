package vcs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

func repo(t *testing.T) (dir string, git func(args ...string)) {
	t.Helper()
	dir = t.TempDir()
	git = func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	return dir, git
}

func TestRead(t *testing.T) {
	t.Setenv("BUILDX_GIT_INFO", "")
	dir, git := repo(t)
	if got := Read(t.Context(), dir); got != (State{}) {
		t.Errorf("a repository without a commit: %+v", got)
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "-q", "-m", "one")
	git("remote", "add", "origin", "https://user:secret@git.example.com/x.git")
	clean := Read(t.Context(), dir)
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(clean.Revision) || clean.URL != "https://user:secret@git.example.com/x.git" {
		t.Errorf("got %+v", clean)
	}
	if err := os.WriteFile(file, []byte("2"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Read(t.Context(), dir); got != clean {
		t.Errorf("dirtiness counts unasked: %+v", got)
	}
	t.Setenv("BUILDX_GIT_CHECK_DIRTY", "true")
	if got := Read(t.Context(), dir); got.Revision != clean.Revision+"-dirty" {
		t.Errorf("a changed tree: %+v", got)
	}
	t.Setenv("BUILDX_GIT_INFO", "false")
	if got := Read(t.Context(), dir); got != (State{}) {
		t.Errorf("asked not to: %+v", got)
	}
}

// The URL is that of the branch's remote where it has one; a partial clone is said behind it.
func TestReadRemote(t *testing.T) {
	t.Setenv("BUILDX_GIT_INFO", "")
	dir, git := repo(t)
	git("remote", "add", "upstream", "https://git.example.com/up.git")
	if got := Read(t.Context(), dir); got != (State{URL: "https://git.example.com/up.git"}) {
		t.Errorf("no commit, no origin: %+v", got)
	}
	git("remote", "add", "origin", "short:x.git")
	git("config", "url.https://git.example.com/.insteadOf", "short:")
	git("config", "remote.origin.promisor", "true")
	git("config", "remote.origin.partialclonefilter", "blob:none")
	git("remote", "set-url", "--add", "--push", "origin", "https://git.example.com/pushed.git")
	if got := Read(t.Context(), dir).URL; got != "https://git.example.com/x.git" {
		t.Errorf("origin: %q", got)
	}
	git("remote", "add", "mine", "https://git.example.com/mine.git")
	git("commit", "-q", "--allow-empty", "-m", "one")
	git("branch", "-M", "work")
	git("config", "branch.work.remote", "mine")
	git("config", "branch.work.merge", "refs/heads/work")
	if got := Read(t.Context(), dir).URL; got != "https://git.example.com/mine.git" {
		t.Errorf("the branch's own: %q", got)
	}
	git("checkout", "-q", "--detach")
	if got := Read(t.Context(), dir).URL; got != "https://git.example.com/x.git" {
		t.Errorf("no branch: %q", got)
	}
	if got := Read(t.Context(), filepath.Join(dir, ".git")); got != (State{}) {
		t.Errorf("in the repository itself: %+v", got)
	}
}

func TestReadOutsideGit(t *testing.T) {
	if got := Read(t.Context(), t.TempDir()); got != (State{}) {
		t.Errorf("got %+v", got)
	}
}
