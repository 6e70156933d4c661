// Package local is the embedded engine: it carries out plans on this machine,
// with the host's Go toolchain and no daemon, and gives images.
//
// Build compiles each binary into a cache, proves it static, makes the layers and
// writes the config of the plan above the base's layers, in the bytes that
// BuildKit's exporter would write. Context is the build context as BuildKit would
// see it, after the ignore file; Resolver finds base images in registries,
// mirrors, OCI layouts and named contexts.
//
// The package must not know specs, how a plan is made, BuildKit, or where an
// image goes (export).
package local
