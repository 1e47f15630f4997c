package fabric

import (
	"context"
	"errors"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// agreedIn is a block whose signatures cover the metadata of a consenter.
func agreedIn(t *testing.T, consenter []byte) *common.Block {
	t.Helper()
	covered, err := proto.Marshal(&common.OrdererBlockMetadata{LastConfig: &common.LastConfig{Index: 7}, ConsenterMetadata: consenter})
	if err != nil {
		t.Fatal(err)
	}
	signatures, err := proto.Marshal(&common.Metadata{Value: covered})
	if err != nil {
		t.Fatal(err)
	}
	return &common.Block{Metadata: &common.BlockMetadata{Metadata: [][]byte{signatures}}}
}

// viewMetadata is smartbftprotos.ViewMetadata: view_id 1, latest_sequence 2, decisions_in_view 3, prev_commit_signature_digest 5.
// As in all of proto3, a view of 0 is left out.
func viewMetadata(view uint64) []byte {
	var b []byte
	if view > 0 {
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), view)
	}
	b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), 41)
	return protowire.AppendBytes(protowire.AppendTag(b, 5, protowire.BytesType), []byte("digest"))
}

func TestBlockTellsItsView(t *testing.T) {
	for _, view := range []uint64{0, 1, 5, 1 << 40} {
		if got, ok := viewOf(agreedIn(t, viewMetadata(view))); !ok || got != view {
			t.Errorf("view %d: got %d, %v", view, got, ok)
		}
	}
	for name, block := range map[string]*common.Block{
		"no metadata":       {},
		"not of BFT":        agreedIn(t, nil),
		"a torn number":     agreedIn(t, []byte{1 << 3, 0x80}),
		"a torn tag":        agreedIn(t, []byte{0x80}),
		"a torn digest":     agreedIn(t, []byte{5<<3 | 2, 9, 1}),
		"torn signatures":   {Metadata: &common.BlockMetadata{Metadata: [][]byte{{0x0a, 9, 1}}}},
		"signatures absent": {Metadata: &common.BlockMetadata{}},
	} {
		if view, ok := viewOf(block); ok {
			t.Errorf("%s: got view %d", name, view)
		}
	}
}

func TestTheViewNamesTheLeader(t *testing.T) {
	o := &orderers{}
	for range 4 {
		conn, err := grpc.NewClient("passthrough:///127.0.0.1:1", grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		o.connections = append(o.connections, conn)
	}
	defer func() {
		if err := o.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := o.order(context.Background(), &common.Envelope{}); !errors.Is(err, errNoLeader) {
		t.Errorf("before any block: %v", err)
	}
	for _, led := range []struct {
		view uint64
		by   int
	}{{0, 0}, {3, 3}, {4, 0}, {9, 1}} {
		o.see(agreedIn(t, viewMetadata(led.view)))
		if o.leader() != o.connections[led.by] {
			t.Errorf("view %d is not led by consenter %d", led.view, led.by+1)
		}
	}
	o.see(&common.Block{})
	if o.leader() != o.connections[1] {
		t.Error("a block without a view changed the leader")
	}
	if err := o.order(context.Background(), &common.Envelope{}); err == nil || errors.Is(err, errNoLeader) {
		t.Errorf("a leader that is not there: %v", err)
	}
}
