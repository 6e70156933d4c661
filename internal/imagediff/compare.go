package imagediff

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
)

// Image is one side of a comparison.
type Image struct {
	// Manifest is the raw manifest; nil if the form has none. Its annotations are
	// compared where both images have some.
	Manifest []byte
	// Config is the raw config file.
	Config []byte
	// Layers open the uncompressed tars, bottom first.
	Layers []func(context.Context) (io.ReadCloser, error)
}

// Difference is one place in which the images are not the same.
type Difference struct {
	// Where names it, from the outside in: "config Env", "layer 1",
	// "/orders", "/orders section .text", "/orders function main.main".
	Where string
	// Got is the first image's, Want the second's.
	Got, Want string
}

// maxDifferences are listed of one kind; more would say nothing new.
const maxDifferences = 8

// Compare holds an image against the one that it should be: the config's fields, then
// each layer by the digest of its bytes, and inside those that differ each file. The
// result is empty if all is the same but for created and history, which are the
// exporter's to write.
func Compare(ctx context.Context, got, want Image) ([]Difference, error) {
	c := &comparison{}
	a, err := c.config(got.Config)
	if err != nil {
		return nil, err
	}
	b, err := c.config(want.Config)
	if err != nil {
		return nil, err
	}
	c.settings(a, b)
	c.annotations(got.Manifest, want.Manifest)
	if len(got.Layers) != len(want.Layers) {
		c.add("layers", fmt.Sprint(len(got.Layers)), fmt.Sprint(len(want.Layers)))
	}
	for i := range min(len(got.Layers), len(want.Layers)) {
		if err := c.layer(ctx, i, got.Layers[i], want.Layers[i]); err != nil {
			return nil, fmt.Errorf("comparing layer %d: %w", i, err)
		}
	}
	return c.found, nil
}

type comparison struct{ found []Difference }

func (c *comparison) add(where, got, want string) {
	c.found = append(c.found, Difference{where, got, want})
}

func (c *comparison) config(raw []byte) (map[string]json.RawMessage, error) {
	var top struct {
		Config map[string]json.RawMessage `json:"config"`
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	for _, key := range []string{"config", "created", "history", "rootfs"} {
		delete(all, key)
	}
	for key, value := range top.Config {
		all["config."+key] = value
	}
	return all, nil
}

// settings compares field by field, and labels key by key.
func (c *comparison) settings(a, b map[string]json.RawMessage) {
	for _, key := range union(a, b) {
		got, want := plain(a[key]), plain(b[key])
		if got == want {
			continue
		}
		var one, other map[string]string
		if json.Unmarshal(a[key], &one) == nil && json.Unmarshal(b[key], &other) == nil {
			for _, name := range union(one, other) {
				if one[name] != other[name] {
					c.add(key+" "+name, one[name], other[name])
				}
			}
			continue
		}
		c.add(key, got, want)
	}
}

// annotations are lost in archives and daemons, so none is no difference.
func (c *comparison) annotations(got, want []byte) {
	var a, b struct {
		Annotations map[string]string `json:"annotations"`
	}
	if json.Unmarshal(got, &a) != nil || json.Unmarshal(want, &b) != nil || len(a.Annotations) == 0 || len(b.Annotations) == 0 {
		return
	}
	for _, key := range union(a.Annotations, b.Annotations) {
		if a.Annotations[key] != b.Annotations[key] {
			c.add("annotation "+key, a.Annotations[key], b.Annotations[key])
		}
	}
}

func union[V any](a, b map[string]V) []string {
	all := map[string]V{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// plain is JSON without its spaces; what is empty and what is absent are the same.
func plain(raw json.RawMessage) string {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	data, err := json.Marshal(v)
	if err != nil || slices.Contains([]string{"null", `""`, "[]", "{}", "false", "0"}, string(data)) {
		return ""
	}
	return string(data)
}

// layer compares two tars, by digest first.
func (c *comparison) layer(ctx context.Context, i int, got, want func(context.Context) (io.ReadCloser, error)) error {
	a, err := diffID(ctx, got)
	if err != nil {
		return err
	}
	b, err := diffID(ctx, want)
	if err != nil || a == b {
		return err
	}
	c.add(fmt.Sprintf("layer %d", i), a.String(), b.String())
	return c.files(ctx, got, want)
}

func diffID(ctx context.Context, open func(context.Context) (io.ReadCloser, error)) (digest.Digest, error) {
	rc, err := open(ctx)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	return digest.FromReader(rc)
}
