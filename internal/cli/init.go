package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/spec"
)

func newInit(s Streams) *cobra.Command {
	var main, name string
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write the smallest plimsoll.yaml",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return runInit(s, dir, name, main)
		},
	}
	c.Flags().StringVar(&main, "main", "", "main package's directory, relative to DIR (default: the only one found)")
	c.Flags().StringVar(&name, "name", "", "service name")
	return c
}

// runInit writes DIR/plimsoll.yaml, and never over an existing one.
func runInit(s Streams, dir, name, main string) error {
	if main == "" {
		var err error
		if main, err = guessMain(dir); err != nil {
			return err
		}
	}
	data := spec.Template(name, main)
	file := filepath.Join(dir, "plimsoll.yaml")
	if _, err := spec.Parse(file, data); err != nil {
		return usageError{err}
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return usagef("%s exists already", file)
	}
	if err != nil {
		return usagef("writing the spec: %w", err)
	}
	_, err = out.Write(data)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("writing the spec: %w", errors.Join(err, os.Remove(file)))
	}
	fmt.Fprintf(s.Err, "wrote %s; build it with: plimsoll build %s\n", file, dir)
	return nil
}

// guessMain is the directory itself if it has a main.go, else the only command below cmd.
func guessMain(dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, "main.go")); err == nil {
		return ".", nil
	}
	mains, _ := filepath.Glob(filepath.Join(dir, "cmd", "*", "main.go"))
	for i, file := range mains {
		mains[i] = "./cmd/" + filepath.Base(filepath.Dir(file))
	}
	switch len(mains) {
	case 0:
		return ".", nil
	case 1:
		return mains[0], nil
	}
	return "", usagef("there are several main packages, %s: name one with --main", strings.Join(mains, " and "))
}
