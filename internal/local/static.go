package local

import (
	"fmt"
	"os"

	inbuild "github.com/plimsoll-build/plimsoll/internal/check"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// checkBinary proves that a binary runs on that architecture and needs nothing there, and
// that its start-up hook is in it, if it has one: the go command says nothing about a file
// of an overlay that no package took.
func checkBinary(file, architecture string, hook *plan.Hook) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading its size: %w", err)
	}
	if err := inbuild.Program(f, info.Size(), architecture); err != nil || hook == nil {
		return err
	}
	if err := inbuild.Hook(f, info.Size(), hook.Function); err != nil {
		return fmt.Errorf("%s: %w", hook.Path, err)
	}
	return nil
}
