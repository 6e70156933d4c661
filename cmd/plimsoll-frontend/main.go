// Command plimsoll-frontend is the BuildKit frontend that a spec's "# syntax=" line
// names: BuildKit runs it in its own image and talks to it over its standard streams, so
// it never prints to standard output.
package main

import (
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // the codec that BuildKit's clients use

	"github.com/plimsoll-build/plimsoll/frontend"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		fmt.Fprintln(os.Stderr, "plimsoll-frontend:", err)
		os.Exit(1)
	}
}
