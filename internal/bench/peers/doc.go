// Package peers builds one image of one service by each of the tools that the benchmark
// compares, through what each offers to everyone: buildx, ko and the plimsoll command. It
// does not know what a build is measured for.
package peers
