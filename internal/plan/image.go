package plan

import (
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is the config file of the image without its rootfs, which is known only
// when the layers are.
type Image struct {
	// Created is the plan's epoch.
	Created time.Time `json:"created"`
	// Author is the base's, kept.
	Author string `json:"author,omitempty"`
	ocispec.Platform
	// Config is what a container runs with.
	Config RunConfig `json:"config"`
	// History has one entry for each layer of the base and each of ours.
	History []ocispec.History `json:"history,omitempty"`
}

// RunConfig is the OCI image config with Docker's extensions, which a base image
// may carry and which are kept. OnBuild is left out: it addresses a builder.
type RunConfig struct {
	ocispec.ImageConfig
	// Healthcheck is Docker's HEALTHCHECK.
	Healthcheck *dockerspec.HealthcheckConfig `json:",omitempty"`
	// Shell is Docker's SHELL.
	Shell []string `json:",omitempty"`
	// StopTimeout is in seconds.
	StopTimeout *int `json:",omitempty"`
}
