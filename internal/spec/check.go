package spec

import (
	"regexp"
	"strings"
)

// checker validates the content of a service, table by table. It runs twice: on
// the document as written, where values that hold ${ wait, and with the build
// arguments filled in.
type checker struct {
	*problems
	// at is the position of a key path.
	at func(path string) Position
	// keyAt is the position of the key itself.
	keyAt func(path string) Position
	// has reports whether the document holds the key path.
	has func(path string) bool
	// known are the paths whose value is already known to be bad.
	known pathSet
	// expanded is set when no value waits for build arguments any more.
	expanded bool
}

func (c *checker) fail(path, rule, suggestion, format string, args ...any) {
	if !c.broken(path) {
		c.add(c.at(path), path, rule, suggestion, format, args...)
	}
}

func (c *checker) broken(path string) bool { return c.known.covers(path) }

// failKey is fail for a key that is not taken, whatever its value.
func (c *checker) failKey(path, rule, suggestion, format string, args ...any) {
	if !c.broken(path) {
		c.add(c.keyAt(path), path, rule, suggestion, format, args...)
	}
}

// bad is fail for a value that its key does not take.
func (c *checker) bad(path, suggestion, format string, args ...any) {
	c.fail(path, "invalid-value", suggestion, format, args...)
}

// waits reports whether a value cannot be judged before it is expanded.
func (c *checker) waits(text string) bool { return !c.expanded && strings.Contains(text, "${") }

func (c *checker) service(s Service) {
	if s.APIVersion != APIVersion {
		c.fail("apiVersion", "api-version", APIVersion, "the apiVersion %s is unknown to this release, which reads %s", quote(s.APIVersion), APIVersion)
	}
	if s.Name != "" {
		c.binaryName("name", s.Name, len(s.Build.Binaries) == 0)
	}
	c.build(s)
	c.image(s)
	c.runtime(s.Runtime)
}

// match refuses a value that does not match the pattern; want says what it takes.
func (c *checker) match(path, text string, pattern *regexp.Regexp, want string) bool {
	if c.waits(text) || pattern.MatchString(text) {
		return true
	}
	c.bad(path, "", "%s is not %s", quote(text), want)
	return false
}

// oneOf refuses a value that is not in the list. An absent value passes.
func (c *checker) oneOf(path, text string, words ...string) {
	for _, w := range words {
		if text == w || text == "" {
			return
		}
	}
	c.bad(path, nearest(text, words), "%s is not one of %s", quote(text), strings.Join(words, ", "))
}

// once refuses a value that was seen before, in whatever form it was written.
func (c *checker) once(seen map[string]string, path, canonical string) {
	if first, ok := seen[canonical]; ok {
		c.fail(path, "duplicate-value", "", "%s stands here again; first at %s", quote(canonical), first)
		return
	}
	seen[canonical] = path
}
