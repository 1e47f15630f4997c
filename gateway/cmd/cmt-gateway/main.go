// Command cmt-gateway serves the REST API of one organisation beside its peer.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run(context.Background())) }

// run is main with its exit status, so that tests can call it as a command.
func run(ctx context.Context) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cmt-gateway:", err)
		return 1
	}
	return 0
}
