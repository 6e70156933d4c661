package workload

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Container is one container of a deployment, as written.
type Container struct {
	// File names the deployment, Line is where the container begins.
	File string
	Line int
	// Name is the container's, Image its reference; either may be empty.
	Name, Image string
	// MemoryMax, MemoryHigh and MemoryRequest are in bytes, CPU in thousandths.
	MemoryMax, MemoryHigh, MemoryRequest, CPU Amount
	// Env is the environment that is set here, in order.
	Env []Variable
	// User is a user id that is set here; empty if none is.
	User Text
	// Mounts are paths in the container that something else covers.
	Mounts []Text
	// problems are values that cannot be read.
	problems []Finding
}

// Text is a value and its line.
type Text struct {
	Value string
	Line  int
}

// Amount is a limit. Without a line there is none.
type Amount struct {
	Value int64
	Line  int
}

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
		return nil, fmt.Errorf("%s:%d: this is a template, of which the values are not known: render it first (helm template, kustomize build) and give the result", file, line)
	}
	var found []Container
	var err error
	if section, ok := units[filepath.Ext(file)]; ok {
		found, err = parseUnit(data, section)
	} else {
		found, err = parseYAML(data)
	}
	if err == nil && len(found) == 0 {
		err = errors.New("it deploys no container")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range found {
		found[i].File = file
	}
	return found, nil
}

// Choose finds the containers that run an image: those of the name if one is given,
// else those of the image's reference, else the only one of each file.
func Choose(all []Container, name, ref string) ([]Container, error) {
	var chosen []Container
	files := map[string]int{}
	for _, c := range all {
		files[c.File]++
		if (name != "" && c.Name == name) || (name == "" && sameImage(c.Image, ref)) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) > 0 {
		return chosen, nil
	}
	if name != "" {
		return nil, fmt.Errorf("no container is called %q: there are %s", name, names(all))
	}
	for _, c := range all {
		if files[c.File] != 1 {
			return nil, fmt.Errorf("none of the containers of %s names this image: say which one runs it with --container, one of %s", c.File, names(all))
		}
	}
	return all, nil
}

func names(all []Container) string {
	var list []string
	for _, c := range all {
		list = append(list, fmt.Sprintf("%q", c.Name))
	}
	return strings.Join(list, ", ")
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
