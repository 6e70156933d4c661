package liverun

import (
	"errors"
	"testing"
)

// What runtimes really said: runc 1.1 and 1.3, crun 1.8 and as podman passes it on.
func TestExecError(t *testing.T) {
	for said, want := range map[string]string{
		`time="2026-11-23T15:45:12Z" level=error msg="runc run failed: unable to start container process: exec: \"/svc\": stat /svc: no such file or directory"`: `runc run failed: unable to start container process: exec: "/svc": stat /svc: no such file or directory`,
		`runc run failed: unable to start container process: error during container init: exec: "svc": executable file not found in $PATH`:                       `runc run failed: unable to start container process: error during container init: exec: "svc": executable file not found in $PATH`,
		`time="2026-11-23T15:57:04Z" level=error msg="runc run failed: unable to start container process: exec /svc: permission denied"`:                         `runc run failed: unable to start container process: exec /svc: permission denied`,
		"exec /svc: exec format error":                                                        "exec /svc: exec format error",
		"executable file `/svc` not found in $PATH: No such file or directory":                "executable file `/svc` not found in $PATH: No such file or directory",
		"crun: executable file `/svc` not found: No such file or directory":                   "crun: executable file `/svc` not found: No such file or directory",
		"exec container process (missing dynamic library?) `/svc`: No such file or directory": "exec container process (missing dynamic library?) `/svc`: No such file or directory",
		"open executable: Permission denied":                                                  "open executable: Permission denied",
		// Of this host, or of the service.
		`time="2026-11-23T15:45:25Z" level=error msg="runc run failed: unable to start container process: error during container init: mkdir /data: read-only file system"`: "",
		`time="2026-11-23T15:45:25Z" level=error msg="runc run failed: unable to start container process: unable to apply cgroup configuration: permission denied"`:         "",
		`time="2026-11-23T15:45:25Z" level=error msg="rootless container requires user namespaces"`:                                                                         "",
		`time="2026-11-23T15:45:25Z" level=error msg="runc run failed: unable to start container process: exec fifo: permission denied"`:                                    "",
		"chdir `/data`: Not a directory":                       "",
		"creating cgroup directory: Permission denied":         "",
		"hello\nexec /svc: no such file or directory":          "",
		"exec sql: no such file or directory":                  "",
		"panic: exec /svc: no such file or directory: goodbye": "",
		"": "",
	} {
		failed, ok := errors.AsType[*ExecError](execError("runc", said))
		switch {
		case ok != (want != ""):
			t.Errorf("%s: %v", said, failed)
		case ok && failed.Said != want:
			t.Errorf("%s: %s", said, failed.Said)
		}
	}
}
