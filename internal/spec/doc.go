// Package spec is plimsoll.yaml as written: its types, a strict parser that keeps
// positions, validation of everything that a spec alone can get wrong, build
// arguments, and the JSON Schema made from the same types.
//
// All problems of a document are reported at once, each with its place, the
// lines and what to do. The package must not know defaults that depend on
// anything outside the document (planner), nor how a service is built; it reads
// no disk: callers hand it bytes.
package spec
