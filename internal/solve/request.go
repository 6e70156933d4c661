package solve

import (
	"io"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// Request is one build, in the words of buildx's flags.
type Request struct {
	// Addr is the daemon's address: unix://, tcp://, docker-container://,
	// kube-pod://, podman-container://, nerdctl-container:// or ssh://.
	Addr string
	// Context is a local directory, or a git or http URL.
	Context string
	// Spec is the path of the spec file. With a URL as Context a relative path is
	// looked up there by the frontend, and Frontend has to be set.
	Spec string
	// Frontend is the reference of the frontend image; empty for the spec's own
	// "# syntax=" line.
	Frontend string
	// Target is the frontend's target; empty for its default.
	Target string
	// Platforms are os/arch[/variant]; empty for the daemon's own.
	Platforms []string
	// BuildArgs go to the frontend. SOURCE_DATE_EPOCH among them also reaches the exporters.
	BuildArgs map[string]string
	// Labels go to the frontend.
	Labels map[string]string
	// Source is where the source stands: its revision and URL, for the frontend.
	Source Source
	// Annotations are put on each platform's manifest by the exporter.
	Annotations map[string]string
	// Contexts are named contexts: docker-image://, oci-layout://DIR[:TAG][@DIGEST],
	// a git or http URL, or a local directory.
	Contexts map[string]string
	// NoCache ignores the cache for every step.
	NoCache bool
	// Pull resolves every image again.
	Pull bool
	// Secrets are "id=ID[,src=FILE|,env=NAME]".
	Secrets []string
	// CacheFrom and CacheTo are "type=…,…", or a bare reference for a registry.
	CacheFrom, CacheTo []string
	// Outputs are "type=…[,dest=…][,…]", a directory, or "-" for a tar on Stdout.
	Outputs []string
	// Tags name the image in every output that can carry a name.
	Tags []string
	// Attest asks the daemon for attestations: "sbom" or "provenance" and their parameters.
	Attest map[string]string
	// Progress is auto, plain, tty, quiet or rawjson; empty is auto.
	Progress string
	// Stderr receives progress and warnings; nil discards them.
	Stderr io.Writer
	// Stdout receives an output whose destination is "-".
	Stdout io.Writer
	// Load receives the archive of a docker output without a destination. It is
	// called once the daemon sends; closing the writer has to wait until the load ended.
	Load func() (io.WriteCloser, error)
	// DockerConfig is the directory of docker's config.json; empty for the usual one.
	DockerConfig string
	// BuildFunc, if set, runs in this process instead of a frontend image: for tests.
	BuildFunc gateway.BuildFunc
}

// Source is what buildx finds out of a working tree and hands to every frontend;
// empty fields are unknown.
type Source struct{ Revision, URL string }
