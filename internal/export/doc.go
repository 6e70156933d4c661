// Package export puts a built image somewhere, in the words of buildx's -o: an
// OCI layout or archive, a docker archive, a registry, the root filesystem as
// files or as a tar, or a local docker or podman.
//
// Files and directories appear complete or not at all, and their bytes follow
// from the image alone. The package must not know plans, how an image was made,
// or BuildKit.
package export
