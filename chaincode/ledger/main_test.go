package ledger_test

import (
	"os"
	"testing"

	"github.com/cybermiles/cmt/chaincode/simulate/seed"
)

func TestMain(m *testing.M) {
	seed.Rapid()
	os.Exit(m.Run())
}
