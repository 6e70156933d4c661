package corpus

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Options say where the corpus is made.
type Options struct {
	// Plimsoll is the command that builds the good image.
	Plimsoll string
	// Dir takes an OCI layout for each row, named by it.
	Dir string
	// Cache keeps what has to be fetched.
	Cache Cache
}

// maker makes the images, each program once.
type maker struct {
	o       Options
	program []byte
	ours    v1.Image
}

// service is a spec with memory labels, so that there is something to tamper with.
var service = map[string]string{
	"plimsoll.yaml": "apiVersion: plimsoll.build/v1\nname: app\nruntime: {memory: {max: 512MiB}}\n",
	"go.mod":        "module example.com/app\n\ngo 1.26\n",
	"main.go":       helloSource,
}

// Make writes the layout of every row.
func Make(ctx context.Context, o Options) error {
	m := &maker{o: o}
	if err := m.buildOurs(ctx); err != nil {
		return fmt.Errorf("building the corpus's good image: %w", err)
	}
	for _, row := range Rows() {
		if err := m.write(ctx, row); err != nil {
			return fmt.Errorf("making the image %s: %w", row.Name, err)
		}
	}
	return nil
}

func (m *maker) buildOurs(ctx context.Context) error {
	source, dest := filepath.Join(m.o.Dir, "service.src"), filepath.Join(m.o.Dir, "service.oci")
	if err := os.MkdirAll(source, 0o755); err != nil {
		return err
	}
	for name, content := range service {
		if err := os.WriteFile(filepath.Join(source, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, m.o.Plimsoll, "build", "-q", "--platform", "linux/amd64", "-o", "type=oci,tar=false,dest="+dest, source)
	cmd.Env = append(os.Environ(), "PLIMSOLL_CACHE="+filepath.Join(m.o.Dir, "service.cache"))
	if err := run(cmd); err != nil {
		return err
	}
	index, err := layout.ImageIndexFromPath(dest)
	if err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	m.ours, err = index.Image(manifest.Manifests[0].Digest)
	return err
}

func (m *maker) write(ctx context.Context, row Row) error {
	img, err := row.image(ctx, m)
	if err != nil {
		return err
	}
	dir := filepath.Join(m.o.Dir, row.Name)
	if err := WriteLayout(dir, img); err != nil || row.spoil == nil {
		return err
	}
	return row.spoil(dir, img)
}

// WriteLayout writes an image for linux/amd64 into a new OCI layout, tagged latest.
func WriteLayout(dir string, img v1.Image) error {
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return p.AppendImage(img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"}),
		layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "latest"}))
}

// flipInLayer changes one byte in the middle of the last layer's blob.
func flipInLayer(dir string, img v1.Image) error {
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	blob := filepath.Join(dir, "blobs", "sha256", manifest.Layers[len(manifest.Layers)-1].Digest.Hex)
	data, err := os.ReadFile(blob)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(blob, data, 0o644)
}
