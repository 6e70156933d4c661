package liverun

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestBundle(t *testing.T) {
	image := ocispec.ImageConfig{Entrypoint: []string{"/svc", "-a"}, Cmd: []string{"b"}}
	metrics := Options{Metrics: "http://127.0.0.1:1/"}
	for _, test := range []struct {
		name     string
		o        Options
		args     string
		writable bool
		ports    string
	}{
		{name: "as the image says", args: "/svc -a b", ports: "0"},
		{name: "arguments", o: Options{Args: []string{"c"}}, args: "/svc -a c", ports: "0"},
		{name: "no arguments", o: Options{Args: []string{}}, args: "/svc -a", ports: "0"},
		{name: "a writable root", o: Options{WritableRoot: true}, args: "/svc -a b", writable: true, ports: "0"},
		{name: "the host's network", o: metrics, args: "/svc -a b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := writeBundle(dir, "id", image, test.o, true); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(dir, "config.json"))
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Root    struct{ Readonly bool }
				Process struct{ Args []string }
				Linux   struct {
					Sysctl     map[string]string
					Namespaces []struct{ Type string }
				}
			}
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if args := strings.Join(got.Process.Args, " "); args != test.args || got.Root.Readonly == test.writable || got.Linux.Sysctl[anyPort] != test.ports {
				t.Errorf("%+v", got)
			}
			own := slices.Contains(got.Linux.Namespaces, struct{ Type string }{"network"})
			if own != (test.ports != "") {
				t.Errorf("a network of its own: %t, and sysctls %v", own, got.Linux.Sysctl)
			}
		})
	}
}

// docker and podman have no way to say "no arguments" but to name the entrypoint too.
func TestCreateArgs(t *testing.T) {
	full := Image{Config: ocispec.Image{Config: ocispec.ImageConfig{Entrypoint: []string{"/svc", "-a"}, Cmd: []string{"b"}}}}
	for _, test := range []struct {
		name  string
		image Image
		o     Options
		end   string
	}{
		{"as the image says", full, Options{}, "PLIMSOLL_DEBUG=1 REF"},
		{"arguments", full, Options{Args: []string{"c", "d"}}, "PLIMSOLL_DEBUG=1 REF c d"},
		{"no arguments", full, Options{Args: []string{}}, "PLIMSOLL_DEBUG=1 --entrypoint /svc REF -a"},
		{"no arguments and no entrypoint", Image{}, Options{Args: []string{}}, "PLIMSOLL_DEBUG=1 REF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strings.Join(createArgs("id", "REF", test.image, test.o), " ")
			if !strings.HasSuffix(got, " "+test.end) || !strings.Contains(got, "--read-only") {
				t.Error(got)
			}
		})
	}
	if got := createArgs("id", "REF", full, Options{WritableRoot: true}); slices.Contains(got, "--read-only") {
		t.Error(got)
	}
}
