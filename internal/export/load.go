package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// ErrNoLoader says that neither docker nor podman took the image.
var ErrNoLoader = errors.New("neither docker nor podman took the image; write an archive with -o type=docker,dest=FILE instead")

// loaders take an archive on stdin with their load command, in order of preference.
var loaders = []string{"docker", "podman"}

// load streams an archive into the first loader that works.
func load(ctx context.Context, archive func(io.Writer) error) error {
	var failed []string
	for _, loader := range loaders {
		err := loadInto(ctx, loader, archive)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = append(failed, fmt.Sprintf("%s: %v", loader, err))
	}
	return fmt.Errorf("%w (%s)", ErrNoLoader, strings.Join(failed, "; "))
}

func loadInto(ctx context.Context, loader string, archive func(io.Writer) error) error {
	bin, err := exec.LookPath(loader)
	if err != nil {
		return errors.New("not on PATH")
	}
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := buffered(w, archive)
		w.CloseWithError(err)
		written <- err
	}()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, bin, "load")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, &output, &output
	err = cmd.Run()
	r.CloseWithError(io.ErrClosedPipe) // it may have ended without reading all
	if writeErr := <-written; err == nil && writeErr != nil {
		return writeErr
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(output.String()))
	}
	return nil
}

// Loader starts the first loader that is installed and returns its standard input.
// Closing that waits for the load's end and says whether it worked.
func Loader(ctx context.Context) (io.WriteCloser, error) {
	for _, loader := range loaders {
		bin, err := exec.LookPath(loader)
		if err != nil {
			continue
		}
		l := &loading{cmd: exec.CommandContext(ctx, bin, "load")}
		l.cmd.Stdout, l.cmd.Stderr = &l.output, &l.output
		if l.WriteCloser, err = l.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		return l, l.cmd.Start()
	}
	return nil, ErrNoLoader
}

// loading is a loader at work.
type loading struct {
	io.WriteCloser
	cmd    *exec.Cmd
	output bytes.Buffer
}

// Close ends the archive and waits.
func (l *loading) Close() error {
	err := l.WriteCloser.Close()
	if waitErr := l.cmd.Wait(); waitErr != nil {
		return fmt.Errorf("%w: %s", waitErr, strings.TrimSpace(l.output.String()))
	}
	return err
}
