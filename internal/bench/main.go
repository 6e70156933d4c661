// Command bench times the embedded engine against the plain go command on the same
// source, in turn and in one run: what an image costs beside its binary. It prints
// ratios with their spread; seconds alone mean nothing on a shared machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

func main() {
	runs := flag.Int("runs", 5, "pairs of runs of each case")
	example := flag.String("example", "examples/api", "module to build")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, *example, *runs); err != nil {
		log.Fatal(err)
	}
}

// bench copies the example, so that edits touch nobody's files.
func bench(ctx context.Context, example string, runs int) error {
	dir, err := os.MkdirTemp("", "plimsoll-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	src := filepath.Join(dir, "src")
	if err := os.CopyFS(src, os.DirFS(example)); err != nil {
		return fmt.Errorf("copying %s: %w", example, err)
	}
	plimsoll := filepath.Join(dir, "plimsoll")
	if err := command(ctx, ".", "go", "build", "-buildvcs=false", "-o", plimsoll, "./cmd/plimsoll")(); err != nil {
		return err
	}
	spec, err := scratchSpec(src)
	if err != nil {
		return err
	}
	image := command(ctx, src, plimsoll, "build", "-q", "-f", spec, "-o", "type=oci,tar=false,dest="+filepath.Join(dir, "image"), ".")
	binary := command(ctx, src, "go", "build", "-trimpath", "-buildvcs=false", "-tags=nopprof", "-ldflags=-s -w", "-o", filepath.Join(dir, "api"), "./cmd/api")
	fmt.Printf("%s, %s/%s, %d CPUs, %d runs a case\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runs)
	fmt.Println("| case | plimsoll build / go build, median | min | max | plimsoll, median s |")
	fmt.Println("|---|---|---|---|---|")
	for _, c := range []struct {
		name string
		edit func(n int) error
	}{
		{"nothing changed", func(int) error { return nil }},
		{"one line of main changed", func(n int) error { return editMain(src, n) }},
	} {
		if err := measure(c.name, runs, c.edit, image, binary); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// scratchSpec is the example's spec that needs no registry.
func scratchSpec(src string) (string, error) {
	for _, name := range []string{"plimsoll.scratch.yaml", "plimsoll.yaml"} {
		if _, err := os.Stat(filepath.Join(src, name)); err == nil {
			return name, nil
		}
	}
	return "", errors.New("the example has no spec")
}

// editMain changes what the main package links, and so both binaries.
func editMain(src string, n int) error {
	text := fmt.Sprintf("package main\n\nvar benchEdit = %d\n\nfunc init() {\n\tif benchEdit < 0 {\n\t\tpanic(benchEdit)\n\t}\n}\n", n)
	return os.WriteFile(filepath.Join(src, "cmd", "api", "bench_edit.go"), []byte(text), 0o644)
}

// measure runs both after the same edit, in turn, and prints the ratios pair by pair. The
// one that runs second finds packages compiled by the first, so each edit is made twice.
func measure(name string, runs int, edit func(n int) error, a, b func() error) error {
	var ratios, seconds []float64
	for i := range runs + 1 {
		first, err := timed(edit, 4*i+1, a)
		if err != nil {
			return err
		}
		second, err := timed(edit, 4*i+3, b)
		if err != nil {
			return err
		}
		if i > 0 { // the first pair warms the caches
			ratios, seconds = append(ratios, first.Seconds()/second.Seconds()), append(seconds, first.Seconds())
		}
	}
	slices.Sort(ratios)
	slices.Sort(seconds)
	fmt.Printf("| %s | %.2f | %.2f | %.2f | %.2f |\n", name, ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], seconds[len(seconds)/2])
	return nil
}

func timed(edit func(int) error, n int, run func() error) (time.Duration, error) {
	if err := edit(n); err != nil {
		return 0, err
	}
	start := time.Now()
	err := run()
	return time.Since(start), err
}

func command(ctx context.Context, dir, name string, args ...string) func() error {
	return func() error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
		}
		return nil
	}
}
