//go:build !unix

package local

import "testing"

func setUmask(*testing.T, int) {}
