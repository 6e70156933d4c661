package solve

import (
	"fmt"

	"github.com/moby/buildkit/util/progress/progressui"
)

func display(r Request) (progressui.Display, error) {
	d, err := progressui.NewDisplay(stderr(r), progressui.DisplayMode(r.Progress))
	if err != nil {
		return d, fmt.Errorf("showing progress: %w", err)
	}
	return d, nil
}
