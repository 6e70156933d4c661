package solve

import (
	"os"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.WithBed(m).Run()) }
