//go:build network

package intents

import (
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// What was used stays used, what was voided stays void, and what was signed before a restart of the whole network happens
// after it, once.
func TestIntentsOutliveARestart(t *testing.T) {
	a, _ := relays()
	p, q, to := rich(t, spec.Scheme_SCHEME_ED25519, 5), rich(t, spec.Scheme_SCHEME_P256, 5), shop(t)
	used, voided, waiting, fromQ := p.pays(to, 1), p.pays(to, 1), p.pays(to, 1), q.pays(to, 1)
	a.carries(t, used).happen()
	a.carries(t, p.next("token:VoidNonce", &spec.VoidNonce{Nonce: p.nonce - 1})).happen()
	endorsed := a.endorses(t, waiting, fromQ)

	stage, accounts, ledgerID := testnet.Network, testnet.accounts, testnet.ledgerID
	testnet.close()
	if err := stage.Stop(); err != nil {
		t.Fatal(err)
	}
	facts, err := stage.Start()
	if err != nil {
		t.Fatal(err)
	}
	again, err := openNetwork(stage, facts)
	if err != nil {
		t.Fatal(err)
	}
	testnet = again
	for account := range accounts {
		testnet.knows(account)
	}
	if testnet.ledgerID != ledgerID {
		t.Fatal("the ledger has another identifier")
	}

	a, b := relays()
	b.carries(t, used, voided).happen(spec.NonceUsed, spec.NonceUsed)
	b.carries(t, waiting, fromQ).happen()
	// The batch that was endorsed before the restart comes too late.
	endorsed.by = a
	sealed, err := endorsed.transaction.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if endorsed.transaction, err = a.gateway.NewTransaction(sealed); err != nil {
		t.Fatal(err)
	}
	endorsed.sent(peer.TxValidationCode_MVCC_READ_CONFLICT)
	a.carries(t, waiting, fromQ).happen(spec.NonceUsed, spec.NonceUsed)
	wantHas(t, "the shop", to, spec.CMT(3))
}
