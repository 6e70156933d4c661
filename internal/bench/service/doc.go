// Package service writes the service that the benchmark builds: a monorepo with one large
// module, two main packages of it, and a neighbour in a module of its own. Its text
// depends on the options only. It knows nothing of images and of what builds them.
package service
