package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/plimsoll-build/plimsoll/internal/export"
)

// finish writes the files that a caller asked for and prints the result's line.
func finish(s Streams, log *logrus.Logger, f *buildFlags, written []export.Written) error {
	first := written[0]
	for _, w := range written {
		if w.Output.Push { // what a pipeline goes on with
			first = w
			break
		}
	}
	digest := first.Digest.String()
	if f.metadataFile != "" {
		metadata := map[string]string{"containerimage.digest": digest}
		if len(first.Names) > 0 {
			metadata["image.name"] = strings.Join(first.Names, ",")
		}
		data, err := json.MarshalIndent(metadata, "", "  ")
		if err != nil {
			return err
		}
		if err := writeFile(f.metadataFile, append(data, '\n')); err != nil {
			return err
		}
	}
	if len(f.outputs) == 0 && !f.push && !f.load {
		log.Infof("wrote %s; --load hands it to docker, --push -t REF to a registry", first.Output.Dest)
	}
	return f.report(s, resultName(first), digest)
}

// report prints the one line of stdout and writes the digest file. With an output on
// stdout the line would be a part of it, and is left out.
func (f *buildFlags) report(s Streams, name, digest string) error {
	if f.iidFile != "" {
		if err := writeFile(f.iidFile, []byte(digest)); err != nil {
			return err
		}
	}
	if name == "" {
		return nil
	}
	line := name
	if digest != "" && !strings.HasPrefix(name, dockerArchive) { // such an archive has no manifest
		line += "@" + digest
	}
	_, err := fmt.Fprintln(s.Out, line)
	return err
}

const dockerArchive = "docker-archive:"

// resultName is an output as verify takes it: REF, oci:DIR, oci-archive:FILE or
// docker-archive:FILE; empty for stdout.
func resultName(w export.Written) string {
	o := w.Output
	switch {
	case o.Dest == export.Stdout:
		return ""
	case o.Type == export.TypeOCI && o.Dir:
		return "oci:" + o.Dest
	case o.Type == export.TypeOCI:
		return "oci-archive:" + o.Dest
	case o.Type == export.TypeDocker && o.Dest != "":
		return dockerArchive + o.Dest
	case len(w.Names) > 0:
		return w.Names[0]
	}
	return o.Dest
}

// writeFile replaces a file at once.
func writeFile(file string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".plimsoll-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}
