package spec

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

var (
	envName    = regexp.MustCompile(`^[-._A-Za-z][-._A-Za-z0-9]*$`)
	userID     = regexp.MustCompile(`^(0|[1-9][0-9]{0,9})(:(0|[1-9][0-9]{0,9}))?$`)
	portNumber = regexp.MustCompile(`^([1-9][0-9]{0,4})(/(tcp|udp|sctp))?$`)
	octalMode  = regexp.MustCompile(`^0?[0-7]{3}$`)
	special    = regexp.MustCompile(`^0?[1-7][0-7]{3}$`)
)

// runtimeEnv are the variables that the runtime section decides.
var runtimeEnv = map[string]string{
	"GOMEMLIMIT": "runtime.memory and runtime.memlimit",
	"GOGC":       "runtime.gogc",
	"GOMAXPROCS": "runtime.gomaxprocs",
	"GODEBUG":    "runtime.godebug",
}

func (c *checker) image(s Service) {
	i := s.Image
	if i.Base != "" && c.match("image.base", i.Base, imageRef, "scratch, static or an image reference") {
		if near := nearest(i.Base, []string{"scratch", "static"}); near != i.Base && near != "" && !strings.ContainsAny(i.Base, "./:@") {
			c.bad("image.base", near, "%s is neither scratch nor static, and as an image reference it needs a tag or digest", quote(i.Base))
		}
	}
	c.user(i.User)
	for n, e := range i.Entrypoint {
		if e == "" {
			c.bad(indexPath("image.entrypoint", n), "", "an element of the entrypoint is empty")
		}
	}
	c.imageEnv(i.Env)
	if i.Workdir != "" {
		c.rootPath("image.workdir", i.Workdir)
	}
	c.volumes(i.Volumes)
	c.ports(i.Ports)
	c.stopSignal(i.StopSignal)
	c.labels("image.labels", i.Labels)
	c.labels("image.annotations", i.Annotations)
	c.files(i.Files)
	c.caRoots(i.CARoots)
}

func (c *checker) user(user string) {
	if user == "" || c.waits(user) {
		return
	}
	if !userID.MatchString(user) {
		suggestion := ""
		if strings.HasPrefix(user, "nonroot") || strings.HasPrefix(user, "nobody") {
			suggestion = "65532:65532"
		}
		c.bad("image.user", suggestion, "%s is not numeric: write UID or UID:GID, as names need an /etc/passwd and Kubernetes cannot check them", quote(user))
		return
	}
	for id := range strings.SplitSeq(user, ":") {
		// Larger ids are negative numbers to some tools, and -1 is "no change" to chown.
		if _, err := strconv.ParseUint(id, 10, 31); err != nil {
			c.bad("image.user", "", "%s is above 2147483647, the largest id that all tools take", id)
		}
	}
}

func (c *checker) imageEnv(env map[string]string) {
	for _, name := range sortedKeys(env) {
		at := joinKey("image.env", name)
		if key, ok := runtimeEnv[name]; ok {
			c.failKey(at, "reserved-env", key, "%s comes from the runtime section: use %s", name, key)
		} else if !envName.MatchString(name) {
			c.failKey(at, "invalid-key", "", "%s is not a name of an environment variable", quote(name))
		}
	}
}

func (c *checker) ports(ports []string) {
	seen := map[string]string{}
	for i, port := range ports {
		at := indexPath("image.ports", i)
		match := portNumber.FindStringSubmatch(port)
		switch {
		case c.waits(port):
		case strings.Contains(port, ":"):
			c.bad(at, port[strings.LastIndex(port, ":")+1:], "%s publishes a port, which is for the one who runs the image: name the container's port", quote(port))
		case strings.Contains(port, "-"):
			c.bad(at, "", "%s is a range: write each port", quote(port))
		case match == nil:
			c.bad(at, strings.ToLower(ifMatches(portNumber, strings.ToLower(port))), `%s is not a port such as "8080", "8080/tcp" or "53/udp"`, quote(port))
		default:
			if n, _ := strconv.Atoi(match[1]); n > 65535 {
				c.bad(at, "", "the port %s is above 65535", match[1])
				continue
			}
			protocol := match[3]
			if protocol == "" {
				protocol = "tcp"
			}
			c.once(seen, at, match[1]+"/"+protocol)
		}
	}
}

// ifMatches is text if the pattern takes it, else "".
func ifMatches(pattern *regexp.Regexp, text string) string {
	if pattern.MatchString(text) {
		return text
	}
	return ""
}

func (c *checker) labels(path string, labels map[string]string) {
	for _, key := range sortedKeys(labels) {
		c.label(joinKey(path, key), key)
	}
}

func (c *checker) label(at, key string) {
	switch {
	case key == "":
		c.failKey(at, "invalid-key", "", "the key is empty")
	case strings.HasPrefix(key, tuning.Prefix):
		c.failKey(at, "reserved-label", "", "the names under %s are Plimsoll's own: it derives them from the build", tuning.Prefix)
	case strings.Contains(key, "${"):
		c.failKey(at, "no-build-args", "", "build arguments work in values, not in the key %s", quote(key))
	case strings.ContainsAny(key, " \t\r\n="):
		c.failKey(at, "invalid-key", "", "the key %s holds a space or an equals sign", quote(key))
	}
}

func (c *checker) caRoots(roots []string) {
	if roots != nil && len(roots) == 0 {
		c.bad("image.caRoots", "none", "the list is empty")
	}
	seen := map[string]string{}
	for i, root := range roots {
		at := indexPath("image.caRoots", i)
		if len(roots) == 1 && !c.has(at) {
			at = "image.caRoots" // written as a single string
		}
		words := []string{"mozilla", "none"}
		switch {
		case root == "none" && len(roots) > 1:
			c.fail(at, "exclusive", "", "none stands alone")
		case slices.Contains(words, root):
		case !strings.ContainsAny(root, "./") && nearest(root, words) != "":
			c.bad(at, nearest(root, words), "%s is neither mozilla nor none; write a file of that name as ./%s", quote(root), root)
		default:
			c.contextPath(at, root)
		}
		c.once(seen, at, root)
	}
}
