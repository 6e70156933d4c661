package workload

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/plimsoll-build/plimsoll/internal/excerpt"
)

// Container is one container of a deployment, as written.
type Container struct {
	// File names the deployment, Line is where the container begins.
	File string
	Line int
	// Name is the container's, a unit's without one that of its file; Image is its
	// reference, which may be empty.
	Name, Image string
	// Init is a container that ends before the others start: only its name chooses it.
	Init bool
	// MemoryMax, MemoryHigh and MemoryRequest are in bytes, CPU in thousandths.
	MemoryMax, MemoryHigh, MemoryRequest, CPU Amount
	// Env is the environment that is set here, in order. EnvFrom are places that add to
	// it, of which the contents are not known here.
	Env     []Variable
	EnvFrom []Text
	// User is a user that is set here, NonRoot a demand that it is not root, ReadOnly
	// one for a root that cannot be written. Without a line there is none.
	User, NonRoot, ReadOnly Text
	// Mounts are paths in the container that something else covers.
	Mounts []Text
	// problems are values that are wrong, unread are settings that may change a limit and
	// are not understood here.
	problems []Finding
	unread   []Text
	// form says how limits are written in this file.
	form form
}

// form is how a kind of file writes limits, as formats of a label's value.
type form struct{ memory, cpu string }

var (
	inKubernetes = form{"resources.limits.memory: %q", "resources.limits.cpu: %q"}
	inCompose    = form{"mem_limit: %s", "cpus: %s"}
	inUnit       = form{"MemoryMax=%s", "CPUQuota= of %s CPUs, each 100%%"}
)

// Text is a value and its line.
type Text struct {
	Value string
	Line  int
}

// Amount is a limit. Without a line there is none. Unknown says why its value is not
// known here; it is then 0.
type Amount struct {
	Value   int64
	Line    int
	Unknown string
}

// known reports whether there is a value to compare.
func (a Amount) known() bool { return a.Line > 0 && a.Unknown == "" }

// Variable is one of the environment. One from another object has no known value.
type Variable struct {
	Name, Value string
	Known       bool
	Line        int
}

// maxFile is the largest deployment, in bytes.
const maxFile = 4 << 20

// systemd's sections by the endings of file names.
var units = map[string]string{".service": "Service", ".container": "Container", ".slice": "Slice"}

// Parse reads one file of a deployment. The form follows from name and content. An
// error says what is not understood: a template, or a file that deploys nothing.
func Parse(file string, data []byte) ([]Container, error) {
	if len(data) > maxFile || !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: a deployment is UTF-8 text of at most %d bytes", file, maxFile)
	}
	if i := bytes.Index(data, []byte("{{")); i >= 0 {
		line := 1 + bytes.Count(data[:i], []byte("\n"))
		return nil, excerpt.Error(file, data, line, "this is a template, of which the values are not known: render it first (helm template, kustomize build) and give the result")
	}
	var found []Container
	var err error
	section := units[filepath.Ext(file)]
	if section != "" {
		found, err = parseUnit(data, section)
	} else {
		found, err = parseYAML(file, data)
		if syntax, ok := errors.AsType[syntaxError](err); ok {
			return nil, syntax.error
		}
	}
	if err == nil && len(found) == 0 {
		err = errors.New("it deploys no container")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range found {
		found[i].File = file
		if found[i].Name == "" && section != "" {
			found[i].Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		}
	}
	return found, nil
}

// Choose finds the containers that run an image, in each file: those of the name if one
// is given, else those of the image's reference, else the only one, if not both name
// images. An empty reference is of an image that is in no registry. The errors are of files that have
// none: what deploys nothing of the image must not pass for it.
func Choose(all []Container, name, ref string) (chosen []Container, errs []error) {
	files := map[string][]Container{}
	var order []string
	for _, c := range all {
		if files[c.File] == nil {
			order = append(order, c.File)
		}
		files[c.File] = append(files[c.File], c)
	}
	for _, file := range order {
		found, err := chooseIn(files[file], name, ref)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
		chosen = append(chosen, found...)
	}
	return chosen, errs
}

// chooseIn chooses among the containers of one file.
func chooseIn(all []Container, name, ref string) ([]Container, error) {
	var chosen, lasting []Container
	for _, c := range all {
		if !c.Init {
			lasting = append(lasting, c)
		}
		if (name != "" && c.Name == name) || (name == "" && !c.Init && sameImage(c.Image, ref)) {
			chosen = append(chosen, c)
		}
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case name != "":
		return nil, fmt.Errorf("no container is called %q: there are %s", name, names(all))
	case len(lasting) == 1 && (lasting[0].Image == "" || ref == ""):
		return lasting, nil
	}
	return nil, fmt.Errorf("no container runs this image by name: say which one does with --container, one of %s", names(all))
}

// maxNames are listed.
const maxNames = 20

func names(all []Container) string {
	var list []string
	for _, c := range all {
		list = append(list, fmt.Sprintf("%.60q", c.Name))
	}
	return strings.Join(list[:min(len(list), maxNames)], ", ")
}

// sameImage compares repository, and tag or digest where both name one.
func sameImage(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	repoA, tagA, digestA := split(a)
	repoB, tagB, digestB := split(b)
	return repoA == repoB && (tagA == "" || tagB == "" || tagA == tagB) && (digestA == "" || digestB == "" || digestA == digestB)
}

func split(ref string) (repo, tag, digest string) {
	ref, digest, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref, tag = ref[:i], ref[i+1:]
	}
	return strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "library/"), tag, digest
}
