// Package tuning is what Plimsoll knows about the Go runtime and its limits: the
// arithmetic from container limits to GOMEMLIMIT, the grammar of each runtime
// variable as the runtime itself reads it, the units, and the label keys that
// record all of it.
//
// One function each feeds Env, labels and verify, so that they cannot disagree.
// The package must not know the spec, the plan or any image: it maps values to
// values and imports the standard library alone.
package tuning
