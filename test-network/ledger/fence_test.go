//go:build network

package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// What was endorsed in an epoch and kept back dies with the epoch's fence; until then it lives.
func TestWithheldEndorsementsDieWithTheirFence(t *testing.T) {
	shop := open(t, "merchant1", "fence")
	early, late, next := open(t, "buyers", "fence-1"), open(t, "buyers", "fence-2"), open(t, "buyers", "fence-3")
	fund(t, "10", early, late, next)

	at := now()
	epoch := uint64(at.Unix()) / fenceEpochSeconds
	pay := func(by account) (*client.Transaction, error) {
		return by.endorseAt(short(t), at, by.call("token:Transfer", &spec.Transfer{Reference: reference(), To: shop.address().Bytes(), Amount: cmt("1")}))
	}
	kept, err1 := pay(early)
	lost, err2 := pay(late)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}

	next.refuse(t, "consortium:Fence", &spec.Fence{Epoch: epoch}, spec.FenceTooEarly)
	next.refuse(t, "consortium:Fence", &spec.Fence{Epoch: epoch + 1}, spec.FenceTooEarly)

	// The epoch is over but has no fence yet: what was endorsed in it still commits.
	over := time.Unix(int64((epoch+1)*fenceEpochSeconds), 0)
	eventually(t, patience, func(context.Context) error {
		if left := time.Until(over); left > 0 {
			return fmt.Errorf("the epoch ends in %v", left)
		}
		return nil
	})
	if _, err := finish(short(t), kept); err != nil {
		t.Errorf("a transaction of an ended epoch without a fence: %v", err)
	}

	var fenced receipt
	eventually(t, patience, func(ctx context.Context) (err error) {
		fenced, err = next.try(ctx, next.call("consortium:Fence", &spec.Fence{Epoch: epoch}), nil)
		return err
	})
	if soonest := over.Add(fenceGraceSeconds * time.Second); now().Before(soonest) {
		t.Errorf("the fence stands %v before the epoch's grace has ended", time.Until(soonest))
	}
	testnet.await(t, fenced.block)

	before := late.free(t)
	if _, err := finish(short(t), lost); invalidCode(err) != peer.TxValidationCode_MVCC_READ_CONFLICT {
		t.Errorf("a transaction endorsed before the fence and sent after it: %v, want MVCC_READ_CONFLICT", err)
	}
	testnet.height(t)
	if after := late.free(t); after != before {
		t.Errorf("its payer had %s and has %s", before, after)
	}

	next.refuse(t, "consortium:Fence", &spec.Fence{Epoch: epoch}, spec.WrongState)
	if _, err := pay(late); spec.ErrorCode(err) != spec.Fenced {
		t.Errorf("a proposal with the fenced epoch's time: %v", err)
	}
	late.do(t, "token:Transfer", &spec.Transfer{Reference: reference(), To: shop.address().Bytes(), Amount: cmt("1")}, nil)
}
