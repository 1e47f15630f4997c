package main

import (
	"context"
	"encoding/hex"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// codeBytes is the length of a hand-over code.
const codeBytes = 16

// handOverHash is the field of the buyer's commitment to a hand-over code.
const handOverHash = "hand_over_hash"

// addCode draws a hand-over code for a command that may commit to one, and returns it in hex. The identifier of the order that it is bound
// to is known before there is one.
func (s *session) addCode(ctx context.Context, f fields) (string, error) {
	if !f.wants(handOverHash) {
		return "", nil
	}
	actor, _, err := s.actor(ctx)
	if err != nil {
		return "", err
	}
	order, err := f.orderOf(actor)
	if err != nil {
		return "", err
	}
	code := randomBytes(codeBytes)
	return hex.EncodeToString(code), f.set(handOverHash, hex.EncodeToString(spec.HandOverHash(order, code)))
}

// orderOf returns the identifier of the order that a command places, or that its offer or bid may become.
func (f fields) orderOf(actor spec.Address) (spec.ID, error) {
	command, err := f.command()
	if err != nil {
		return spec.ID{}, err
	}
	if bid, ok := command.(*spec.PlaceBid); ok {
		return spec.AuctionOrder(spec.ID(bid.GetAuction()), bid.GetBeats()+1), nil
	}
	return created(f.op, command, actor), nil
}

// created returns the identifier of what a command makes under its reference.
func created(op *spec.Operation, command proto.Message, actor spec.Address) spec.ID {
	var reference string
	if named, ok := command.(interface{ GetReference() string }); ok {
		reference = named.GetReference()
	}
	if offer, ok := command.(*spec.MakeOffer); ok {
		return spec.OfferID(actor, spec.ID(offer.GetListing()), reference)
	}
	if discount, ok := command.(*spec.OfferDiscount); ok {
		buyer, _ := spec.AddressFromBytes(discount.GetBuyer())
		return spec.DiscountID(actor, buyer, reference)
	}
	return spec.NewID(op.Creates, actor, reference)
}
