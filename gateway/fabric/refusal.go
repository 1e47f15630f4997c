package fabric

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// What Fabric's peer says in prose only, because it has no codes for it. An integration test pins these texts.
const (
	// mismatchText: endorsers at different heights, or of different minds.
	mismatchText = "ProposalResponsePayloads do not match"
	// timewindowText: the proposal's timestamp is outside peer.authentication.timewindow.
	timewindowText = "peer.authentication.timewindow"
	// missingText precedes the organisations of which the peer's gateway knows no living peer.
	missingText = "failed to find any endorsing peers for org(s): "
)

// verdict is what an error of endorsing or evaluating means.
type verdict struct {
	// refusal is what the chaincode or the ledger said; nil when nobody said anything about the call itself.
	refusal *spec.Error
	// disagreed: some endorsers refused and others did not. The ones behind in height may catch up.
	disagreed bool
	// blamed are the organisations that failed to answer.
	blamed []string
}

// judge reads an error. chosen are the organisations that were to endorse, the connected peer's own first.
func judge(err error, chosen []string) verdict {
	st := status.Convert(err)
	details := errorDetails(st)
	refusals := map[string]*spec.Error{}
	var blamed []string
	for _, detail := range details {
		switch message := detail.GetMessage(); {
		case strings.Contains(message, mismatchText):
			return verdict{refusal: spec.Errorf(spec.Conflict, "endorsers are at different heights")}
		case strings.Contains(message, timewindowText):
			return verdict{refusal: spec.Errorf(spec.TimestampOutOfRange, "this gateway's clock and the clock of %s's peer are too far apart", detail.GetMspId())}
		default:
			if refusal, ok := spec.ParseError(message); ok {
				refusals[detail.GetMspId()] = refusal
				continue
			}
			blamed = append(blamed, detail.GetMspId())
		}
	}
	if len(refusals) > 0 {
		return judgeRefusals(refusals, blamed, chosen)
	}
	if refusal, ok := spec.ParseError(st.Message()); ok {
		return verdict{refusal: refusal}
	}
	if _, names, ok := strings.Cut(st.Message(), missingText); ok {
		blamed = append(blamed, strings.Split(names, ", ")...)
	}
	if len(blamed) == 0 && (st.Code() == codes.DeadlineExceeded || errors.Is(err, context.DeadlineExceeded)) && len(chosen) > 1 {
		// Nobody says who was mute. The connected peer passed the call on, so it was one of the others.
		blamed = append(blamed, chosen[1:]...)
	}
	return verdict{blamed: blamed}
}

// judgeRefusals believes the connected peer's own endorser first: what this gateway showed its callers came from there.
func judgeRefusals(refusals map[string]*spec.Error, blamed, chosen []string) verdict {
	if len(chosen) > 0 {
		if own := refusals[chosen[0]]; own != nil {
			return verdict{refusal: own, blamed: blamed}
		}
	}
	refusers := make([]string, 0, len(refusals))
	for mspID := range refusals {
		refusers = append(refusers, mspID)
	}
	slices.Sort(refusers)
	return verdict{refusal: refusals[refusers[0]], blamed: blamed, disagreed: len(refusers) < len(chosen)}
}

func errorDetails(st *status.Status) []*gateway.ErrorDetail {
	var found []*gateway.ErrorDetail
	for _, detail := range st.Details() {
		if d, ok := detail.(*gateway.ErrorDetail); ok {
			found = append(found, d)
		}
	}
	return found
}

// detailTexts returns what the peers said, for the log.
func detailTexts(err error) []string {
	var texts []string
	for _, detail := range errorDetails(status.Convert(err)) {
		texts = append(texts, detail.GetMspId()+": "+detail.GetMessage())
	}
	return texts
}

// notSent reports whether the peer refused a submit before any orderer was told.
func notSent(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.NotFound, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented:
		return true
	}
	return false
}
