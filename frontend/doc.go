// Package frontend is Plimsoll's BuildKit frontend: a gateway BuildFunc that reads the
// spec, gathers facts through the gateway, has them planned, and solves the plans.
//
// It is the adapter between the gateway and the pure middle: options of any client
// (buildx, buildctl, bake) become overrides and facts, problems become errors and
// warnings at the lines of the spec, plans become LLB through llbgen, and the result
// carries the plan's config, annotations and epoch to BuildKit's exporter. It must not
// know the embedded engine or a command line, and decides nothing about the image.
package frontend
