package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// maxArchive is the largest archive that is taken from a stream, in bytes. An archive
// has its table of contents at the end, so a stream is kept in a temporary file.
const maxArchive = 16 << 30

const (
	stdinRef    = "-"
	daemonRef   = "docker-daemon:"
	maxComplain = 1 << 12 // bytes of a tool's stderr that are passed on
)

// savers write an image as an archive to stdout, in order of preference.
var savers = []string{"docker", "podman"}

func stdinTwice(refs []string) bool {
	n := 0
	for _, ref := range refs {
		if ref == stdinRef {
			n++
		}
	}
	return n > 1
}

// judge is what is asked of the images of one reference while they can be read.
type judge func(context.Context, []verify.Subject) (verify.Reports, error)

// verifyRef judges the images of one reference, of whichever form.
func verifyRef(ctx context.Context, s Streams, ref string, o verify.OpenOptions, all judge) (verify.Reports, error) {
	image, daemon := strings.CutPrefix(ref, daemonRef)
	if !daemon && ref != stdinRef {
		subjects, err := verify.Open(ctx, ref, o)
		if err != nil {
			return nil, err
		}
		return all(ctx, subjects)
	}
	file, err := os.CreateTemp("", "plimsoll-verify-")
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", ref, err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if daemon {
		err = saveImage(ctx, image, file)
	} else {
		err = keep(file, s.In)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", ref, err)
	}
	subjects, err := verify.OpenArchive(ctx, ref, file.Name(), o)
	if err != nil {
		return nil, err
	}
	return all(ctx, subjects)
}

// keep copies a stream to a file, up to maxArchive.
func keep(file io.Writer, stream io.Reader) error {
	n, err := io.Copy(file, io.LimitReader(stream, maxArchive+1))
	if err == nil && n > maxArchive {
		err = fmt.Errorf("an archive of more than %d bytes", int64(maxArchive))
	}
	return err
}

// saveImage writes an image of the first daemon that has it to a file.
func saveImage(ctx context.Context, image string, file *os.File) error {
	if image == "" || strings.HasPrefix(image, "-") {
		return fmt.Errorf("%q is no image's name", image)
	}
	var failed []error
	for _, tool := range savers {
		_, seekErr := file.Seek(0, io.SeekStart)
		if err := errors.Join(seekErr, file.Truncate(0)); err != nil {
			return err
		}
		err := saveWith(ctx, tool, image, file)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		failed = append(failed, fmt.Errorf("%s: %w", tool, err))
	}
	return errors.Join(failed...)
}

func saveWith(ctx context.Context, tool, image string, file io.Writer) error {
	bin, err := exec.LookPath(tool)
	if err != nil {
		return errors.New("not on PATH")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, "save", "--", image)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = keep(file, out)
	if err != nil {
		cancel() // the tool would wait for a reader
	}
	if waitErr := cmd.Wait(); waitErr != nil && err == nil {
		text := complaint.String()
		err = fmt.Errorf("%w: %s", waitErr, strings.TrimSpace(text[:min(len(text), maxComplain)]))
	}
	return err
}
