package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// subject is one image in the forms that the tools take.
type subject struct {
	row corpus.Row
	// layout is its OCI layout, archive what docker save would write, program the file
	// /app, ref its name in a registry. An empty one cannot be made of this image.
	layout, archive, program, ref string
}

func prepare(images, dir string, row corpus.Row) (*subject, error) {
	s := &subject{row: row, layout: filepath.Join(images, row.Name)}
	img, err := imageOf(s.layout)
	if err != nil {
		return nil, err
	}
	tag, err := name.NewTag("example.com/" + row.Name + ":1")
	if err != nil {
		return nil, err
	}
	archive := filepath.Join(dir, row.Name+".tar")
	if err := tarball.WriteToFile(archive, tag, img); err == nil {
		s.archive = archive
	}
	program := filepath.Join(dir, row.Name+".app")
	if err := extract(img, program); err == nil {
		s.program = program
	}
	return s, nil
}

func imageOf(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	return index.Image(manifest.Manifests[0].Digest)
}

// extract writes the image's program to a file.
func extract(img v1.Image, file string) error {
	r := mutate.Extract(img)
	defer r.Close()
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err != nil {
			return fmt.Errorf("looking for the program: %w", err)
		}
		if h.Name != "app" {
			continue
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, t)
		return errors.Join(err, f.Close())
	}
}

// serve starts a registry that serves the layouts' blobs as they are, damaged ones too,
// and gives it the manifests.
func serve(ctx context.Context, dir string, subjects []*subject, tools []tool) error {
	var layouts []string
	for _, s := range subjects {
		// The damaged blob has the name of a good one, so it has to be found first.
		if s.row.Name == "flipped-blob" {
			layouts = append([]string{s.layout}, layouts...)
		} else {
			layouts = append(layouts, s.layout)
		}
	}
	registries := map[bool]*testenv.Registry{}
	for damaged, served := range map[bool][]string{true: layouts[:1], false: layouts[1:]} {
		r, err := testenv.StartRegistry(ctx, filepath.Join(dir, fmt.Sprintf("registry-%t", damaged)), nil, served...)
		if err != nil {
			return err
		}
		registries[damaged] = r
		context.AfterFunc(ctx, func() { _ = r.Close() })
	}
	for _, s := range subjects {
		s.ref = registries[s.row.Name == "flipped-blob"].Addr + "/corpus/" + s.row.Name + ":1"
		if r := execute(ctx, nil, toolNamed(tools, "crane").program, "push", s.layout, s.ref); r.code != 0 {
			return fmt.Errorf("pushing %s: %s", s.row.Name, r.output)
		}
	}
	return nil
}
