// Package facts gathers what a plan depends on besides the spec, once: the Go
// module of each main package, the base image's digest and config, the files that
// the spec names, and where the source stands in its history.
//
// It reads the build context through fs.FS and images through a one-method
// resolver, so the same code runs on a host and inside a BuildKit gateway. It must
// not know the spec: the planner says what to gather (Query).
package facts
