//go:build network

package ledger

import (
	"errors"
	"testing"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The form in which the pinned peer hands our refusals on. gateway/fabric and every client of ours reads it so; a newer peer
// that changes it fails here first.
const refusalText = `chaincode response 500, {"code":"missing_field","field":"order","detail":"is required"}`

func TestPeersHandRefusalsOnInOneForm(t *testing.T) {
	buyer := open(t, "merchant1", "")
	own := testnet.peerOf("merchant1")

	t.Run("of a query", func(t *testing.T) {
		_, err := buyer.contract.EvaluateWithContext(short(t), "market:GetOrder", client.WithArguments("{}"))
		checkStatus(t, err, codes.Unknown, "evaluate call to endorser returned error: "+refusalText)
		checkDetails(t, err, &gateway.ErrorDetail{Address: own.Address, MspId: own.MSPID, Message: refusalText})
	})
	t.Run("of a write", func(t *testing.T) {
		_, err := buyer.contract.SubmitWithContext(short(t), "market:ConfirmOrder", client.WithArguments("{}"))
		var endorse *client.EndorseError
		if !errors.As(err, &endorse) || endorse.TransactionID == "" {
			t.Errorf("%v (%T) is no error of endorsing with a transaction's identifier", err, err)
		}
		checkStatus(t, err, codes.Aborted, "failed to endorse transaction, see attached details for more info")
		for _, fact := range testnet.facts.Peers {
			if fact.Organisation == "merchant1" { // the gateway asks its own peer first
				checkDetails(t, err, &gateway.ErrorDetail{Address: fact.Address, MspId: fact.MSPID, Message: refusalText})
			}
		}
	})
	t.Run("past its gateway", func(t *testing.T) {
		_, err := buyer.endorseAlone(short(t), buyer.proposal(testnet.facts.Chaincode, now(), []byte("market:GetOrder"), []byte("{}")))
		if want := `status 500: ` + refusalText[len("chaincode response 500, "):]; err == nil || err.Error() != want {
			t.Errorf("the peer says %v, want %s", err, want)
		}
	})
	t.Run("read by everyone", func(t *testing.T) {
		refusal, ok := spec.ParseError(refusalText)
		if !ok || *refusal != (spec.Error{Code: spec.MissingField, Field: "order", Detail: "is required"}) {
			t.Errorf("ParseError reads %v, %v", refusal, ok)
		}
	})
}

func checkStatus(t *testing.T, err error, code codes.Code, message string) {
	t.Helper()
	if got := status.Convert(err); got.Code() != code || got.Message() != message {
		t.Errorf("the status is %v %q, want %v %q", got.Code(), got.Message(), code, message)
	}
}

func checkDetails(t *testing.T, err error, want *gateway.ErrorDetail) {
	t.Helper()
	for _, detail := range status.Convert(err).Details() {
		if one, ok := detail.(*gateway.ErrorDetail); ok && proto.Equal(one, want) {
			return
		}
	}
	t.Errorf("no detail is %v: %v", want, status.Convert(err).Details())
}
