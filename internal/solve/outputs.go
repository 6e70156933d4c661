package solve

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/tonistiigi/go-csvvalue"
)

// outputs are the request's exporters and where their files wait until the build
// succeeded. BuildKit's own parser (cmd/buildctl/build) creates the destination
// while it parses, so a failed build would have emptied it.
type outputs struct {
	entries []client.ExportEntry
	staged  []*staged
}

// commit puts every output in its place.
func (o *outputs) commit() error {
	for _, s := range o.staged {
		if err := s.commit(); err != nil {
			return fmt.Errorf("writing %s: %w", s.dest, err)
		}
	}
	return nil
}

// discard removes what was not committed.
func (o *outputs) discard() {
	for _, s := range o.staged {
		s.discard()
	}
}

func openOutputs(r Request) (*outputs, error) {
	out := &outputs{}
	for _, word := range r.Outputs {
		if err := out.add(r, word); err != nil {
			out.discard()
			return nil, fmt.Errorf("reading --output %s: %w", word, err)
		}
	}
	return out, nil
}

func (o *outputs) add(r Request, word string) error {
	entry, err := parseOutput(word)
	if err != nil {
		return err
	}
	dest := entry.Attrs["dest"]
	delete(entry.Attrs, "dest")
	if err := nameImage(r, &entry); err != nil {
		return err
	}
	switch {
	case entry.Type == client.ExporterImage:
		if dest != "" {
			return errors.New("an image has no destination file: did you mean type=oci?")
		}
	case entry.Type == client.ExporterLocal, isLayout(entry):
		err = o.directory(&entry, dest)
	default:
		err = o.file(r, &entry, dest)
	}
	o.entries = append(o.entries, entry)
	return err
}

// parseOutput reads buildx's words: a directory, "-", or key=value pairs.
func parseOutput(word string) (client.ExportEntry, error) {
	entry := client.ExportEntry{Attrs: map[string]string{}}
	if word == "-" {
		return client.ExportEntry{Type: client.ExporterTar, Attrs: map[string]string{"dest": "-"}}, nil
	}
	if word != "" && !strings.Contains(word, "=") {
		return client.ExportEntry{Type: client.ExporterLocal, Attrs: map[string]string{"dest": word}}, nil
	}
	fields, err := csvvalue.Fields(word, nil)
	if err != nil {
		return entry, err
	}
	for _, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return entry, fmt.Errorf("%q is not key=value", field)
		}
		entry.Attrs[strings.ToLower(strings.TrimSpace(key))] = value
	}
	entry.Type = entry.Attrs["type"]
	delete(entry.Attrs, "type")
	return entry, checkType(&entry)
}

func checkType(entry *client.ExportEntry) error {
	switch entry.Type {
	case client.ExporterImage, client.ExporterLocal, client.ExporterTar, client.ExporterOCI, client.ExporterDocker:
		return nil
	case "registry":
		entry.Type = client.ExporterImage
		entry.Attrs["push"] = "true"
		return nil
	case "":
		return errors.New("no type given")
	}
	return fmt.Errorf("unknown type %q: known are docker, image, local, oci, registry and tar", entry.Type)
}

// nameImage adds tags and annotations to the exporters that can carry them.
func nameImage(r Request, entry *client.ExportEntry) error {
	switch entry.Type {
	case client.ExporterImage, client.ExporterOCI, client.ExporterDocker:
	default:
		return nil
	}
	if len(r.Tags) > 0 {
		entry.Attrs["name"] = strings.Join(r.Tags, ",")
	}
	for key, value := range r.Annotations {
		entry.Attrs[exptypes.AnnotationManifestKey(nil, key)] = value
	}
	if push, _ := strconv.ParseBool(entry.Attrs["push"]); push && entry.Attrs["name"] == "" {
		return errors.New("a tag is needed to push")
	}
	return nil
}

// isLayout says whether the exporter writes an OCI layout as a directory.
func isLayout(entry client.ExportEntry) bool {
	if entry.Type != client.ExporterOCI && entry.Type != client.ExporterDocker {
		return false
	}
	tar, err := strconv.ParseBool(cmp.Or(entry.Attrs["tar"], "true"))
	return err == nil && !tar
}

func (o *outputs) directory(entry *client.ExportEntry, dest string) error {
	if dest == "" || dest == "-" {
		return errors.New("dest has to name a directory")
	}
	s, err := stageDir(dest, entry.Type != client.ExporterLocal)
	if err != nil {
		return err
	}
	o.staged = append(o.staged, s)
	entry.OutputDir = s.path
	return nil
}

func (o *outputs) file(r Request, entry *client.ExportEntry, dest string) error {
	switch {
	case dest == "" && entry.Type == client.ExporterDocker && r.Load != nil:
		entry.Output = func(map[string]string) (io.WriteCloser, error) { return r.Load() }
		return nil
	case dest == "" || dest == "-":
		if r.Stdout == nil {
			return errors.New("dest has to name a file")
		}
		if isTerminal(r.Stdout) {
			return errors.New("refusing to write an archive to a terminal: dest has to name a file")
		}
		entry.Output = func(map[string]string) (io.WriteCloser, error) { return keepOpen{r.Stdout}, nil }
		return nil
	}
	s, err := stageFile(dest)
	if err != nil {
		return err
	}
	o.staged = append(o.staged, s)
	entry.Output = func(map[string]string) (io.WriteCloser, error) {
		return os.OpenFile(s.path, os.O_WRONLY|os.O_TRUNC, 0)
	}
	return nil
}

// keepOpen is a writer that belongs to the caller.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}
