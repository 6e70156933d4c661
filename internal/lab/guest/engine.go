//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"syscall"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// crun is where the initramfs has the program.
const crun = "/usr/bin/crun"

// underCrun makes the command that runs a trial by crun, as container engines do: all of
// the container is crun's, the innermost group included. It returns the directory of the
// group around it, which counts what happens within, since crun removes its own.
func underCrun(t trial.Trial) (cmd *exec.Cmd, around string, remove func(), err error) {
	last := len(t.Groups) - 1
	if last == 0 {
		return nil, "", func() {}, errors.New("under crun, a group must be around the container's own")
	}
	around, remove, err = makeGroups(t.Groups[:last])
	if err != nil {
		return nil, "", remove, err
	}
	bundle := filepath.Join("/run/bundles", t.Groups[0].Name)
	config, err := json.Marshal(bundleConfig(t))
	if err == nil {
		err = os.MkdirAll(bundle, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o644)
	}
	// The initramfs cannot be pivoted away from.
	cmd = exec.Command(crun, "--root=/run/crun", "--cgroup-manager=cgroupfs", "run", "--no-pivot", "--bundle="+bundle, t.Groups[0].Name)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	return cmd, around, remove, err
}

type object = map[string]any

// bundleConfig is a config.json of the OCI runtime specification with what engines set by
// default, as far as a trial asks for it.
func bundleConfig(t trial.Trial) object {
	names := []string{"/"}
	for _, g := range t.Groups {
		names = append(names, g.Name)
	}
	namespaces := []object{{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}}
	if t.Namespace == trial.Private {
		namespaces = append(namespaces, object{"type": "cgroup"})
	}
	hard := []string{"nosuid", "noexec", "nodev"}
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": object{"uid": t.UID, "gid": t.UID}, "args": t.Command, "env": t.Env, "cwd": "/", "noNewPrivileges": true,
		},
		"root": object{"path": t.Root, "readonly": true},
		"mounts": []object{
			{"destination": "/proc", "type": "proc", "source": "proc", "options": hard},
			{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "mode=755"}},
			{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": append(hard, "ro")},
			{"destination": cgroupDir, "type": "cgroup", "source": "cgroup", "options": append(hard, "ro")},
		},
		"linux": object{
			"namespaces":  namespaces,
			"cgroupsPath": path.Join(names...),
			"resources":   object{"unified": t.Groups[len(t.Groups)-1].Limits},
			"maskedPaths": []string{"/proc/kcore", "/proc/keys", "/sys/firmware"},
		},
	}
}
