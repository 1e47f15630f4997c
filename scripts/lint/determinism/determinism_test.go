package determinism

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"
)

// Each fixture says beside each line what is reported there; what it does not say must not be reported.
func TestAnalyzer(t *testing.T) {
	for _, fixture := range []string{
		"chaincode/ledger",          // every way to break the law
		"chaincode/state/clean",     // every way to keep it
		"chaincode/simulate",        // not under it
		"chaincode/ledgers",         // not under it, for all its name
		"chaincode/contract/server", // a program
	} {
		t.Run(fixture, func(t *testing.T) {
			analysistest.Run(t, analysistest.TestData(), Analyzer, module+fixture)
		})
	}
}

func TestUnderLaw(t *testing.T) {
	for path, want := range map[string]bool{
		"github.com/cybermiles/cmt/chaincode/spec":             true,
		"github.com/cybermiles/cmt/chaincode/ledger":           true,
		"github.com/cybermiles/cmt/chaincode/ledger/escrow":    true,
		"github.com/cybermiles/cmt/chaincode/intent":           true,
		"github.com/cybermiles/cmt/chaincode/state":            true,
		"github.com/cybermiles/cmt/chaincode/contract":         true,
		"github.com/cybermiles/cmt/chaincode/contracts":        false,
		"github.com/cybermiles/cmt/chaincode/simulate":         false,
		"github.com/cybermiles/cmt/chaincode/cmd":              false,
		"github.com/cybermiles/cmt/gateway/app":                false,
		"example.com/github.com/cybermiles/cmt/chaincode/spec": false,
	} {
		if got := underLaw(path); got != want {
			t.Errorf("underLaw(%q) = %v, want %v", path, got, want)
		}
	}
}
