package spec

import (
	"path"
	"strings"
)

// contextPath refuses what is not a clean path inside the build context.
func (c *checker) contextPath(at, p string) {
	if c.waits(p) || p == "" {
		return
	}
	clean := path.Clean(p)
	switch {
	case strings.ContainsAny(p, "\n\r\t"):
		c.bad(at, "", "%s holds a line break or a tab", quote(p))
	case strings.Contains(p, `\`):
		c.bad(at, strings.ReplaceAll(p, `\`, "/"), "%s holds a backslash: paths are slash-separated", quote(p))
	case path.IsAbs(p):
		c.bad(at, "."+clean, "%s is absolute: paths are relative to the root of the build context", quote(p))
	case clean == ".." || strings.HasPrefix(clean, "../"):
		c.fail(at, "outside-context", "", "%s is outside the build context: paths are relative to the context's root, not to this file; build with a larger context", quote(p))
	case strings.TrimPrefix(p, "./") != clean:
		suggestion := clean
		if strings.HasPrefix(p, "./") && clean != "." {
			suggestion = "./" + clean
		}
		c.bad(at, suggestion, "%s is not a clean path", quote(p))
	}
}

// imagePath refuses what is not a clean absolute path.
func (c *checker) imagePath(at, p string) bool {
	switch {
	case c.waits(p):
		return false
	case strings.ContainsAny(p, "\n\r\t"):
		c.bad(at, "", "%s holds a line break or a tab", quote(p))
	case !path.IsAbs(p):
		c.bad(at, path.Join("/", p), "%s is not absolute", quote(p))
	case path.Clean(p) != p:
		c.bad(at, path.Clean(p), "%s is not a clean path", quote(p))
	default:
		return true
	}
	return false
}

// kernelMounts are directories that the container runtime mounts over.
// /sys/fs/cgroup is under /sys.
var kernelMounts = []string{"/proc", "/sys", "/dev"}

// rootPath refuses an image path on or under a kernel mount, where files would be
// hidden, or would hide the limits from the service.
func (c *checker) rootPath(at, p string) bool {
	if !c.imagePath(at, p) {
		return false
	}
	for _, mount := range kernelMounts {
		if p == mount || strings.HasPrefix(p, mount+"/") {
			c.fail(at, "covers-mount", "", "%s is on %s, which the container runtime mounts: the Go runtime reads its limits there", quote(p), mount)
			return false
		}
	}
	return true
}

func (c *checker) volumes(volumes []string) {
	seen := map[string]string{}
	for i, v := range volumes {
		at := indexPath("image.volumes", i)
		if v == "/" {
			c.fail(at, "covers-mount", "", "a volume cannot be the root: it would cover the whole image")
		} else if c.rootPath(at, v) {
			c.once(seen, at, v)
		}
	}
}

func (c *checker) files(files []File) {
	seen := map[string]string{}
	for i, f := range files {
		at := indexPath("image.files", i)
		c.contextPath(at+".from", f.From)
		to := strings.TrimSuffix(f.To, "/") // "/etc/" is into that directory, as with COPY
		if f.To == "/" {
			c.bad(at+".to", "", "files cannot replace the root: name a directory below it")
		} else if f.To != "" && c.rootPath(at+".to", to) {
			c.once(seen, at+".to", f.To)
		}
		if f.Mode != "" {
			c.mode(at+".mode", f.Mode)
		}
	}
}

func (c *checker) mode(at, mode string) {
	switch {
	case octalMode.MatchString(mode):
	case special.MatchString(mode):
		c.bad(at, "0"+mode[len(mode)-3:], "%s has setuid, setgid or the sticky bit: a service image has no use for them", quote(mode))
	case octalMode.MatchString(strings.TrimPrefix(mode, "0o")):
		c.bad(at, "0"+strings.TrimPrefix(mode, "0o"), "%s is octal without the o here", quote(mode))
	default:
		c.bad(at, "", "%s is not an octal mode such as 0644", quote(mode))
	}
}
