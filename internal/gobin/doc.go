// Package gobin reads the evidence that one Go binary carries in its bytes:
// program headers, dynamic section, build info, and the function table that
// survives stripping. Nothing is executed.
//
// The input is hostile: every count and size is bounded before it is believed,
// and what cannot be read is nil or an error, never an empty answer. Build info
// is a claim (two bytes of an editor change it); headers and the function table
// are what the kernel and the runtime use, so they are evidence.
//
// The package must not know images, labels or rules: it imports the standard
// library alone.
package gobin
