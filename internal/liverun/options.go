package liverun

import (
	"context"
	"io"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is what is run.
type Image struct {
	// Config is the image's.
	Config ocispec.Image
	// RawConfig is the same as it is stored.
	RawConfig []byte
	// Layers open the uncompressed tars, bottom first.
	Layers []func(context.Context) (io.ReadCloser, error)
}

// Limits are what the container gets. Zero and empty mean none.
type Limits struct {
	// Memory and High are bytes: memory.max and memory.high. Only runc and crun on
	// cgroup v2 can set the latter.
	Memory, High int64
	// MilliCPUs are thousandths of a CPU.
	MilliCPUs int64
	// CPUSet is a list of CPUs such as "0-1".
	CPUSet string
	// Pids are processes and threads.
	Pids int64
}

// Options say how the image is run.
type Options struct {
	// Runtime is docker, podman, runc or crun, or empty for the first that works.
	Runtime string
	Limits
	// Env is added to the image's, NAME=VALUE.
	Env []string
	// Args replace the image's Cmd: nil leaves it, and an empty list takes it away.
	Args []string
	// WritableRoot lets the service write to its root, which is a copy of the image's that goes
	// with the container. Else it is read-only.
	WritableRoot bool
	// For is how long the service has to live; zero is two seconds.
	For time.Duration
	// Metrics is the URL of the service's Prometheus metrics on localhost, or empty. With
	// it the container shares the host's network; else it has none.
	Metrics string
}

// DefaultFor is how long a service has to live if nothing else is asked for.
const DefaultFor = 2 * time.Second

// setup bounds everything besides For: unpacking, loading, starting and removing.
const setup = 2 * time.Minute
