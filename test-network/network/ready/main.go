// The command ready stands for a gateway in tests of the network: it takes a gateway's configuration and says that it is
// ready on its address.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "ready:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 3 || arguments[1] != "--config" {
		return fmt.Errorf("usage: ready --config FILE")
	}
	document, err := os.ReadFile(arguments[2])
	if err != nil {
		return err
	}
	var config struct {
		Listen string `yaml:"listen"`
	}
	if err := yaml.Unmarshal(document, &config); err != nil {
		return err
	}
	ok := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /readyz", ok)
	server := &http.Server{Addr: config.Listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}
