// Package testenv is the test bed: a BuildKit daemon, a registry that stands in
// for docker.io, gcr.io and ghcr.io, and the base images in it, made on the fly
// from this machine's Go and a few bytes. Nothing comes from a public registry.
//
// Tests take the package's bed with Shared, or a daemon of their own with
// Bed.NewDaemon; a person takes the same bed with "make bed". The programs and
// images live in a cache between runs; everything else is gone at the end, also
// after a crash: the next start removes what a dead process left.
//
// It needs Linux, root and runc ("make setup"). No product package imports it.
package testenv
