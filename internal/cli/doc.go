// Package cli is the command line: one file per verb, each a flags struct and then
// a plain function that does the work through the packages below. Only this package
// knows hints, colours and exit codes.
//
// stdout is for results (one line of a build, a plan, a report); all else goes to
// stderr. The package decides nothing about images: that is the planner's.
package cli
