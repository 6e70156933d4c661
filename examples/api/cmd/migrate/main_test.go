package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	db := filepath.Join(t.TempDir(), "api.db")
	for _, tc := range []struct {
		args  []string
		lines int
		fails bool
	}{
		{[]string{"-version"}, 1, false},
		{[]string{"-db", db}, 3, false},
		{[]string{"-db", db}, 1, false},
		{[]string{"-db", filepath.Join(db, "below-a-file")}, 0, true},
		{[]string{"-unknown"}, 0, true},
	} {
		var out strings.Builder
		err := run(&out, tc.args)
		if (err != nil) != tc.fails || strings.Count(out.String(), "\n") != tc.lines {
			t.Errorf("%v: error %v, output %q, want %d lines", tc.args, err, out.String(), tc.lines)
		}
	}
}
