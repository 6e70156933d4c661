// Package vcs says where a working tree stands in its history, with the answers
// that docker buildx gives for the same tree (vcs:revision and vcs:source), so that
// both engines label an image alike.
//
// It asks the git command, and knows nothing of specs, plans or images. A tree that
// is not git's, or a machine without git, is no error: nothing is known then.
package vcs

import (
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
	if g.line("rev-parse", "--is-inside-work-tree") != "true" {
		return State{}
	}
	s := State{Revision: g.line("rev-parse", "--verify", "--quiet", "HEAD"), URL: g.remote()}
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

// remote is the URL of the branch's remote, else of origin, else of upstream.
func (g git) remote() string {
	names := []string{"origin", "upstream"}
	if ref := g.line("symbolic-ref", "-q", "HEAD"); ref != "" {
		if name := g.line("for-each-ref", "--format=%(upstream:remotename)", ref); name != "" {
			names = append([]string{name}, names...)
		}
	}
	for _, name := range names {
		if u := g.line("remote", "get-url", name); u != "" {
			return u
		}
	}
	return ""
}
