// The command cmt-network runs a consortium's network on this machine: orderers, peers, chaincode services, gateways.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// errNotOK ends a command with status 1 after it has said itself what is wrong.
var errNotOK = errors.New("not ok")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	if !errors.Is(err, errNotOK) {
		fmt.Fprintf(os.Stderr, "cmt-network: %v\n", err)
	}
	os.Exit(1)
}

func newCommand() *cobra.Command {
	var s settings
	root := &cobra.Command{
		Use:           "cmt-network",
		Short:         "Run a consortium's network: orderers, peers, chaincode services, gateways",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.data, "data", "", "data directory (default .data/network in the clone)")
	flags.StringVar(&s.topology, "topology", "",
		"topology file (default the one of the last up, else test-network/topology/local.yaml in the clone)")
	flags.StringVar(&s.fabricSource, "fabric-source", "", "folder that pins Fabric's programs (default network/fabric in the clone)")
	root.AddCommand(
		newUp(&s), newDown(&s), newRestart(&s), newStatus(&s), newLogs(&s), newEnv(&s), newBuild(&s), newTopology(&s),
		newSupervise(&s),
	)
	return root
}
