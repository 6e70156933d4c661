// Package lint pins the linter that "make check" runs. It is a module of its own,
// so that the linter's dependencies choose nobody else's versions.
package lint
