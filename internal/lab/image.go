package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// variant is one image of the lab's service.
type variant struct {
	name   string
	goLine string // of go.mod; empty: the service's own
	spec   string // the runtime section
}

// variants are the same source under different specs.
var variants = []variant{
	{name: "plain"},
	{name: "env", spec: "runtime: {memory: {max: 120MiB, high: 100MiB}}\n"},
	{name: "auto", spec: "runtime: {memlimit: auto}\n"},
	{name: "go1.24", goLine: "1.24"},
}

// image is a built image, with what of its config a container takes.
type image struct {
	v1.Image
	config v1.Config
}

// built are the images by variant.
type built map[string]image

// build builds all variants with the plimsoll of this tree, by the embedded engine.
func build(ctx context.Context, dir, source, plimsoll string) (built, error) {
	images := built{}
	for _, v := range variants {
		tree := filepath.Join(dir, v.name)
		if err := v.write(tree, source); err != nil {
			return nil, err
		}
		dest := tree + ".oci"
		if err := run(ctx, tree, plimsoll, "build", "-o", "type=oci,tar=false,dest="+dest, "--platform", "linux/amd64", "."); err != nil {
			return nil, fmt.Errorf("building the image %s: %w", v.name, err)
		}
		img, err := only(dest)
		if err != nil {
			return nil, fmt.Errorf("reading the image %s: %w", v.name, err)
		}
		images[v.name] = img
	}
	return images, nil
}

// write copies the service and writes the variant's spec beside it.
func (v variant) write(tree, source string) error {
	if err := os.CopyFS(tree, os.DirFS(source)); err != nil {
		return err
	}
	spec := "apiVersion: plimsoll.build/v1\n" + v.spec
	if err := os.WriteFile(filepath.Join(tree, "plimsoll.yaml"), []byte(spec), 0o644); err != nil {
		return err
	}
	if v.goLine == "" {
		return nil
	}
	mod := "module example.com/service\n\ngo " + v.goLine + "\n"
	return os.WriteFile(filepath.Join(tree, "go.mod"), []byte(mod), 0o644)
}

// only is the one image of a layout.
func only(dir string) (image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return image{}, err
	}
	for {
		manifest, err := index.IndexManifest()
		if err != nil {
			return image{}, err
		}
		if len(manifest.Manifests) != 1 {
			return image{}, fmt.Errorf("%d images", len(manifest.Manifests))
		}
		desc := manifest.Manifests[0]
		if desc.MediaType.IsIndex() {
			if index, err = index.ImageIndex(desc.Digest); err != nil {
				return image{}, err
			}
			continue
		}
		img, err := index.Image(desc.Digest)
		if err != nil {
			return image{}, err
		}
		config, err := img.ConfigFile()
		if err != nil {
			return image{}, err
		}
		return image{img, config.Config}, nil
	}
}

// root is where the guest has a variant's files.
func root(name string) string { return path.Join(trial.ImagesDir, name) }

// add adds an image's files to the initramfs.
func (i image) add(a *archive, name string) (err error) {
	from := mutate.Extract(i)
	defer func() { err = errors.Join(err, from.Close()) }()
	return a.tree(root(name), tar.NewReader(from))
}

// start completes a trial by what the image's config says: what a container engine does.
// The trial's environment wins over the image's, its user over the image's.
func (i image) start(t trial.Trial, variant string, args []string) (trial.Trial, error) {
	t.Root = root(variant)
	t.Command = slices.Concat(i.config.Entrypoint, i.config.Cmd, args)
	t.Env = merged(i.config.Env, t.Env)
	user, _, _ := strings.Cut(i.config.User, ":")
	uid, err := strconv.Atoi(user)
	if err != nil {
		return t, fmt.Errorf("reading the user of the image %s: %w", variant, err)
	}
	t.UID = uid
	return t, nil
}

// merged is an environment in which later settings replace earlier ones of the same name.
func merged(lists ...[]string) []string {
	var names []string
	values := map[string]string{}
	for _, setting := range slices.Concat(lists...) {
		name, value, _ := strings.Cut(setting, "=")
		if _, seen := values[name]; !seen {
			names = append(names, name)
		}
		values[name] = value
	}
	env := make([]string, len(names))
	for i, name := range names {
		env[i] = name + "=" + values[name]
	}
	return env
}

// run runs a program in a directory, with this machine's environment and more; its error
// holds what it printed.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return nil
}
