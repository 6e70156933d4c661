package testenv

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// RunOptions say how to run an image. The zero value runs it as it says, with a
// read-only root, no capability, no new privileges and no network.
type RunOptions struct {
	// Runtime is runc or crun; empty is runc.
	Runtime string
	// Args replace the image's Cmd, not its Entrypoint.
	Args []string
	// Env is added to the image's.
	Env []string
	// User is UID or UID:GID; empty for the image's.
	User string
	// HostNetwork shares this machine's network instead of an empty one.
	HostNetwork bool
	// Memory is the limit in bytes; 0 for none.
	Memory int64
	// CPUs is the limit in cores; 0 for none.
	CPUs float64
}

// runtimeBundle is the OCI runtime's config.json, as far as a test needs it:
// https://github.com/opencontainers/runtime-spec/blob/main/config.md.
type runtimeBundle struct {
	Version  string       `json:"ociVersion"`
	Process  process      `json:"process"`
	Root     rootFS       `json:"root"`
	Hostname string       `json:"hostname"`
	Mounts   []mount      `json:"mounts"`
	Linux    linuxOptions `json:"linux"`
}

type process struct {
	User            user                `json:"user"`
	Args            []string            `json:"args"`
	Env             []string            `json:"env"`
	Cwd             string              `json:"cwd"`
	Capabilities    map[string][]string `json:"capabilities"`
	NoNewPrivileges bool                `json:"noNewPrivileges"`
}

type user struct {
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
}

type rootFS struct {
	Path     string `json:"path"`
	Readonly bool   `json:"readonly"`
}

type mount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type"`
	Source      string   `json:"source"`
	Options     []string `json:"options,omitempty"`
}

type linuxOptions struct {
	CgroupsPath string      `json:"cgroupsPath"`
	Namespaces  []namespace `json:"namespaces"`
	Resources   resources   `json:"resources"`
	Masked      []string    `json:"maskedPaths"`
	Readonly    []string    `json:"readonlyPaths"`
}

type namespace struct {
	Type string `json:"type"`
}

type resources struct {
	Memory *memory `json:"memory,omitempty"`
	CPU    *cpu    `json:"cpu,omitempty"`
}

type memory struct {
	Limit int64 `json:"limit"`
	Swap  int64 `json:"swap"`
}

type cpu struct {
	Quota  int64  `json:"quota"`
	Period uint64 `json:"period"`
}

// writeBundle unpacks the layout's image for this machine and writes the config.
func writeBundle(dir, layoutDir, id string, o RunOptions) error {
	image, err := hostImage(layoutDir)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the image's config: %w", err)
	}
	rootfs := filepath.Join(dir, "rootfs")
	if err := os.Mkdir(rootfs, 0o755); err != nil {
		return err
	}
	if err := unpack(image, rootfs); err != nil {
		return err
	}
	b, err := newBundle(config.Config, id, o)
	if err != nil {
		return err
	}
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644)
}

func newBundle(c v1.Config, id string, o RunOptions) (runtimeBundle, error) {
	who, err := parseUser(cmp.Or(o.User, c.User))
	if err != nil {
		return runtimeBundle{}, err
	}
	args := c.Cmd
	if len(o.Args) > 0 {
		args = o.Args
	}
	b := runtimeBundle{
		Version: "1.0.2",
		Process: process{
			User: who, Args: slices.Concat(c.Entrypoint, args), Env: slices.Concat(c.Env, o.Env),
			Cwd: cmp.Or(c.WorkingDir, "/"), Capabilities: map[string][]string{}, NoNewPrivileges: true,
		},
		Root: rootFS{Path: "rootfs", Readonly: true}, Hostname: "bed", Mounts: mounts(c, who),
		Linux: linuxOptions{
			CgroupsPath: "/plimsoll-bed/" + id, Resources: limits(o),
			Masked:   []string{"/proc/kcore", "/proc/keys", "/sys/firmware"},
			Readonly: []string{"/proc/sys", "/proc/sysrq-trigger"},
		},
	}
	for _, kind := range []string{"pid", "ipc", "uts", "mount", "network"} {
		if kind != "network" || !o.HostNetwork {
			b.Linux.Namespaces = append(b.Linux.Namespaces, namespace{kind})
		}
	}
	return b, nil
}

// mounts are what container engines mount, and an empty one for each volume of the
// image, which belongs to the user.
func mounts(c v1.Config, who user) []mount {
	list := []mount{
		{"/proc", "proc", "proc", nil},
		{"/dev", "tmpfs", "tmpfs", []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"/dev/shm", "tmpfs", "shm", []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{"/sys", "sysfs", "sysfs", []string{"nosuid", "noexec", "nodev", "ro"}},
		{"/sys/fs/cgroup", "cgroup", "cgroup", []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
	owner := fmt.Sprintf("uid=%d,gid=%d", who.UID, who.GID)
	for _, path := range slices.Sorted(maps.Keys(c.Volumes)) {
		list = append(list, mount{path, "tmpfs", "tmpfs", []string{"nosuid", "nodev", "mode=755", owner}})
	}
	return list
}

func limits(o RunOptions) resources {
	var r resources
	if o.Memory > 0 {
		r.Memory = &memory{Limit: o.Memory, Swap: o.Memory}
	}
	if o.CPUs > 0 {
		r.CPU = &cpu{Quota: int64(o.CPUs * 100_000), Period: 100_000}
	}
	return r
}

// parseUser reads numbers only: a name would need the image's passwd file.
func parseUser(s string) (user, error) {
	if s == "" {
		return user{}, nil
	}
	uid, gid, ok := strings.Cut(s, ":")
	if !ok {
		gid = "0"
	}
	u, err := strconv.ParseUint(uid, 10, 32)
	if err != nil {
		return user{}, fmt.Errorf("the user %q is not numeric: %w", s, err)
	}
	g, err := strconv.ParseUint(gid, 10, 32)
	if err != nil {
		return user{}, fmt.Errorf("the group of %q is not numeric: %w", s, err)
	}
	return user{uint32(u), uint32(g)}, nil
}
