// Package corpus makes images that are broken in one property each, and fetches what the
// tests need to make images as others do: Debian's packages and Go tools. Its table is
// shared by the end-to-end tests, which hold `plimsoll verify` against it, and by the
// comparison with other tools. It must not know how verify judges: it only holds what a
// reader of the docs would expect.
package corpus
