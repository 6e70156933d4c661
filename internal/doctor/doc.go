// Package doctor says what the Go runtime and a container engine will find on a host or
// in a container: control groups and their limits, what becomes GOMAXPROCS and
// GOMEMLIMIT, swap, memory nodes, security modules, and what kind of place it is.
//
// It only reads, through a file tree rooted at "/": the same code judges a recorded
// machine. Nothing is decided by what a place calls itself (no "is Docker", no "is
// WSL"): each finding names the file that it was read from, and what cannot be known is
// unknown. It knows nothing of images.
package doctor
