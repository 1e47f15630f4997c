package harness

import (
	"fmt"
	"os"

	"github.com/cybermiles/cmt/network/topology"
)

// Tests are a package's tests on a network of its own.
type Tests struct {
	// Genesis changes the genesis argument of the local consortium.
	Genesis func(local *topology.Topology, argument map[string]any)
	// Open makes what the tests share once the network is up; Close ends it.
	Open  func(stage *Network, facts *topology.Facts) error
	Close func()
	// Audit has the last word: whatever the tests did, the ledger adds up.
	Audit func() error
}

// Run brings the network up, runs the tests and the audit, and removes the network. It returns the exit status.
func (t Tests) Run(tests interface{ Run() int }) (code int) {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stage, err := New()
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err := stage.Remove(); err != nil {
			code = fail(err)
		}
	}()
	facts, err := stage.Up(t.Genesis)
	if err != nil {
		return fail(err)
	}
	if err := t.Open(stage, facts); err != nil {
		return fail(err)
	}
	defer t.Close()
	code = tests.Run()
	if err := t.Audit(); err != nil {
		code = fail(fmt.Errorf("--- FAIL: the audit of the whole ledger: %w", err))
	}
	if code != 0 {
		stage.WriteLogs(os.Stderr, facts)
	}
	return code
}
