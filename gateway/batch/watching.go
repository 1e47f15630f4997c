package batch

import (
	"context"

	"github.com/cybermiles/cmt/gateway/app"
)

// Blocks is who takes blocks, as the read model does.
type Blocks interface {
	Next(ctx context.Context) (uint64, error)
	HashOf(ctx context.Context, number uint64) ([]byte, error)
	Apply(ctx context.Context, block app.Block) error
	Reset(ctx context.Context) error
}

// Watched gives each block to a witness before it takes it.
type Watched struct {
	Blocks
	witness *Witness
	// OnReset is called when the ledger turns out to be another one; it may be nil.
	OnReset func()
}

// Watching returns the taker of blocks with the witness before it: who learns of a conflict finds the block in which it lies
// seen.
func (w *Witness) Watching(blocks Blocks) *Watched { return &Watched{Blocks: blocks, witness: w} }

// Apply shows the witness a block and takes it.
func (w *Watched) Apply(ctx context.Context, block app.Block) error {
	w.witness.See(block)
	return w.Blocks.Apply(ctx, block)
}

// Reset forgets all blocks.
func (w *Watched) Reset(ctx context.Context) error {
	err := w.Blocks.Reset(ctx)
	w.witness.forget()
	if w.OnReset != nil {
		w.OnReset()
	}
	return err
}
