package local

import (
	"fmt"
	"os"

	inbuild "github.com/plimsoll-build/plimsoll/internal/check"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// checkHook reads from the binary that its start-up hook is in it: the go command says nothing
// about a file of an overlay that no package took.
func checkHook(file string, hook *plan.Hook) error {
	if hook == nil {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := inbuild.Hook(f, info.Size(), hook.Function); err != nil {
		return fmt.Errorf("%s: %w", hook.Path, err)
	}
	return nil
}
