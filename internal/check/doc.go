// Package check is the check that a build makes of what it is about to ship: that nothing in
// the final root file system hides what a container runtime mounts, and that each binary is
// static and for its platform. The BuildKit engine runs it as a vertex, by the frontend's own
// program over the mounted root, so that it works for every architecture and without a shell;
// the embedded engine asks it about binaries, and has verify look at the root.
//
// It reads a file tree and runs nothing. It must not know BuildKit, specs or how an image is
// stored; what an image should hold is the business of packages rootfs and gobin.
package check
