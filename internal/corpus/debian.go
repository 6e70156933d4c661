package corpus

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debianRelease is fixed, so that the corpus does not change with the machine's own
// release; backports has the packer.
const debianRelease = "bookworm"

const debianSources = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian ` + debianRelease + ` main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian ` + debianRelease + `-backports main
`

// Debian downloads a package of Debian's for amd64 and returns the directory of its
// unpacked files. Nothing is installed, and the machine's own lists of packages are not
// touched.
func (c Cache) Debian(ctx context.Context, pkg string) (string, error) {
	dir, err := c.once(ctx, filepath.Join("debian", debianRelease+"-"+pkg), func(dir string) error {
		apt, err := c.apt(ctx)
		if err != nil {
			return err
		}
		download := exec.CommandContext(ctx, "apt-get", append(apt, "download", "-q", pkg)...)
		download.Dir = dir
		if err := run(download); err != nil {
			return err
		}
		debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil || len(debs) != 1 {
			return fmt.Errorf("%d packages of that name, %w", len(debs), err)
		}
		version := strings.Split(filepath.Base(debs[0]), "_")[1]
		if err := os.WriteFile(filepath.Join(dir, "version"), []byte(strings.ReplaceAll(version, "%3a", ":")), 0o644); err != nil {
			return err
		}
		if err := run(exec.CommandContext(ctx, "dpkg-deb", "--extract", debs[0], filepath.Join(dir, "root"))); err != nil {
			return err
		}
		return os.Remove(debs[0])
	})
	if err != nil {
		return "", fmt.Errorf("fetching Debian's package %s: %w", pkg, err)
	}
	return filepath.Join(dir, "root"), nil
}

// DebianVersion is the version of a package that Debian returned as root.
func DebianVersion(root string) (string, error) {
	version, err := os.ReadFile(filepath.Join(filepath.Dir(root), "version"))
	return string(version), err
}

// apt are the flags that give apt-get sources, lists and a cache of our own.
func (c Cache) apt(ctx context.Context) ([]string, error) {
	lists := func(dir string) []string {
		var flags []string
		for _, option := range []string{
			"APT::Architecture=amd64", "APT::Sandbox::User=root",
			"Dir::Etc::sourcelist=" + dir + "/sources.list", "Dir::Etc::sourceparts=/dev/null",
			"Dir::State::lists=" + dir + "/lists", "Dir::Cache=" + dir + "/cache",
		} {
			flags = append(flags, "-o", option)
		}
		return flags
	}
	dir, err := c.once(ctx, filepath.Join("debian", "apt"), func(dir string) error {
		for _, sub := range []string{"lists/partial", "cache/archives/partial"} {
			if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "sources.list"), []byte(debianSources), 0o644); err != nil {
			return err
		}
		return run(exec.CommandContext(ctx, "apt-get", append(lists(dir), "update", "-q")...))
	})
	return lists(dir), err
}
