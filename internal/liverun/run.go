package liverun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Errors that say that nothing could be run, which is no statement about the image.
var (
	// ErrPlatform is a host or an image that is not this machine's Linux.
	ErrPlatform = errors.New("cannot be run here")
	// ErrNoRuntime is that no container runtime works here.
	ErrNoRuntime = errors.New("no container runtime works here")
)

// container is one run of an engine.
type container interface {
	// start starts the service and returns its first process as this host numbers it, or
	// zero if that is not known. It returns as soon as the service may run.
	start(ctx context.Context) (pid int, err error)
	// wait waits for the end, or for the context's, and returns the exit code.
	wait(ctx context.Context) (code int, ended bool)
	// log is what the service wrote to stderr so far.
	log(ctx context.Context) string
	// remove kills what runs and removes the container and all that was made for it.
	remove(ctx context.Context) error
}

// Run starts the image, watches it, and removes it. An error means that it could not be
// run; a service that ends or is killed is an Observation.
func Run(ctx context.Context, image Image, o Options) (_ Observation, err error) {
	if runtime.GOOS != "linux" {
		return Observation{}, fmt.Errorf("--run needs Linux' /proc and cgroups, this is %s: %w", runtime.GOOS, ErrPlatform)
	}
	if p := image.Config.Platform; p.OS != "linux" || p.Architecture != runtime.GOARCH {
		return Observation{}, fmt.Errorf("an image for %s/%s on linux/%s: %w", p.OS, p.Architecture, runtime.GOARCH, ErrPlatform)
	}
	o.For = cmp.Or(o.For, DefaultFor)
	ctx, cancel := context.WithTimeout(ctx, o.For+setup)
	defer cancel()
	e, err := find(ctx, o.Runtime)
	if err != nil {
		return Observation{}, err
	}
	dir, err := os.MkdirTemp("", "plimsoll-run-")
	if err != nil {
		return Observation{}, err
	}
	defer os.RemoveAll(dir)
	c, err := e.prepare(ctx, dir, image, o)
	if c != nil {
		defer func() {
			// The caller may be interrupted already; the container goes all the same.
			clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			err = errors.Join(err, c.remove(clean))
		}()
	}
	if err != nil {
		return Observation{}, err
	}
	return watch(ctx, e, c, o)
}

// watch looks at a service until it ends or has lived long enough.
func watch(ctx context.Context, e engine, c container, o Options) (Observation, error) {
	obs := Observation{Runtime: e.version, Asked: o.Limits}
	begin := time.Now()
	pid, err := c.start(ctx)
	if err != nil {
		return obs, err
	}
	looking, stop := context.WithCancel(ctx)
	defer stop()
	appeared, seen := make(chan struct{}), make(chan *Process, 1)
	go func() { seen <- observe(looking, pid, appeared) }()
	code, ended := appear(ctx, c, appeared)
	if !ended {
		begin = time.Now()
		live, cancel := context.WithTimeout(ctx, o.For)
		code, ended = c.wait(live)
		cancel()
	}
	obs.Lived, obs.Exit, obs.Waited = !ended, code, time.Since(begin).Round(10*time.Millisecond)
	if !ended && o.Metrics != "" {
		obs.Metrics, obs.MetricsErr = scrape(ctx, o.Metrics)
	}
	stop()
	obs.Process = <-seen
	if ctx.Err() != nil {
		return obs, ctx.Err()
	}
	obs.read(c.log(ctx))
	if ended && code != 0 && obs.Process == nil {
		// A runtime that is the parent of what it starts may say so late.
		return obs, execError(e.name, obs.Log)
	}
	return obs, nil
}

// grace is how long a runtime may take to execute the service, once it was told to. The
// time that the service has to live begins after it, so that a busy host does not matter.
const grace = 5 * time.Second

// appear waits until the service was seen, for the grace at most, or ended.
func appear(ctx context.Context, c container, appeared <-chan struct{}) (code int, ended bool) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	go func() {
		select {
		case <-appeared:
			cancel()
		case <-ctx.Done():
		}
	}()
	return c.wait(ctx)
}

// tail is how much of a service's log is kept, in bytes.
const tail = 2000

// read takes the lines that were asked for out of the log. The runtime writes a line of
// its trace in many pieces, and the hook its own in one, so that it may stand in the
// middle of the other.
func (o *Observation) read(log string) {
	var rest strings.Builder
	for line := range strings.Lines(o.takeHook(log)) {
		line = strings.TrimRight(line, "\r\n")
		if n, ok := schedLine(line); ok {
			o.MaxProcs = n
			continue
		}
		rest.WriteString(line + "\n")
	}
	o.Log = strings.TrimSuffix(rest.String(), "\n")
	if len(o.Log) > tail {
		o.Log = "…" + o.Log[len(o.Log)-tail:]
	}
}

// takeHook takes the hook's lines out of a log and keeps the last. It goes over the log once:
// what a service writes may be nothing but such lines.
func (o *Observation) takeHook(log string) (rest string) {
	var b strings.Builder
	for {
		before, found, ok := strings.Cut(log, hookPrefix)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		var line string
		line, log, _ = strings.Cut(found, "\n")
		o.Hook = hookPrefix + strings.TrimRight(line[:min(len(line), tail)], "\r")
	}
}

// hookPrefix begins the line of the start-up hook.
const hookPrefix = "plimsoll.memlimit/"

// schedLine reads a line of the scheduler's trace: "SCHED 0ms: gomaxprocs=2 idleprocs=…".
func schedLine(line string) (procs int, ok bool) {
	if !strings.HasPrefix(line, "SCHED ") {
		return 0, false
	}
	_, rest, found := strings.Cut(line, ": gomaxprocs=")
	if !found {
		return 0, false
	}
	if _, err := fmt.Sscanf(rest, "%d ", &procs); err != nil || procs < 1 {
		return 0, false
	}
	return procs, true
}
