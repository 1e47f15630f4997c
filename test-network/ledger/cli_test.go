//go:build network

package ledger

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// shell runs lines in a shell whose environment is what cmt-network env prints for an organisation.
func shell(t *testing.T, organisation, lines string) (string, error) {
	t.Helper()
	out, err := testnet.Command("env", organisation).Output()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(short(t), "sh", "-euc", string(out)+lines)
	output, err := command.CombinedOutput()
	return string(output), err
}

// Fabric's own command line works with what cmt-network env says, and no more.
func TestPeerCommandLine(t *testing.T) {
	shop := open(t, "merchant1", "cli")
	merchant := open(t, "merchant1", "")
	fund(t, "5", merchant)
	body := `{"reference":"` + reference() + `","to":"` + shop.address().String() + `","amount":"2.5","memo":"by hand"}`
	const invoke = `peer chaincode invoke -o "$ORDERER" --tls --cafile "$ORDERER_CA" -C "$CHANNEL" -n cmt $ENDORSERS --waitForEvent -c `
	const asClient = `export CORE_PEER_MSPCONFIGPATH="$ORG_CLIENT_MSP"` + "\n"
	arguments := func(function, argument string) string {
		return `'{"Args":["` + function + `",` + quote(argument) + `]}'` + "\n"
	}

	output, err := shell(t, "merchant1", `peer chaincode query -C "$CHANNEL" -n cmt -c `+arguments("token:GetSupply", "{}"))
	if err == nil || !strings.Contains(output, string(spec.NotAClient)) {
		t.Errorf("a query by the administrator, whom the environment is first: %v\n%s", err, output)
	}
	output, err = shell(t, "merchant1", asClient+invoke+arguments("token:Transfer", body)+
		`peer chaincode query -C "$CHANNEL" -n cmt -c `+arguments("token:GetBalance", `{"address":"`+shop.address().String()+`"}`))
	if err != nil || !strings.Contains(output, `"credits":"2.5"`) {
		t.Errorf("a transfer and a query by the client: %v\n%s", err, output)
	}
	output, err = shell(t, "merchant1", asClient+invoke+arguments("token:Transfer", body))
	if err == nil || !strings.Contains(output, string(spec.ReferenceUsed)) {
		t.Errorf("the same transfer again: %v\n%s", err, output)
	}
	output, err = shell(t, "buyers", asClient+`peer chaincode query -C "$CHANNEL" -n cmt -c '{"Args":[]}'`)
	if err == nil || !strings.Contains(output, string(spec.WrongArgumentCount)) {
		t.Errorf("a query without any argument: %v\n%s", err, output)
	}
	testnet.height(t)
}
