// Package imagediff says where two images differ: config, layers, files, and of a Go
// program its sections, functions and build info. It compares what is unpacked, never
// what is compressed: two compressors give one image two digests.
//
// It must not know how either image was made or where it lies: callers hand in bytes
// and openers. Layers are streamed; of programs one pair at a time lies in temporary
// files.
package imagediff
