// Package workload reads what deploys a container: Kubernetes and Compose YAML, systemd
// units and Quadlet files. It finds limits, environment and mounts with their lines,
// and holds them against the labels of an image.
//
// It must not know images or registries: a caller says what the labels are.
package workload
