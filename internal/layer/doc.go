// Package layer turns a layer of a plan into a tar whose bytes follow from the
// plan and the content alone, and that tar into a v1.Layer.
//
// The tar is byte for byte what BuildKit's exporter makes of the same files
// (containerd's archive.ChangeWriter decides the headers), so that both engines
// give one DiffID. Compressed digests hold for one version of the compressors only.
//
// The package must not know how binaries are compiled or where a build context
// comes from (Sources), nor run commands or use the network.
package layer
