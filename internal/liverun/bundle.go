package liverun

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/pkg/archive"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// unpack applies the layers, whiteouts and owners included. containerd's code follows no
// link out of the directory.
func unpack(ctx context.Context, root string, image Image) error {
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	// The image's user has to get in, whatever this process's umask is.
	if err := os.Chmod(root, 0o755); err != nil {
		return err
	}
	for i, open := range image.Layers {
		layer, err := open(ctx)
		if err != nil {
			return fmt.Errorf("opening layer %d: %w", i+1, err)
		}
		_, err = archive.Apply(ctx, root, layer)
		if err := errors.Join(err, layer.Close()); err != nil {
			return fmt.Errorf("unpacking layer %d: %w", i+1, err)
		}
	}
	return nil
}

// writeBundle writes the runtime's config.json: a root that is read-only unless asked for
// otherwise, no capability, no new privileges, what engines mount, and the limits.
func writeBundle(dir, id string, c ocispec.ImageConfig, o Options, v2 bool) error {
	uid, gid, err := numericUser(c.User)
	if err != nil {
		return err
	}
	args := c.Cmd
	if o.Args != nil {
		args = o.Args
	}
	namespaces, sysctl := []object{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}}, object{}
	if o.Metrics == "" { // else the network is the host's, of which nothing may be set
		namespaces = append(namespaces, object{"type": "network"})
		sysctl[anyPort] = "0"
	}
	if v2 {
		namespaces = append(namespaces, object{"type": "cgroup"})
	}
	data, err := json.Marshal(object{
		"ociVersion": "1.0.2", "hostname": "plimsoll", "root": object{"path": "rootfs", "readonly": !o.WritableRoot},
		"process": object{
			"user": object{"uid": uid, "gid": gid}, "args": slices.Concat(c.Entrypoint, args), "env": watched(environ(c.Env, o.Env)),
			"cwd": cmp.Or(c.WorkingDir, "/"), "capabilities": object{}, "noNewPrivileges": true,
		},
		"mounts": mounts(c, uid, gid),
		"linux": object{
			"cgroupsPath": "/" + id, "namespaces": namespaces, "resources": resources(o.Limits, v2),
			"maskedPaths": masked, "readonlyPaths": readonly, "sysctl": sysctl,
		},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
}

// anyPort is the least port that needs no capability. Docker sets it to 0 as well, so that a
// service on port 80 needs no root.
const anyPort = "net.ipv4.ip_unprivileged_port_start"

// What engines hide from containers, since an image whose user is 0 may read or write it
// even without capabilities.
var (
	masked = []string{"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
		"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"}
	readonly = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// object is one of the OCI runtime's configuration:
// https://github.com/opencontainers/runtime-spec/blob/main/config.md
type object map[string]any

// mounts are those that container engines make, and an empty one for each volume.
func mounts(c ocispec.ImageConfig, uid, gid uint32) []object {
	mount := func(to, kind string, options ...string) object {
		return object{"destination": to, "type": kind, "source": kind, "options": options}
	}
	list := []object{
		mount("/proc", "proc", "nosuid", "noexec", "nodev"),
		mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
		mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
		mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
		mount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
	}
	for _, path := range slices.Sorted(maps.Keys(c.Volumes)) {
		list = append(list, mount(path, "tmpfs", "nosuid", "nodev", "mode=755", fmt.Sprintf("uid=%d", uid), fmt.Sprintf("gid=%d", gid)))
	}
	return list
}

// period is the CPU quota's, in microseconds: what engines take for --cpus.
const period = 100_000

func resources(l Limits, v2 bool) object {
	// A layer may bring device files: none may be opened but those that every runtime
	// makes itself, such as /dev/null.
	r := object{"devices": []object{{"allow": false, "access": "rwm"}}}
	if l.Memory > 0 {
		// No swap: what is over the limit must be seen.
		r["memory"] = object{"limit": l.Memory, "swap": l.Memory}
	}
	cpu := object{}
	if l.MilliCPUs > 0 {
		cpu["quota"], cpu["period"] = quota(l.MilliCPUs), period
	}
	if l.CPUSet != "" {
		cpu["cpus"] = l.CPUSet
	}
	if len(cpu) > 0 {
		r["cpu"] = cpu
	}
	if l.Pids > 0 {
		r["pids"] = object{"limit": l.Pids}
	}
	if v2 && l.High > 0 {
		r["unified"] = map[string]string{"memory.high": strconv.FormatInt(l.High, 10)}
	}
	return r
}

// quota is at least a millisecond, the least that the kernel takes.
func quota(milli int64) int64 { return max(milli*period/1000, 1000) }

// numericUser reads UID[:GID]; a name would need the image's passwd file, and our rule
// user refuses it anyway.
func numericUser(s string) (uid, gid uint32, err error) {
	if s == "" {
		return 0, 0, nil
	}
	u, g, ok := strings.Cut(s, ":")
	if !ok {
		g = "0"
	}
	for _, part := range []struct {
		text string
		to   *uint32
	}{{u, &uid}, {g, &gid}} {
		n, err := strconv.ParseUint(part.text, 10, 32)
		if err != nil {
			return 0, 0, fmt.Errorf("user %q is not numeric: runc and crun need numbers; use docker or podman", s)
		}
		*part.to = uint32(n)
	}
	return uid, gid, nil
}
