package fabric

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cybermiles/cmt/gateway/app"
)

func encoded(t *testing.T, message proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var when = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// envelope makes a transaction as an endorsing client does.
func envelope(t *testing.T, id, chaincode string) []byte {
	t.Helper()
	set := func(namespace string, writes ...*kvrwset.KVWrite) *rwset.NsReadWriteSet {
		return &rwset.NsReadWriteSet{Namespace: namespace, Rwset: encoded(t, &kvrwset.KVRWSet{Writes: writes})}
	}
	action := &peer.ChaincodeAction{
		Response: &peer.Response{Status: 200, Payload: []byte(`{"ok":true}`)},
		Results: encoded(t, &rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{
			set("_lifecycle", &kvrwset.KVWrite{Key: "other", Value: []byte("x")}),
			set(chaincode, &kvrwset.KVWrite{Key: "a/1", Value: []byte("v")}, &kvrwset.KVWrite{Key: "c/1/2", IsDelete: true}),
		}}),
	}
	invocation := &peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
		ChaincodeId: &peer.ChaincodeID{Name: chaincode}, Input: &peer.ChaincodeInput{Args: [][]byte{[]byte("token:Transfer"), []byte("{}")}},
	}}
	payload := &peer.ChaincodeActionPayload{
		ChaincodeProposalPayload: encoded(t, &peer.ChaincodeProposalPayload{Input: encoded(t, invocation)}),
		Action:                   &peer.ChaincodeEndorsedAction{ProposalResponsePayload: encoded(t, &peer.ProposalResponsePayload{Extension: encoded(t, action)})},
	}
	header := &common.Header{
		ChannelHeader:   encoded(t, &common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), TxId: id, Timestamp: timestamppb.New(when)}),
		SignatureHeader: encoded(t, &common.SignatureHeader{Creator: encoded(t, &msp.SerializedIdentity{Mspid: "A"})}),
	}
	data := encoded(t, &peer.Transaction{Actions: []*peer.TransactionAction{{Payload: encoded(t, payload)}}})
	return encoded(t, &common.Envelope{Payload: encoded(t, &common.Payload{Header: header, Data: data})})
}

func configEnvelope(t *testing.T) []byte {
	t.Helper()
	header := &common.Header{ChannelHeader: encoded(t, &common.ChannelHeader{Type: int32(common.HeaderType_CONFIG)})}
	return encoded(t, &common.Envelope{Payload: encoded(t, &common.Payload{Header: header})})
}

func newBlock(number uint64, previous []byte, flags []byte, envelopes ...[]byte) *common.Block {
	return &common.Block{
		Header:   &common.BlockHeader{Number: number, PreviousHash: previous, DataHash: []byte{byte(number)}},
		Data:     &common.BlockData{Data: envelopes},
		Metadata: &common.BlockMetadata{Metadata: [][]byte{nil, nil, flags, nil, nil}},
	}
}

const (
	valid = byte(peer.TxValidationCode_VALID)
	mvcc  = byte(peer.TxValidationCode_MVCC_READ_CONFLICT)
	bad   = byte(peer.TxValidationCode_BAD_PAYLOAD)
)

func TestDecodeBlock(t *testing.T) {
	block := newBlock(7, []byte("before"), []byte{valid, mvcc, bad, valid, valid},
		envelope(t, "t1", "cmt"), envelope(t, "t2", "cmt"), []byte("rubbish"), configEnvelope(t), envelope(t, "t3", "else"))
	got, err := DecodeBlock(block, "cmt")
	if err != nil {
		t.Fatal(err)
	}
	whole := app.BlockTransaction{
		ID: "t1", Code: "VALID", Function: "token:Transfer", Args: [][]byte{[]byte("{}")}, Result: []byte(`{"ok":true}`), Creator: "A", Time: when,
		Writes: []app.Write{{Key: "a/1", Value: []byte("v")}, {Key: "c/1/2", Delete: true}},
	}
	lost := whole
	lost.ID, lost.Code, lost.Writes = "t2", "MVCC_READ_CONFLICT", nil
	foreign := app.BlockTransaction{ID: "t3", Code: "VALID", Creator: "A", Time: when}
	if want := []app.BlockTransaction{whole, lost, foreign}; !reflect.DeepEqual(got.Transactions, want) {
		t.Errorf("got %+v\nwant %+v", got.Transactions, want)
	}
	if got.Number != 7 || string(got.PreviousHash) != "before" || len(got.Hash) != 32 {
		t.Errorf("header: %+v", got)
	}
}

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	if _, err := DecodeBlock(newBlock(1, nil, []byte{valid}, []byte("rubbish")), "cmt"); err == nil {
		t.Error("a valid transaction that cannot be read was passed over")
	}
	if _, err := DecodeBlock(newBlock(1, nil, nil, envelope(t, "t", "cmt")), "cmt"); err == nil {
		t.Error("a block without validation codes was taken")
	}
}

