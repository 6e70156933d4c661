package local

import (
	"fmt"
	"os"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
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
	bin, err := gobin.Read(f, info.Size())
	if err != nil {
		return err
	}
	if bin.FunctionsErr != nil {
		return fmt.Errorf("looking for the start-up hook: %w", bin.FunctionsErr)
	}
	if !slices.Contains(slices.Collect(bin.Functions.All()), hook.Function) {
		return fmt.Errorf("the start-up hook is not in it: the go command took %s for no part of the main package; use memlimit: env", hook.Path)
	}
	return nil
}
