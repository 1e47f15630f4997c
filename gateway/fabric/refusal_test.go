package fabric

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func aborted(t *testing.T, details ...*gateway.ErrorDetail) error {
	t.Helper()
	st := status.New(codes.Aborted, "failed to collect enough transaction endorsements, see attached details for more info")
	for _, detail := range details {
		var err error
		if st, err = st.WithDetails(detail); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Errorf("endorse error: %w", st.Err())
}

func said(mspID, message string) *gateway.ErrorDetail {
	return &gateway.ErrorDetail{Address: "peer:7051", MspId: mspID, Message: message}
}

func TestJudge(t *testing.T) {
	refused := func(code spec.Code) string {
		return "chaincode response 500, " + spec.FieldErrorf(code, "to", "is wrong").Error()
	}
	both := []string{"A", "B"}
	for _, test := range []struct {
		name      string
		err       error
		code      spec.Code
		disagreed bool
		blamed    []string
	}{
		{"both refuse", aborted(t, said("A", refused(spec.NotFound)), said("B", refused(spec.NotFound))), spec.NotFound, false, nil},
		{"the own one is believed", aborted(t, said("B", refused(spec.NotFound)), said("A", refused(spec.WrongState))), spec.WrongState, false, nil},
		{"only the own one refuses", aborted(t, said("A", refused(spec.WrongState))), spec.WrongState, false, nil},
		{"only the other one refuses: it lags", aborted(t, said("B", refused(spec.NotFound))), spec.NotFound, true, nil},
		{"heights differ", aborted(t, said("B", "ProposalResponsePayloads do not match")), spec.Conflict, false, nil},
		{"a wrong clock", aborted(t, said("B", "rpc error: code = Unknown desc = request unauthorized due to incorrect timestamp 2026, peer time 2026, peer.authentication.timewindow 1m0s")), spec.TimestampOutOfRange, false, nil},
		{"a dead peer", aborted(t, said("B", "rpc error: code = Unavailable desc = connection refused")), "", false, []string{"B"}},
		{"the chaincode is gone", aborted(t, said("A", "error in simulation: chaincode stream terminated")), "", false, []string{"A"}},
		{"mute until the peer's deadline", status.Error(codes.DeadlineExceeded, "endorsement timeout expired while collecting endorsements"), "", false, []string{"B"}},
		{"no living peer", status.Error(codes.Unavailable, "failed to find any endorsing peers for org(s): A, B"), "", false, both},
		{"the peer is gone", status.Error(codes.Unavailable, "connection refused"), "", false, nil},
		{"an evaluate's refusal", status.Error(codes.Unknown, "evaluate call to endorser returned error: "+refused(spec.NotFound)), spec.NotFound, false, nil},
		{"prose that looks like nothing", aborted(t, said("A", "chaincode response 500, {\"code\":\"no_such_code\"}")), "", false, []string{"A"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := judge(test.err, both)
			var code spec.Code
			if got.refusal != nil {
				code = got.refusal.Code
			}
			if code != test.code || got.disagreed != test.disagreed || !slices.Equal(got.blamed, test.blamed) {
				t.Errorf("got %+v, want %s, disagreed %t, blamed %v", got, test.code, test.disagreed, test.blamed)
			}
		})
	}
}

func TestValidationErrors(t *testing.T) {
	for code, want := range map[peer.TxValidationCode]spec.Code{
		peer.TxValidationCode_MVCC_READ_CONFLICT:         spec.Conflict,
		peer.TxValidationCode_PHANTOM_READ_CONFLICT:      spec.Conflict,
		peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE: spec.Internal,
	} {
		if got := spec.ErrorCode(validationError(code)); got != want {
			t.Errorf("%s: %s", code, got)
		}
	}
	if err := validationError(peer.TxValidationCode_VALID); err != nil {
		t.Error(err)
	}
}

func TestNotSent(t *testing.T) {
	for code, want := range map[codes.Code]bool{
		codes.FailedPrecondition: true, codes.NotFound: true, codes.InvalidArgument: true,
		codes.Unavailable: false, codes.DeadlineExceeded: false, codes.Unknown: false, codes.Canceled: false,
	} {
		if got := notSent(status.Error(code, "")); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
}
