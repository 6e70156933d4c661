package testenv

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(WithBed(m).Run()) }
