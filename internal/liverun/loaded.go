package liverun

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loaded is a container of docker or podman.
type loaded struct {
	engine
	id, image string
	// hasImage and hasContainer report what is surely there to be removed. A call that
	// was interrupted may have made it all the same.
	hasImage, hasContainer bool
	// nameless is the ID under which an interrupted load may leave the image, before it has
	// its name. It is empty if the engine had that image already: then it is its user's.
	nameless string
}

// prepareLoaded gives the engine the image under a name of our own, and makes the
// container.
func (e engine) prepareLoaded(ctx context.Context, id string, image Image, o Options) (container, error) {
	c := &loaded{engine: e, id: id, image: "localhost/plimsoll-verify:" + id}
	sum := configSum(image)
	if _, err := e.output(ctx, "image", "inspect", "--format", "{{.Id}}", sum); err != nil && ctx.Err() == nil {
		c.nameless = sum
	}
	if err := c.load(ctx, image); err != nil {
		return c, err
	}
	c.hasImage = true
	if _, err := e.output(ctx, createArgs(id, c.image, image, o)...); err != nil {
		return c, err
	}
	c.hasContainer = true
	return c, nil
}

func createArgs(id, ref string, image Image, o Options) []string {
	args := []string{"create", "--name", id, "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pull", "never"}
	if !o.WritableRoot {
		args = append(args, "--read-only")
	}
	if o.Metrics == "" {
		args = append(args, "--network", "none")
	} else {
		args = append(args, "--network", "host")
	}
	if o.Memory > 0 {
		args = append(args, "--memory", strconv.FormatInt(o.Memory, 10), "--memory-swap", strconv.FormatInt(o.Memory, 10))
	}
	if o.MilliCPUs > 0 {
		args = append(args, "--cpus", strconv.FormatFloat(float64(o.MilliCPUs)/1000, 'f', 3, 64))
	}
	if o.CPUSet != "" {
		args = append(args, "--cpuset-cpus", o.CPUSet)
	}
	if o.Pids > 0 {
		args = append(args, "--pids-limit", strconv.FormatInt(o.Pids, 10))
	}
	for _, v := range watched(environ(image.Config.Config.Env, o.Env)) {
		args = append(args, "--env", v)
	}
	entrypoint := image.Config.Config.Entrypoint
	if o.Args == nil || len(o.Args) > 0 || len(entrypoint) == 0 {
		return slices.Concat(args, []string{ref}, o.Args)
	}
	// Without arguments an engine takes the image's Cmd, unless the entrypoint is given too.
	return slices.Concat(args, []string{"--entrypoint", entrypoint[0], ref}, entrypoint[1:])
}

// load hands the image to "load" as a docker-archive, the form that both engines read.
func (c *loaded) load(ctx context.Context, image Image) error {
	r, w := io.Pipe()
	cmd := c.command(ctx, "load")
	cmd.Stdin = r
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	written := make(chan error, 1)
	go func() {
		err := writeArchive(ctx, w, c.image, image)
		w.CloseWithError(err)
		written <- err
	}()
	err := cmd.Run()
	r.CloseWithError(errors.New("the engine stopped reading"))
	if werr := <-written; err != nil {
		return fmt.Errorf("%s load: %w: %s", c.name, errors.Join(err, werr), inOneLine(out.String()))
	}
	return nil
}

// writeArchive writes what docker save does. Each layer is kept in a file first, since a
// tar says the size before the content.
func writeArchive(ctx context.Context, w io.Writer, ref string, image Image) error {
	tw := tar.NewWriter(w)
	config := configSum(image) + ".json"
	var layers []string
	for i, open := range image.Layers {
		name := fmt.Sprintf("%d.tar", i)
		if err := addLayer(ctx, tw, name, open); err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
		layers = append(layers, name)
	}
	manifest, err := json.Marshal([]object{{"Config": config, "RepoTags": []string{ref}, "Layers": layers}})
	if err != nil {
		return err
	}
	return errors.Join(add(tw, config, image.RawConfig), add(tw, "manifest.json", manifest), tw.Close())
}

// configSum is the sha256 of an image's config, in hex. Podman knows an image by it, and so
// does docker without the containerd image store.
func configSum(image Image) string {
	sum := sha256.Sum256(image.RawConfig)
	return hex.EncodeToString(sum[:])
}

func addLayer(ctx context.Context, tw *tar.Writer, name string, open func(context.Context) (io.ReadCloser, error)) error {
	dir, err := os.MkdirTemp("", "plimsoll-layer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	layer, err := open(ctx)
	if err != nil {
		return err
	}
	defer layer.Close()
	f, err := os.Create(filepath.Join(dir, "layer"))
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := io.Copy(f, layer)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}

func add(tw *tar.Writer, name string, data []byte) error {
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := tw.Write(data)
	return err
}

// start starts the container and asks for its process. Behind a virtual machine that is
// a number of another kernel: observe finds out.
func (c *loaded) start(ctx context.Context) (int, error) {
	if _, err := c.output(ctx, "start", c.id); err != nil {
		return 0, err
	}
	out, err := c.output(ctx, "inspect", "--format", "{{.State.Pid}}", c.id)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		return 0, fmt.Errorf("%s inspect: the process is %q", c.name, strings.TrimSpace(out))
	}
	return pid, nil
}

func (c *loaded) wait(ctx context.Context) (int, bool) {
	for {
		out, err := c.output(ctx, "inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", c.id)
		if running, code, ok := strings.Cut(strings.TrimSpace(out), " "); err == nil && ok && running == "false" {
			n, err := strconv.Atoi(code)
			return n, err == nil
		}
		select {
		case <-ctx.Done():
			return 0, false
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// log has both streams; the lines that are looked for are told by their beginning.
func (c *loaded) log(ctx context.Context) string {
	cmd := c.command(ctx, "logs", c.id)
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // a service that wrote nothing is none that cannot be judged
	return out.String()
}

// remove tries to remove both, and complains only if what is surely there stays.
func (c *loaded) remove(ctx context.Context) error {
	_, err := c.output(ctx, "rm", "--force", "--volumes", c.id)
	if !c.hasContainer {
		err = nil
	}
	if _, err2 := c.output(ctx, "rmi", "--force", c.image); c.hasImage {
		err = errors.Join(err, err2)
	} else if c.nameless != "" {
		_, _ = c.output(ctx, "rmi", c.nameless)
	}
	return err
}
