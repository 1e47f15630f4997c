package flash

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/fabric"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

// census counts orders and stock of one listing by the valid writes of all blocks.
type census struct {
	listing spec.ID
	// from is the sale's first block; height is how many blocks there are to take.
	from, height uint64
	done         chan struct{}

	hashes [][]byte
	sold   map[string]ledger.Order
	lots   map[string]uint32
	// transactions are those since the sale began, invalid those among them that came to nothing, early those of these that did so
	// while every lot that there was had units.
	transactions, invalid, early int
	emptied                      bool
}

var _ fabric.Consumer = (*census)(nil)

// count reads every block anew, from the last peer.
func count(ctx context.Context, facts *topology.Facts, listing spec.ID, from, height uint64) (*census, error) {
	log := slog.New(slog.DiscardHandler)
	peer, err := crowd.LedgerOf(facts, len(facts.Peers)-1, log)
	if err != nil {
		return nil, err
	}
	defer peer.Close()
	c := newCensus(listing, from, height)
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- fabric.NewFollower(peer, c, facts.Chaincode, log).Run(following) }()
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	if taken := uint64(len(c.hashes)); taken < height {
		return nil, fmt.Errorf("count orders: only %d of %d blocks came", taken, height)
	}
	return c, nil
}

func newCensus(listing spec.ID, from, height uint64) *census {
	return &census{
		listing: listing, from: from, height: height, done: make(chan struct{}), sold: map[string]ledger.Order{}, lots: map[string]uint32{},
	}
}

// Next returns the number of the next block.
func (c *census) Next(context.Context) (uint64, error) { return uint64(len(c.hashes)), nil }

// HashOf returns the hash of a block that was taken.
func (c *census) HashOf(_ context.Context, number uint64) ([]byte, error) {
	return c.hashes[number], nil
}

// Reset forgets all blocks.
func (c *census) Reset(context.Context) error {
	fresh := newCensus(c.listing, c.from, c.height)
	fresh.done = c.done
	*c = *fresh
	return nil
}

// Apply counts a block.
func (c *census) Apply(_ context.Context, block app.Block) error {
	c.hashes = append(c.hashes, block.Hash)
	for _, transaction := range block.Transactions {
		if block.Number >= c.from {
			c.transactions++
			if transaction.Code != app.Valid {
				c.invalid++
				if !c.emptied {
					c.early++
				}
			}
		}
		for _, write := range transaction.Writes {
			if err := c.take(write); err != nil {
				return fmt.Errorf("key %q: %w", write.Key, err)
			}
		}
	}
	if uint64(len(c.hashes)) == c.height {
		close(c.done)
	}
	return nil
}

func (c *census) take(write app.Write) error {
	key, err := state.ParseKey(write.Key)
	if err != nil {
		return err
	}
	switch {
	case key.Kind == ledger.LotKind && key.Parent == string(c.listing[:]) && write.Delete:
		delete(c.lots, key.ID)
		c.emptied = true
	case key.Kind == ledger.LotKind && key.Parent == string(c.listing[:]), key.Kind == ledger.OrderKind:
		record, err := state.DecodeRecord(key.Kind, write.Value)
		if err != nil {
			return err
		}
		switch r := record.(type) {
		case ledger.Lot:
			c.lots[key.ID] = r.Stock
		case ledger.Order:
			if r.Listing == c.listing {
				c.sold[key.ID] = r
			}
		}
	}
	return nil
}

func (c *census) orders() int { return len(c.sold) }

func (c *census) units() (sum int) {
	for _, order := range c.sold {
		sum += int(order.Quantity)
	}
	return sum
}

func (c *census) buyers() int {
	found := map[spec.Address]bool{}
	for _, order := range c.sold {
		found[order.Buyer] = true
	}
	return len(found)
}

func (c *census) left() (sum int) {
	for _, stock := range c.lots {
		sum += int(stock)
	}
	return sum
}
