// Package llbgen turns a plan into BuildKit's LLB: one vertex that normalises the
// build context, those that fetch modules (the only ones with a network and with
// secrets), those that compile each binary, one for each layer.
//
// It decides nothing about the image: what is compiled and placed, with which
// flags, modes and owners, is the plan's. It must not know the spec, nor how
// facts are gathered, nor the gateway: callers hand in the states of the build
// context, the toolchain and the base image. Equal plans and options give equal
// definitions, byte for byte.
//
// The package is public by its path only, since a frontend is a program: its
// input is an internal type.
package llbgen
