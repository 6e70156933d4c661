package testenv

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// probe prints what the process may do, then serves or ends as it is told.
const probe = `package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

func main() {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(status), "\n") {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "CapEff", "CapBnd", "NoNewPrivs":
			fmt.Println(key, strings.TrimSpace(value))
		}
	}
	fmt.Println("uid", os.Getuid(), os.Getgid())
	fmt.Println("root", os.WriteFile("/file", nil, 0o644) != nil)
	fmt.Println("volume", os.WriteFile("/data/file", nil, 0o644) == nil)
	fmt.Println("env", os.Getenv("FROM_IMAGE"), os.Getenv("FROM_TEST"))
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[1], http.NotFoundHandler()))
	}
	os.Exit(7)
}
`

func TestRunImage(t *testing.T) {
	layout := layoutOf(t, probe, v1.Config{
		User: "65532:65532", Env: []string{"FROM_IMAGE=a"}, Volumes: map[string]struct{}{"/data": {}},
	})
	want := []string{
		"CapEff 0000000000000000", "CapBnd 0000000000000000", "NoNewPrivs 1",
		"uid 65532 65532", "root true", "volume true", "env a b",
	}
	for _, runtime := range []string{"runc", "crun"} {
		t.Run(runtime, func(t *testing.T) {
			result := RunImage(t, layout, RunOptions{Runtime: runtime, Env: []string{"FROM_TEST=b"}})
			if result.ExitCode != 7 {
				t.Errorf("exit code %d, want 7: %s", result.ExitCode, result.Stderr)
			}
			for _, line := range want {
				if !strings.Contains(result.Stdout, line+"\n") {
					t.Errorf("output lacks %q:\n%s", line, result.Stdout)
				}
			}
		})
	}
}

func TestStartImageServes(t *testing.T) {
	layout := layoutOf(t, probe, v1.Config{})
	const addr = "127.0.0.1:39471"
	c := StartImage(t, layout, RunOptions{HostNetwork: true, Args: []string{addr}, User: "65532"})
	if c.PID <= 1 {
		t.Errorf("pid %d", c.PID)
	}
	WaitFor(t, 20*time.Second, func() error {
		resp, err := http.Get("http://" + addr)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusNotFound {
			return fmt.Errorf("status %s", resp.Status)
		}
		return resp.Body.Close()
	})
	if err := c.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := c.Wait().ExitCode; got != 137 {
		t.Errorf("exit code %d, want 137", got)
	}
}

// A program over its memory limit is killed, so limits are real here.
func TestMemoryLimit(t *testing.T) {
	const hungry = `package main

func main() {
	var all [][]byte
	for range 64 {
		block := make([]byte, 8<<20)
		for i := range block {
			block[i] = 1
		}
		all = append(all, block)
	}
	println(len(all))
}
`
	layout := layoutOf(t, hungry, v1.Config{})
	for _, runtime := range []string{"runc", "crun"} {
		if got := RunImage(t, layout, RunOptions{Runtime: runtime, Memory: 64 << 20}).ExitCode; got != 137 {
			t.Errorf("%s: exit code %d under 64 MiB, want 137", runtime, got)
		}
	}
	if got := RunImage(t, layout, RunOptions{}).ExitCode; got != 0 {
		t.Errorf("exit code %d without a limit, want 0", got)
	}
}
