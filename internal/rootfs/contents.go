package rootfs

import (
	"path"
	"slices"
	"strings"
)

// Kind is why something should not be in a service's root.
type Kind string

// The kinds of unwanted content.
const (
	Shell         Kind = "shell"
	PackageTool   Kind = "package manager"
	SetID         Kind = "set-id program"
	WorldWritable Kind = "world-writable"
	Secret        Kind = "secret"
	Leftover      Kind = "build leftover"
)

// Unwanted is an entry that a service's root should not hold.
type Unwanted struct {
	Kind  Kind
	Entry Entry
}

// Names by kind; secrets are known by their last two names where one is too little.
var (
	programDirs  = []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/busybox"}
	shells       = []string{"sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "zsh"}
	packageTools = []string{"apk", "apt", "apt-get", "dpkg", "dnf", "microdnf", "opkg", "pacman", "rpm", "tdnf", "yum", "zypper"}
	secretNames  = []string{".git", ".git-credentials", ".netrc", "_netrc", ".pypirc", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"}
	secretPairs  = []string{".aws/credentials", ".docker/config.json", ".kube/config", "gcloud/application_default_credentials.json"}
	leftovers    = []string{"/go/pkg", "/usr/local/go", "/root/.cache", "/root/go", "/var/cache/apk", "/var/lib/apt/lists"}
	sourceNames  = []string{"go.mod", "go.sum", "go.work", ".dockerignore", "Dockerfile"}
)

// CheckContents reports what a service's root should not hold, in the order of the
// paths. isKey says of a file's content that it is a private key; nil knows none.
func CheckContents(x *Index, isKey func(Location) bool) []Unwanted {
	var found []Unwanted
	for e := range x.All() {
		for _, kind := range kinds(e, isKey) {
			found = append(found, Unwanted{kind, e})
		}
	}
	return found
}

func kinds(e Entry, isKey func(Location) bool) []Kind {
	dir, name := path.Split(e.Path)
	dir = path.Clean(dir)
	var found []Kind
	runs := e.Type == Symlink || (e.Type == File && e.Mode&0o111 != 0)
	if runs && slices.Contains(programDirs, dir) {
		switch {
		case slices.Contains(shells, name):
			found = append(found, Shell)
		case slices.Contains(packageTools, name):
			found = append(found, PackageTool)
		}
	}
	if e.Type == File && e.Mode&0o6000 != 0 && e.Mode&0o111 != 0 {
		found = append(found, SetID)
	}
	sticky := e.Type == Dir && e.Mode&0o1000 != 0
	if e.Type != Symlink && e.Mode&0o002 != 0 && !sticky {
		found = append(found, WorldWritable)
	}
	if isSecret(e, dir, name) || (e.Type == File && isKey != nil && isKey(e.Content)) {
		found = append(found, Secret)
	}
	if isLeftover(e, name) {
		found = append(found, Leftover)
	}
	return found
}

func isSecret(e Entry, dir, name string) bool {
	pair := path.Base(dir) + "/" + name
	return slices.Contains(secretNames, name) || (e.Type == File && slices.Contains(secretPairs, pair))
}

// isLeftover knows caches that hold something, and files of a source tree.
func isLeftover(e Entry, name string) bool {
	if e.Type == File && slices.Contains(sourceNames, name) {
		return true
	}
	return slices.ContainsFunc(leftovers, func(dir string) bool {
		rest, ok := strings.CutPrefix(e.Path, dir+"/")
		return ok && !strings.Contains(rest, "/") // the first level says enough
	})
}
