// Package tools pins the programs that the test bed runs but the product does
// not: BuildKit's daemon and client, and buildx. They are tool lines of this
// module's go.mod, so the product's own go.mod carries neither them nor their
// dependencies. The linter has a module beside this one, because its dependencies
// and these would choose each other's versions.
package tools
