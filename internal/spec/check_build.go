package spec

import (
	"regexp"
	"slices"
	"strings"
)

var (
	goVersion  = regexp.MustCompile(`^1\.(0|[1-9][0-9]*)((\.|rc|beta)(0|[1-9][0-9]*))?$`)
	buildTag   = regexp.MustCompile(`^[\pL\pN_.]+$`)
	stampName  = regexp.MustCompile(`^[^\s"'=@]*[^\s"'=.@]\.[\pL_][\pL\pN_]*$`)
	binaryFile = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$`)
	secretID   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	noSpaces   = regexp.MustCompile(`^[^\s,]+$`)
	imageRef   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/@\[\]+-]*$`)
)

// rootDirectories are names at / that belong to the system: a binary stands there too.
var rootDirectories = strings.Fields("bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys tmp usr var")

// ReservedName reports whether a binary of this name would stand in the place of a
// directory of the system.
func ReservedName(name string) bool { return slices.Contains(rootDirectories, name) }

func (c *checker) build(s Service) {
	b := s.Build
	c.mains(s)
	if b.Go != "" && c.match("build.go", strings.TrimPrefix(b.Go, "go"), goVersion, `a Go version such as "1.26" or "1.26.8"`) && strings.HasPrefix(b.Go, "go") {
		c.bad("build.go", b.Go[2:], "the Go version stands without the word go")
	}
	if b.Image != "" {
		c.match("build.image", b.Image, imageRef, "an image reference")
	}
	c.argNames(b.Args)
	c.tags("build.tags", b.Tags)
	c.ldflags("build.ldflags", b.Ldflags)
	for key, name := range map[string]string{"version": b.Stamp.Version, "revision": b.Stamp.Revision, "time": b.Stamp.Time} {
		if name != "" {
			c.match("build.stamp."+key, name, stampName, "a variable as importpath.name, such as main.version")
		}
	}
	c.buildEnv(b)
	c.levels(b.Levels)
	c.private(b.Private)
}

// mains checks the main packages and the names of the binaries.
func (c *checker) mains(s Service) {
	b := s.Build
	if b.Main != "" {
		c.mainDir("build.main", b.Main)
		if len(b.Binaries) > 0 {
			c.fail("build.main", "exclusive", "", "build.main and build.binaries exclude each other: list every main package in build.binaries")
		}
	}
	names := map[string]string{}
	for i, binary := range b.Binaries {
		at := indexPath("build.binaries", i)
		c.mainDir(at+".main", binary.Main)
		if binary.Name != "" {
			c.binaryName(at+".name", binary.Name, true)
			c.once(names, at+".name", binary.Name)
		}
		c.tags(at+".tags", binary.Tags)
		c.ldflags(at+".ldflags", binary.Ldflags)
	}
}

func (c *checker) mainDir(at, dir string) {
	if strings.Contains(dir, "...") {
		c.bad(at, "", "%s is a pattern of packages: name the directory of one main package", quote(dir))
		return
	}
	c.contextPath(at, dir)
}

// binaryName checks a name that is written; those that follow from a main package
// or a module path are the planner's to judge.
func (c *checker) binaryName(at, name string, isFile bool) {
	switch {
	case !binaryFile.MatchString(name):
		c.bad(at, "", "%s is not a plain file name: letters, digits, _, ., + and -", quote(name))
	case isFile && ReservedName(name):
		c.fail(at, "reserved-name", "", "the binary would stand at /%s, a directory of the system: choose another name", name)
	}
}

func (c *checker) tags(at string, tags []string) {
	for i, tag := range tags {
		at := indexPath(at, i)
		if strings.ContainsAny(tag, ", ") && !c.waits(tag) {
			c.bad(at, "", "%s holds several build tags: write each as its own element", quote(tag))
			continue
		}
		c.match(at, tag, buildTag, "a build tag: letters, digits, _ and .")
	}
}

func (c *checker) private(p Private) {
	for i, pattern := range p.Patterns {
		c.match(indexPath("build.private.patterns", i), pattern, noSpaces, "a module path pattern, one for each element")
	}
	if p.Netrc != "" {
		c.match("build.private.netrc", p.Netrc, secretID, "the id of a build secret (not a file)")
	}
	if p.CA != "" {
		c.match("build.private.ca", p.CA, secretID, "the id of a build secret (not a file)")
	}
}
