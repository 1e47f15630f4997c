package fabric

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/cybermiles/cmt/gateway/app"
)

// Consumer takes blocks, in order, each once.
type Consumer interface {
	// Next returns the number of the block that is wanted next.
	Next(ctx context.Context) (uint64, error)
	// HashOf returns the hash of a block that was taken.
	HashOf(ctx context.Context, number uint64) ([]byte, error)
	// Apply takes the next block.
	Apply(ctx context.Context, block app.Block) error
	// Reset forgets all blocks: they were another ledger's.
	Reset(ctx context.Context) error
}

// ErrOtherLedger is the error of a block that does not follow those that were taken.
var ErrOtherLedger = errors.New("the peer's ledger is not the one that the read model was built from")

// Source is where a follower gets blocks from.
type Source interface {
	Height(ctx context.Context) (uint64, error)
	HashOf(ctx context.Context, number uint64) ([]byte, error)
	// Blocks streams blocks from the given number on; the channel is closed when the stream is lost or ctx ends.
	Blocks(ctx context.Context, start uint64) (<-chan *common.Block, error)
}

// Follower brings blocks from a peer to a consumer, for as long as it runs.
type Follower struct {
	source    Source
	consumer  Consumer
	chaincode string
	log       *slog.Logger
}

// NewFollower returns a follower that decodes the writes of one chaincode.
func NewFollower(source Source, consumer Consumer, chaincode string, log *slog.Logger) *Follower {
	return &Follower{source: source, consumer: consumer, chaincode: chaincode, log: log}
}

// Run follows until ctx ends. A lost stream is opened again; blocks of another ledger make the consumer forget its own.
func (f *Follower) Run(ctx context.Context) error {
	for try := 0; ; try++ {
		progressed, err := f.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if progressed {
			try = 0
		}
		if errors.Is(err, ErrOtherLedger) {
			f.log.Warn("the read model belongs to another ledger; building it anew from block 0")
			if err = f.consumer.Reset(ctx); err == nil {
				continue
			}
		}
		level := slog.LevelDebug
		if try == 0 {
			level = slog.LevelWarn
		}
		f.log.Log(ctx, level, "the stream of blocks ended; opening it again", "error", err)
		if !pause(ctx, try) {
			return nil
		}
	}
}

// follow takes blocks from one stream until it ends, and reports whether any came.
func (f *Follower) follow(ctx context.Context) (progressed bool, err error) {
	next, err := f.consumer.Next(ctx)
	if err != nil {
		return false, err
	}
	if err := f.sameLedger(ctx, next); err != nil {
		return false, err
	}
	streaming, cancel := context.WithCancel(ctx)
	blocks, err := f.source.Blocks(streaming, next)
	if err != nil {
		cancel()
		return false, fmt.Errorf("open a stream of blocks from %d: %w", next, err)
	}
	defer func() {
		cancel()
		for range blocks {
			// The stream's goroutine ends when its last block is taken from it.
			continue
		}
	}()
	for block := range blocks {
		if err := f.take(ctx, block); err != nil {
			return progressed, err
		}
		progressed = true
	}
	return progressed, errors.New("the peer closed it")
}

func (f *Follower) take(ctx context.Context, block *common.Block) error {
	decoded, err := DecodeBlock(block, f.chaincode)
	if err != nil {
		return err
	}
	if decoded.Number > 0 {
		previous, err := f.consumer.HashOf(ctx, decoded.Number-1)
		if err != nil {
			return err
		}
		if !bytes.Equal(previous, decoded.PreviousHash) {
			return fmt.Errorf("block %d: %w", decoded.Number, ErrOtherLedger)
		}
	}
	return f.consumer.Apply(ctx, decoded)
}

// sameLedger compares the last block that both the consumer and the peer have: a network that was purged and stood up
// again may be lower than an old read model, and its stream would never begin.
func (f *Follower) sameLedger(ctx context.Context, next uint64) error {
	if next == 0 {
		return nil
	}
	height, err := f.source.Height(ctx)
	if err != nil || height == 0 {
		return err
	}
	common := min(next, height) - 1
	theirs, err := f.source.HashOf(ctx, common)
	if err != nil {
		return err
	}
	ours, err := f.consumer.HashOf(ctx, common)
	if err != nil {
		return err
	}
	if !bytes.Equal(ours, theirs) {
		return fmt.Errorf("block %d: %w", common, ErrOtherLedger)
	}
	return nil
}

// Blocks streams blocks from the first peer that has not failed, until it does.
func (l *Ledger) Blocks(ctx context.Context, start uint64) (<-chan *common.Block, error) {
	conn := l.preferred()
	ctx, cancel := context.WithCancel(ctx)
	blocks, err := conn.network.BlockEvents(ctx, client.WithStartBlock(start))
	l.reported(conn, err)
	if err != nil {
		cancel()
		return nil, err
	}
	watched := make(chan *common.Block)
	go func() {
		defer close(watched)
		for block := range blocks {
			l.orderers.see(block)
			watched <- block // whoever asked for blocks takes them until there are no more
		}
	}()
	go func() {
		// A mute peer does not end its streams; whoever finds it mute does.
		defer cancel()
		ticker := time.NewTicker(healInterval)
		defer ticker.Stop()
		for !conn.breaker.Open() {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return watched, nil
}
