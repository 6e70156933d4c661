// Package gotool is the host's go command as a typed API: it finds one, gets
// another version if a service wants it, and runs plan.Argv's command lines.
//
// Nothing of the host but the ambient set of package plan reaches the command: a
// GOFLAGS, GOAMD64 or `go env -w` file of the host would change the binary. Where
// modules come from (GOPROXY, GOPRIVATE, credentials) is the host's to say and is
// passed on, also when it was set with `go env -w`.
//
// The package knows plans and the go command. It must not know specs, images or
// BuildKit.
package gotool