// chain is a source of blocks, and a consumer of them.
type chain struct {
	blocks []*common.Block
	taken  []app.Block
	resets int
	done   context.CancelFunc
	want   int
	// breaks ends the stream after so many blocks, once.
	breaks int
}

func (c *chain) extend(t *testing.T, count int) {
	t.Helper()
	for range count {
		var previous []byte
		if n := len(c.blocks); n > 0 {
			var err error
			if previous, err = headerHash(c.blocks[n-1].GetHeader()); err != nil {
				t.Fatal(err)
			}
		}
		c.blocks = append(c.blocks, newBlock(uint64(len(c.blocks)), previous, []byte{valid}, envelope(t, "t", "cmt")))
	}
}

func (c *chain) Height(context.Context) (uint64, error) { return uint64(len(c.blocks)), nil }

func (c *chain) Blocks(ctx context.Context, start uint64) (<-chan *common.Block, error) {
	stream := make(chan *common.Block)
	go func() {
		defer close(stream)
		for i := start; i < uint64(len(c.blocks)); i++ {
			if c.breaks > 0 {
				if c.breaks--; c.breaks == 0 {
					return
				}
			}
			stream <- c.blocks[i]
		}
		<-ctx.Done()
	}()
	return stream, nil
}

func (c *chain) HashOf(_ context.Context, number uint64) ([]byte, error) {
	return headerHash(c.blocks[number].GetHeader())
}

// consumer is the side that takes the chain's blocks.
type consumer struct{ *chain }

func (c consumer) Next(context.Context) (uint64, error) { return uint64(len(c.taken)), nil }
func (c consumer) HashOf(_ context.Context, number uint64) ([]byte, error) {
	return c.taken[number].Hash, nil
}

func (c consumer) Apply(_ context.Context, block app.Block) error {
	if block.Number != uint64(len(c.taken)) {
		return errors.New("out of order")
	}
	c.taken = append(c.taken, block)
	if len(c.taken) == c.want {
		c.done()
	}
	return nil
}

func (c consumer) Reset(context.Context) error {
	c.taken, c.resets = nil, c.resets+1
	return nil
}

func follow(t *testing.T, c *chain) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c.done = cancel
	if err := NewFollower(c, consumer{c}, "cmt", slog.New(slog.DiscardHandler)).Run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(c.taken) != c.want {
		t.Fatalf("took %d blocks, want %d", len(c.taken), c.want)
	}
}

func TestFollowerResumes(t *testing.T) {
	c := &chain{want: 5, breaks: 3}
	c.extend(t, 5)
	follow(t, c)
	c.extend(t, 3)
	c.want = 8
	follow(t, c)
	if c.resets != 0 {
		t.Error("it began anew")
	}
}

func TestFollowerBeginsAnewOnAnotherLedger(t *testing.T) {
	for name, height := range map[string]int{"shorter": 2, "as long": 5, "longer": 9} {
		t.Run(name, func(t *testing.T) {
			c := &chain{want: 5}
			c.extend(t, 5)
			follow(t, c)
			// The network was purged and stood up again.
			c.blocks = nil
			c.extend(t, height)
			c.blocks[0].Header.DataHash = []byte("another")
			previous, err := headerHash(c.blocks[0].GetHeader())
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range c.blocks[1:] {
				block.Header.PreviousHash = bytes.Clone(previous)
				if previous, err = headerHash(block.GetHeader()); err != nil {
					t.Fatal(err)
				}
			}
			c.want = height
			follow(t, c)
			if c.resets != 1 {
				t.Errorf("%d times anew", c.resets)
			}
		})
	}
}
