package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// vote casts an arbiter organisation's vote: through its gateway, or without one as any Fabric client.
func (s *scene) vote(arbiter *person, order []byte, buyerBps uint32) {
	command := &spec.VoteDispute{Order: order, BuyerBps: buyerBps}
	line := fmt.Sprintf("the arbiter %s votes %g %% to the buyer", arbiter.name, float64(buyerBps)/100)
	if arbiter.gateway != nil {
		s.step(arbiter, "market:VoteDispute", command, line)
		return
	}
	// The peers are asked side by side and have to agree.
	for _, house := range s.demo.houses {
		if house.gateway != nil {
			s.sees(house)
		}
	}
	s.must(s.demo.invoke(s.ctx, arbiter, &spec.Call{Operation: spec.Find("market:VoteDispute"), Command: command}))
	s.say("  %-56s by peer", line)
}

// invoke is what an organisation without a gateway does: Fabric's own peer command, in the environment that cmt-network env prints. It
// returns when all peers have the transaction.
func (d *Demo) invoke(ctx context.Context, who *person, call *spec.Call) error {
	argument, err := call.Encode()
	if err != nil {
		return err
	}
	env := exec.CommandContext(ctx, d.NetworkProgram, "env", who.organisation, "--data", d.Facts.DataDir)
	env.Stderr = os.Stderr
	environment, err := env.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(env.Args, " "), err)
	}
	// The environment is its administrator's at first; a call is a client's.
	const script = `
export CORE_PEER_MSPCONFIGPATH="$ORG_CLIENT_MSP"
peer chaincode invoke -o "$ORDERER" --tls --cafile "$ORDERER_CA" -C "$CHANNEL" -n "$1" $ENDORSERS --waitForEvent -c "{\"function\":\"$2\",\"Args\":[\"$3\"]}"
`
	quoted := strings.ReplaceAll(string(argument), `"`, `\"`)
	command := exec.CommandContext(ctx, "sh", "-euc", string(environment)+script, "peer", d.Facts.Chaincode, call.Operation.FullName(), quoted)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: peer chaincode invoke %s: %w: %s", who.name, call.Operation.FullName(), err, strings.TrimSpace(string(output)))
	}
	return nil
}
