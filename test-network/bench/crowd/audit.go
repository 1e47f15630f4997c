package crowd

import (
	"context"
	"errors"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/store"
	"github.com/cybermiles/cmt/network/topology"
)

// Audit waits until all peers agree on height and hash, and the read model has every block; then all money adds up to what
// was minted and not burnt.
func (g *Relay) Audit(ctx context.Context, facts *topology.Facts) error {
	height, err := Agreed(ctx, facts)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	if err := g.Store.AwaitBlock(waiting, height-1); err != nil {
		return fmt.Errorf("audit: the read model lacks block %d: %w", height-1, err)
	}
	if err := addsUp(g.Store); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// addsUp reads every record of a read model.
func addsUp(model *store.Store) error {
	var b books
	if err := model.State(b.record); err != nil {
		return err
	}
	if b.sum != b.supply {
		return fmt.Errorf("accounts, credits and holds are %s CMT together; %s were minted and not burnt", b.sum, b.supply)
	}
	return nil
}

// books adds up what a read model has.
type books struct{ sum, supply spec.Amount }

func (b *books) record(name string, value []byte) error {
	key, err := state.ParseKey(name)
	if err != nil {
		return err
	}
	record, err := state.DecodeRecord(key.Kind, value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch r := record.(type) {
	case ledger.Account:
		return b.add(r.Balance)
	case ledger.Credit:
		return b.add(r.Amount)
	case ledger.Hold:
		return b.add(r.Amount)
	case ledger.Supply:
		b.supply = r.Total()
	}
	return nil
}

func (b *books) add(part spec.Amount) (err error) {
	var ok bool
	if b.sum, ok = b.sum.Add(part); !ok {
		return errors.New("accounts, credits and holds exceed all CMT there can be")
	}
	return nil
}
