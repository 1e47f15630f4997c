package app

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// write makes a call that changes the ledger, in its lanes, and tries it anew while that can help. A new transaction is
// built only when the ledger port said of the one before that it has no effect and never will.
func (s *Service) write(ctx context.Context, call *spec.Call, announce Announce) (Commit, error) {
	actor := s.actor(call)
	waiting, cancel := context.WithTimeout(ctx, s.settings.LaneWait)
	leave, err := s.lanes.Enter(waiting, laneKeys(actor, call)...)
	cancel()
	if err != nil {
		s.meter.Submitted(call.Operation.FullName(), string(spec.ErrorCode(err)))
		return Commit{}, err
	}
	defer leave()

	// The caller may leave; what was begun is carried to its end, so that its outcome is known here.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), s.settings.WriteTimeout)
	defer cancel()
	commit, err := newAttempt(s, actor, call, announce).run(ctx)
	s.meter.Submitted(call.Operation.FullName(), outcomeLabel(err))
	if err != nil {
		return Commit{}, err
	}
	s.awaitModel(ctx, commit.Block)
	return commit, nil
}

// awaitModel gives the read model a moment to take the block, so that who wrote reads what was written.
func (s *Service) awaitModel(ctx context.Context, block uint64) {
	ctx, cancel := context.WithTimeout(ctx, s.settings.ModelWait)
	defer cancel()
	if err := s.model.AwaitBlock(ctx, block); err != nil {
		s.log.Warn("the read model lags behind an answered write", "block", block, "error", err)
	}
}

func outcomeLabel(err error) string {
	if err == nil {
		return string(TransactionCommitted)
	}
	return string(spec.ErrorCode(err))
}

// attempt is one write with what was learnt from its earlier tries.
type attempt struct {
	service  *Service
	actor    spec.Address
	call     *spec.Call
	announce Announce
	// lost counts the tries that lost to others, refills those that lacked funds.
	lost, refills int
	lots          *lotChoice
	// cart is a cart whose lots are to be named, which cartTries counts.
	cart      *spec.PlaceCart
	cartTries int
	credits   bool
}

func newAttempt(s *Service, actor spec.Address, call *spec.Call, announce Announce) *attempt {
	// The call is the caller's: hints are written into a copy.
	own := *call
	own.Hints = &spec.Hints{}
	if call.Hints != nil {
		own.Hints = proto.Clone(call.Hints).(*spec.Hints)
	}
	return &attempt{service: s, actor: actor, call: &own, announce: announce, credits: len(own.Hints.GetCredits()) == 0}
}

func (a *attempt) run(ctx context.Context) (Commit, error) {
	a.hint(ctx)
	for {
		commit, err := a.service.ledger.Submit(ctx, a.call, a.announce)
		if err == nil {
			return commit, nil
		}
		var unknown *UnknownOutcome
		if errors.As(err, &unknown) {
			return Commit{}, err
		}
		again, final := a.remedy(ctx, err)
		if !again {
			return Commit{}, final
		}
		a.service.meter.Retried(a.call.Operation.FullName(), string(spec.ErrorCode(err)))
	}
}

// hint names credits and a lot before the first try. A read model that does not answer costs the hints, not the call: a
// refusal for want of them asks a peer.
func (a *attempt) hint(ctx context.Context) {
	if a.credits {
		a.hintCredits(ctx)
	}
	a.hintLot(ctx)
}

// remedy does what may make the next try succeed. Without one it returns the error that the caller gets.
func (a *attempt) remedy(ctx context.Context, err error) (again bool, final error) {
	switch spec.ErrorCode(err) {
	case spec.Conflict, spec.Fenced:
		return a.remedyLoss(ctx, err)
	case spec.InsufficientFunds, spec.NoCredits:
		return a.remedyFunds(ctx, err)
	case spec.LotEmpty:
		return a.remedyLot(ctx, err)
	}
	return false, err
}

// remedyLoss waits and tries again: others changed the same keys, or the epoch ended.
func (a *attempt) remedyLoss(ctx context.Context, err error) (bool, error) {
	retry := a.service.settings.Retry
	if a.lost++; a.lost >= retry.Attempts {
		return false, spec.Errorf(spec.Conflict, "tried %d times, each time others were first", a.lost)
	}
	if waitErr := retry.wait(ctx, a.lost); waitErr != nil {
		return false, err
	}
	// What was hinted may be what others took.
	if a.credits {
		a.hintCredits(ctx)
	}
	return true, nil
}

// laneKeys names what a call writes that others may write too, the actor's account before the object: every call enters
// its lanes in this order, so no two wait for each other.
func laneKeys(actor spec.Address, call *spec.Call) []string {
	var keys []string
	if Debits(call.Operation) {
		keys = append(keys, actorLane(actor))
	}
	if cart, ok := call.Command.(*spec.PlaceCart); ok {
		return append(keys, cartLanes(cart)...)
	}
	if object := objectLane(call.Command); object != "" {
		keys = append(keys, object)
	}
	return keys
}

func actorLane(actor spec.Address) string { return "account/" + actor.String() }

// objectLane names the object besides accounts that a command writes and others may write too.
func objectLane(command proto.Message) string {
	switch c := command.(type) {
	case *spec.Mint, *spec.Burn:
		return "supply"
	case *spec.MakeOffer, *spec.CounterOffer, *spec.DeclineOffer, *spec.WithdrawOffer, *spec.ExpireOffer:
		// Offers on one listing have nothing in common until one takes its stock.
		return offerLane(c)
	case interface{ GetListing() []byte }:
		return listingLane(c.GetListing())
	case interface{ GetOrder() []byte }:
		return "order/" + string(c.GetOrder())
	}
	return ""
}

// offerLane names an offer that there is already.
func offerLane(command proto.Message) string {
	about, ok := command.(interface{ GetOffer() []byte })
	if !ok {
		return ""
	}
	return "offer/" + string(about.GetOffer())
}

func listingLane(listing []byte) string { return "listing/" + string(listing) }

// cartLanes are those of a cart's listings, each once and in one order, so that no two carts wait for each other.
func cartLanes(cart *spec.PlaceCart) []string {
	var lanes []string
	for _, line := range cart.GetLines() {
		lanes = append(lanes, listingLane(line.GetListing()))
	}
	slices.Sort(lanes)
	return slices.Compact(lanes)
}
