// Package solve is BuildKit as a client: it connects to a daemon, lends it a
// session (directories, secrets, registry credentials), shows progress and
// receives what the exporters send back.
//
// It knows nothing of specs or plans. The frontend that does is an image, named
// by the spec's "# syntax=" line, and the daemon runs it: that is what makes the
// in-build checks part of every build, and this client one of several.
package solve
