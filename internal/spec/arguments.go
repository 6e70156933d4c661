package spec

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	argName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	reference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)
)

// sourceArgs are the build arguments about the source. They need no declaration
// and are usable as ${NAME} if given.
var sourceArgs = []string{"VERSION", "REVISION", "SOURCE_DATE_EPOCH"}

// ambientArgs are the build arguments that say how to fetch, in either case, and how strict
// to be. They need no declaration and are usable nowhere: what they hold must not reach the image.
var ambientArgs = []string{"PLIMSOLL_STRICT", "GOPROXY", "GOPRIVATE", "GONOSUMDB", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY", "ALL_PROXY"}

// platformArgs are a Dockerfile's arguments that differ by platform.
var platformArgs = []string{"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"}

// whereArgs names the fields that take ${NAME}.
const whereArgs = "build.tags, build.ldflags and build.env, and base, user, entrypoint, args, env, workdir, labels, annotations and files of image"

// Strict reports whether the build arguments demand that nothing is left out. What is not
// plainly a no is a yes.
func Strict(args map[string]string) bool {
	text := args["PLIMSOLL_STRICT"]
	on, err := strconv.ParseBool(text)
	return text != "" && (on || err != nil)
}

func isAmbient(name string) bool {
	return slices.Contains(ambientArgs, strings.ToUpper(name)) || strings.HasPrefix(name, "BUILDKIT_")
}

// expand replaces each ${NAME} of text by what value gives, and $${ by ${.
func expand(text string, value func(name string) (string, error)) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(literal + "${")
			text = rest
			continue
		}
		b.WriteString(before)
		match := reference.FindStringSubmatch("${" + rest)
		if match == nil {
			return "", &argError{"bad-reference", "", "${ opens a build argument as ${NAME}; write $${ for the two characters"}
		}
		v, err := value(match[1])
		if err != nil {
			return "", err
		}
		b.WriteString(v)
		text = rest[len(match[0])-len("${"):]
	}
}

// argError is a reference that cannot be filled in.
type argError struct{ rule, suggestion, message string }

func (e *argError) Error() string { return e.message }

// undefined says why a name that is not declared cannot be used.
func undefined(name string, declared map[string]string) error {
	switch {
	case slices.Contains(platformArgs, name):
		return &argError{"platform-arg", "", fmt.Sprintf("${%s} is not supported: labels and files are the same for all platforms", name)}
	case isAmbient(name):
		return &argError{"undefined-arg", "", fmt.Sprintf("${%s} is for fetching alone: its value must not reach the image", name)}
	case slices.Contains(sourceArgs, name):
		return &argError{"undefined-arg", "", fmt.Sprintf("${%s} is not given: pass --build-arg %s=…, or declare a default in build.args", name, name)}
	}
	candidates := append(sortedKeys(declared), sourceArgs...)
	return &argError{"undefined-arg", nearest(name, candidates), fmt.Sprintf("${%s} is not declared in build.args", name)}
}

// references refuses ${ where it does not work, and names that nothing defines.
// Whether VERSION and its like are given is known only later.
func (c *checker) references(s Service) {
	check := func(path, text string, f field) string {
		if !strings.Contains(text, "${") {
			return text
		}
		if !f.expand {
			c.fail(path, "no-build-args", "", "${ does not work here: build arguments work in %s", whereArgs)
			c.known[path] = true
			return text
		}
		_, err := expand(text, func(name string) (string, error) {
			if _, ok := s.Build.Args[name]; ok || slices.Contains(sourceArgs, name) {
				return "", nil
			}
			return "", undefined(name, s.Build.Args)
		})
		c.badReference(path, err)
		return text
	}
	rewrite(reflect.ValueOf(s), "", field{}, check)
}

func (c *checker) badReference(path string, err error) {
	if e, ok := errors.AsType[*argError](err); ok {
		c.fail(path, e.rule, e.suggestion, "%s", e.message)
	}
}

func (c *checker) argNames(args map[string]string) {
	for _, name := range sortedKeys(args) {
		at := joinKey("build.args", name)
		switch {
		case !argName.MatchString(name):
			c.failKey(at, "invalid-key", "", "%s is not a name of a build argument", quote(name))
		case slices.Contains(platformArgs, name) || isAmbient(name):
			c.failKey(at, "reserved-arg", "", "%s cannot be declared: the builder gives it, and its value must not reach the image", name)
		}
	}
}
