package local

import (
	"fmt"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	inbuild "github.com/plimsoll-build/plimsoll/internal/check"
)

// checkStatic proves that a binary runs on its platform and needs nothing there.
func checkStatic(file string, p ocispec.Platform) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading its size: %w", err)
	}
	return inbuild.Program(f, info.Size(), p.Architecture)
}
