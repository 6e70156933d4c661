// Package rootdata holds the files that every image on scratch needs and that no
// builder may supply: the CA roots, the time zone database, and the templates of
// /etc/passwd and /etc/group. Both engines and the planner take them from here, so
// a plan can name a file by name and sha256 without carrying its bytes.
//
// The bytes depend on the release of Plimsoll alone. The package must not know
// plans, images or any machine: it reads no disk, network, clock or environment,
// and the host's own CA bundle and GOROOT never reach an image through it.
package rootdata
