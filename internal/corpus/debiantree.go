package corpus

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// DebianTree downloads packages of Debian's for amd64 with all that they depend on, down
// to the C library, and returns the directory that they are unpacked into. Nothing is
// installed; programs start by the tree's own loader.
func (c Cache) DebianTree(ctx context.Context, name string, packages ...string) (string, error) {
	dir, err := c.once(ctx, filepath.Join("debian", debianRelease+"-tree-"+name), func(dir string) error {
		apt, err := c.apt(ctx)
		if err != nil {
			return err
		}
		// An empty list of what is installed: this machine's own libraries do not count.
		status, archives := filepath.Join(dir, "status"), filepath.Join(dir, "archives")
		if err := os.WriteFile(status, nil, 0o644); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(archives, "partial"), 0o755); err != nil {
			return err
		}
		args := append(apt, "-o", "Dir::State::status="+status, "-o", "Dir::Cache::archives="+archives,
			"install", "-q", "-y", "--no-install-recommends", "--download-only")
		if err := run(exec.CommandContext(ctx, "apt-get", append(args, packages...)...)); err != nil {
			return err
		}
		debs, err := filepath.Glob(filepath.Join(archives, "*.deb"))
		if err != nil {
			return err
		}
		for _, deb := range debs {
			if err := run(exec.CommandContext(ctx, "dpkg-deb", "--extract", deb, filepath.Join(dir, "root"))); err != nil {
				return err
			}
		}
		return os.RemoveAll(archives)
	})
	if err != nil {
		return "", fmt.Errorf("fetching Debian's %s: %w", strings.Join(packages, ", "), err)
	}
	return filepath.Join(dir, "root"), nil
}

var kernelPackage = regexp.MustCompile(`Depends: (linux-image-\S+)`)

// DebianKernel is the root of the unpacked kernel package that a package such as
// linux-image-cloud-amd64 stands for, without what the kernel's package depends on.
func (c Cache) DebianKernel(ctx context.Context, pkg string) (string, error) {
	apt, err := c.apt(ctx)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "apt-cache", append(apt, "depends", pkg)...).Output()
	if err != nil {
		return "", fmt.Errorf("finding the kernel of %s: %w", pkg, err)
	}
	found := kernelPackage.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("finding the kernel of %s: apt-cache names none:\n%s", pkg, out)
	}
	return c.Debian(ctx, string(found[1]))
}
