// Package vcs says where a working tree stands in its history, with the answers
// that docker buildx gives for the same tree (vcs:revision and vcs:source), so that
// both engines label an image alike.
//
// It asks the git command, and knows nothing of specs, plans or images. A tree that
// is not git's, or a machine without git, is no error: nothing is known then.
package vcs

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// State is what is known of a working tree; empty fields are unknown.
type State struct {
	// Revision is HEAD's commit, with "-dirty" appended where the environment
	// variable BUILDX_GIT_CHECK_DIRTY asks for that and the tree has changes.
	Revision string
	// URL is the remote's as git has it, which may hold credentials.
	URL string
}

// Read asks git about the working tree around dir. BUILDX_GIT_INFO=false, as with
// buildx, keeps it from asking.
func Read(ctx context.Context, dir string) State {
	if info, err := strconv.ParseBool(os.Getenv("BUILDX_GIT_INFO")); err == nil && !info {
		return State{}
	}
	g := git{ctx, dir}
	remote := make(chan string, 1)
	go func() { remote <- g.remote() }() // each question is a process
	out, err := g.run("rev-parse", "--is-inside-work-tree", "HEAD")
	s := State{URL: <-remote}
	inside, rest, _ := strings.Cut(out, "\n")
	if inside != "true" {
		return State{}
	}
	if err == nil { // there is a commit
		s.Revision = strings.TrimSpace(rest)
	}
	if check, _ := strconv.ParseBool(os.Getenv("BUILDX_GIT_CHECK_DIRTY")); check && s.Revision != "" && g.dirty() {
		s.Revision += "-dirty"
	}
	return s
}

type git struct {
	ctx context.Context
	dir string
}

func (g git) run(args ...string) (string, error) {
	cmd := exec.CommandContext(g.ctx, "git", append([]string{"-C", g.dir, "-c", "log.showSignature=false"}, args...)...)
	out, err := cmd.Output()
	return string(out), err
}

// line is the first line of git's answer, empty if it has none.
func (g git) line(args ...string) string {
	out, err := g.run(args...)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(out, "\n")
	return first
}

// dirty is buildx's own question: ignored files count too.
func (g git) dirty() bool {
	out, err := g.run("status", "--porcelain", "--ignored")
	return err != nil || strings.TrimSpace(out) != ""
}

// remote is the URL of the branch's remote, else of origin, else of upstream. All of them
// are asked for at once: `git remote get-url`, which buildx calls, gives the URL to fetch
// from too.
func (g git) remote() string {
	out, err := g.run("remote", "-v")
	if err != nil || out == "" {
		return ""
	}
	urls := map[string]string{}
	for line := range strings.Lines(out) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if u, _, ok := strings.Cut(rest, " (fetch)"); ok && urls[name] == "" {
			urls[name] = u
		}
	}
	return cmp.Or(urls[g.upstream()], urls["origin"], urls["upstream"])
}

// upstream is the remote of the branch, empty without one.
func (g git) upstream() string {
	ref := g.line("symbolic-ref", "-q", "HEAD")
	if ref == "" {
		return ""
	}
	return g.line("for-each-ref", "--format=%(upstream:remotename)", ref)
}
