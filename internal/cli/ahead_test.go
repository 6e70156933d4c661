package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"github.com/plimsoll-build/plimsoll/internal/local"
)

// TestReadAhead holds that what a build makes is verified without being read again.
func TestReadAhead(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":        "module example.com/app\n\ngo 1.26\n",
		"main.go":       "package main\n\nfunc main() {}\n",
		"plimsoll.yaml": "apiVersion: plimsoll.build/v1\nimage: {base: scratch}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PLIMSOLL_CACHE", t.TempDir())
	f, log := buildFlags{}, newLog(Streams{Out: io.Discard, Err: io.Discard})
	f.register(pflag.NewFlagSet("build", pflag.ContinueOnError))
	f.context = dir
	p, err := prepare(t.Context(), log, &f.sourceFlags)
	if err != nil {
		t.Fatal(err)
	}
	defer p.done()
	options, clean, err := engineOptions(log, &f, p)
	if err != nil {
		t.Fatal(err)
	}
	defer clean()
	ahead := p.readAhead(&options)
	res, err := local.Build(t.Context(), p.Plans, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(options.CacheDir); err != nil { // the layers are there
		t.Fatal(err)
	}
	none := local.Cache{Dir: t.TempDir()}
	if _, err := verdictsOn(t.Context(), p.title(), res, nil, none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without what was read: %v", err)
	}
	reports, err := verdictsOn(t.Context(), p.title(), res, ahead, none)
	if err != nil || len(reports) != 1 || !reports[0].OK() {
		t.Errorf("%v, %+v", err, reports)
	}
}
