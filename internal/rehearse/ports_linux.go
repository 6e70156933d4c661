package rehearse

import "syscall"

// capNetBindService is CAP_NET_BIND_SERVICE of linux/capability.h.
const capNetBindService = 10

// bindAnyPort lets a service that is not root listen on the ports below 1024, as it can in a
// container of Docker or containerd: they set net.ipv4.ip_unprivileged_port_start to 0.
// BuildKit does not, and /proc/sys is read-only in a vertex, so that it is a capability here.
// False says that nothing was to do: root has it anyway.
func bindAnyPort(a *syscall.SysProcAttr) bool {
	if a.Credential.Uid == 0 {
		return false
	}
	a.AmbientCaps = []uintptr{capNetBindService}
	return true
}
