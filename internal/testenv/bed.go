package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Options are what a bed may have beside the usual.
type Options struct {
	// PrivateRegistry adds a registry that wants these credentials.
	PrivateRegistry *Credentials
	// WholeGo serves a toolchain image with all of GOROOT, as the official one has it:
	// for measuring. Tests do with the half that a build reads.
	WholeGo bool
}

// Bed is a running registry and daemon.
type Bed struct {
	// Tools are the programs.
	Tools Tools
	// Registry serves the base images, stands in for docker.io, gcr.io and ghcr.io,
	// and takes what is pushed.
	Registry *Registry
	// Private wants credentials; nil if the options name none.
	Private *Registry
	// Daemon is the first buildkitd.
	Daemon *Daemon

	run *runDir
}

// Start starts a bed and waits until it answers.
func Start(ctx context.Context, o Options) (*Bed, error) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, errors.New("starting the test bed: it needs Linux and root")
	}
	tools, err := FindTools(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting the test bed: %w", err)
	}
	images, err := baseImages(ctx, tools, o.WholeGo)
	if err != nil {
		return nil, fmt.Errorf("starting the test bed: %w", err)
	}
	run, err := newRunDir()
	if err != nil {
		return nil, err
	}
	b := &Bed{Tools: tools, run: run}
	if err := b.start(ctx, o, images); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Bed) start(ctx context.Context, o Options, images []baseImage) (err error) {
	layouts := make([]string, len(images))
	for i, image := range images {
		layouts[i] = image.layout
	}
	if b.Registry, err = StartRegistry(ctx, b.run.path("registry"), nil, layouts...); err != nil {
		return err
	}
	if err := pushAll(ctx, b.Registry, nil, images); err != nil {
		return err
	}
	if o.PrivateRegistry != nil {
		if b.Private, err = StartRegistry(ctx, b.run.path("private"), o.PrivateRegistry, layouts...); err != nil {
			return err
		}
		if err := pushAll(ctx, b.Private, o.PrivateRegistry, images); err != nil {
			return err
		}
	}
	b.Daemon, err = b.NewDaemon(ctx)
	return err
}

func pushAll(ctx context.Context, r *Registry, auth *Credentials, images []baseImage) error {
	option := remote.WithAuth(authn.Anonymous)
	if auth != nil {
		option = remote.WithAuth(&authn.Basic{Username: auth.User, Password: auth.Password})
	}
	for _, image := range images {
		if err := image.push(ctx, r.Addr, option); err != nil {
			return err
		}
	}
	return nil
}

// NewDaemon starts another daemon with an empty root and the same registries. The
// caller stops it.
func (b *Bed) NewDaemon(ctx context.Context) (*Daemon, error) {
	registries := []string{b.Registry.Addr}
	if b.Private != nil {
		registries = append(registries, b.Private.Addr)
	}
	return startDaemon(ctx, b.Tools, registries)
}

// Close ends the bed and removes what it wrote.
func (b *Bed) Close() error {
	var errs []error
	if b.Daemon != nil {
		errs = append(errs, b.Daemon.Stop())
	}
	for _, r := range []*Registry{b.Registry, b.Private} {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(append(errs, b.run.remove())...)
}
