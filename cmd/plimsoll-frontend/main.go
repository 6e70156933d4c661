// Command plimsoll-frontend is the BuildKit frontend that a spec's "# syntax=" line
// names: BuildKit runs it in its own image and talks to it over its standard streams, so
// it never prints to standard output.
//
// With an argument it is what the frontend has run inside vertices of its own: "check" over
// a final root file system, and "rehearse" in it.
package main

import (
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // the codec that BuildKit's clients use

	"github.com/plimsoll-build/plimsoll/frontend"
	"github.com/plimsoll-build/plimsoll/internal/check"
	"github.com/plimsoll-build/plimsoll/internal/rehearse"
)

func main() {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "check":
			os.Exit(check.Command(os.Args[2:], os.Stdout))
		case "rehearse":
			os.Exit(rehearse.Command(os.Args[2:], os.Stdout))
		}
	}
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		fmt.Fprintln(os.Stderr, "plimsoll-frontend:", err)
		os.Exit(1)
	}
}
