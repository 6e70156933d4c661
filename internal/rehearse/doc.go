// Package rehearse runs a service once before it ships, in its own root file system and under
// its declared limits, and says how that went. The BuildKit engine runs it as a vertex, whose
// program (Command) is the parent of the service; the embedded engine has package liverun start
// it under an OCI runtime, watch it from outside, and judges by the same rules (Judge).
//
// A rehearsal says nothing about where the image will run later: that is what verify --run and
// the service's own start are for. The package must not know BuildKit, specs or images.
package rehearse
