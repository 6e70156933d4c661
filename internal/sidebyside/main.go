// Command sidebyside runs other tools on the corpus of broken images and writes who
// catches what, as a page of the docs. It knows the tools' command lines, and nothing of
// how plimsoll judges: that is run like the others.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

func main() {
	out := flag.String("out", "docs/verify-side-by-side.md", "page to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	page, err := compare(ctx)
	if err == nil {
		err = os.WriteFile(*out, page, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// compare makes the corpus in a temporary directory, runs every tool on every row, and
// returns the page.
func compare(ctx context.Context) (page []byte, err error) {
	dir, err := os.MkdirTemp("", "plimsoll-sidebyside-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cacheDir, err := testenv.CacheDir()
	if err != nil {
		return nil, err
	}
	plimsoll, cache := filepath.Join(dir, "plimsoll"), corpus.Cache(filepath.Join(cacheDir, "corpus"))
	if r := execute(ctx, nil, "go", "build", "-buildvcs=false", "-o", plimsoll, "./cmd/plimsoll"); r.code != 0 {
		return nil, fmt.Errorf("building plimsoll: %s", r.output)
	}
	images := filepath.Join(dir, "images")
	if err := corpus.Make(ctx, corpus.Options{Plimsoll: plimsoll, Dir: images, Cache: cache}); err != nil {
		return nil, err
	}
	tools, err := findTools(ctx, cache, plimsoll)
	if err != nil {
		return nil, err
	}
	var subjects []*subject
	for _, row := range corpus.Rows() {
		s, err := prepare(images, dir, row)
		if err != nil {
			return nil, fmt.Errorf("preparing %s: %w", row.Name, err)
		}
		subjects = append(subjects, s)
	}
	if err := serve(ctx, dir, subjects, tools); err != nil {
		return nil, err
	}
	runs := map[string]map[string]run{}
	for _, t := range tools {
		runs[t.name] = map[string]run{}
		for _, s := range subjects {
			log.Printf("%s on %s", t.name, s.row.Name)
			runs[t.name][s.row.Name] = t.try(ctx, s)
		}
	}
	var buf bytes.Buffer
	write(&buf, tools, subjects, runs)
	return buf.Bytes(), nil
}

// run is what a tool said of an image.
type run struct {
	output string
	code   int
	// missing means that the tool could not be given what it wants.
	missing bool
}

// execute runs a command to its end; one that cannot start has code -1.
func execute(ctx context.Context, env []string, program string, args ...string) run {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	r := run{output: string(out)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.code = exit.ExitCode()
	} else if err != nil {
		r.code, r.output = -1, err.Error()
	}
	return r
}
