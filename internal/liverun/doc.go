// Package liverun starts an image under a container runtime of this host, watches it for
// a moment, and says what its process really has: GOMAXPROCS, memory limit, control
// group, user, root file system, peak memory, and whether it lived.
//
// What can be seen from outside is seen from outside, in /proc and the cgroup file
// system; GOMAXPROCS the Go runtime says itself (GODEBUG=schedtrace), and the start-up
// hook says its limit (PLIMSOLL_DEBUG=1). The image's bytes are not changed, and nothing
// is added to its root. The container is removed whatever happens, and the time is bounded.
//
// It knows nothing of specs and plans; labels are only what [Judge] compares with.
package liverun
