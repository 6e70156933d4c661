package testenv

import (
	"context"
	"fmt"
	"path/filepath"
)

// dockerfileImage is docker.io/docker/dockerfile, built from BuildKit's own source:
// a frontend that is not ours, for Dockerfiles and for tests of the client.
func dockerfileImage(ctx context.Context, tools Tools) (baseImage, error) {
	key := "dockerfile-" + filepath.Base(filepath.Dir(tools.DockerfileFrontend)) + "-" + imageFormat
	dir, err := cached(ctx, "images", key, func(dir string) error {
		return writeProgram(dir, tools.DockerfileFrontend, map[string]string{
			"moby.buildkit.frontend.network.none": "true",
			"moby.buildkit.frontend.caps":         "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts",
		})
	})
	if err != nil {
		return baseImage{}, fmt.Errorf("making the Dockerfile frontend's image: %w", err)
	}
	return baseImage{
		layout:       filepath.Join(dir, "layout"),
		repositories: []string{"docker/dockerfile:1"},
	}, nil
}
