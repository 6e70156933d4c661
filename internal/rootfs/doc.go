// Package rootfs is the final root filesystem of an image, as an index in memory:
// what a stack of layers leaves at each path after whiteouts, replacements and
// links, and what a good root must not hold.
//
// The entries are hostile: the number of them, their depth and the work of
// following links are bounded. Content is never kept; an entry says in which layer
// it lies. The package must not know how an image is stored or fetched, nor which
// rules exist.
package rootfs
