package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The sides of an order, by short names.
const (
	buyerSide  = spec.Side_SIDE_BUYER
	sellerSide = spec.Side_SIDE_SELLER
)

// side returns which side of the order the actor is; none, when it is neither.
func (t *task) side(order Order) spec.Side {
	switch t.actor {
	case order.Buyer:
		return buyerSide
	case order.Seller:
		return sellerSide
	}
	return spec.Side_SIDE_UNSPECIFIED
}

// giveReviewKeys names the order and, once the actor's side of it is known, its own review alone: the sides do not wait for each other.
func giveReviewKeys(t *task, c *spec.GiveReview) []Key {
	id := identifier(c.Order)
	keys := []Key{OrderKey(id)}
	if order, ok := get[Order](t, keys[0]); ok {
		keys = append(keys, ReviewKey(id, t.side(order)))
	}
	return keys
}

// giveReview writes a key of its own beside an order that nobody rewrites any more: whoever reviews the same seller shares
// nothing.
func giveReview(t *task, c *spec.GiveReview) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer|seller, finalStates...)
	if err != nil {
		return nil, err
	}
	side := t.side(order)
	if has(t, ReviewKey(id, side)) {
		return nil, spec.FieldErrorf(spec.WrongState, "order", "was reviewed by its %s before", spec.EnumText(side.Descriptor(), side.Number()))
	}
	settled, _ := get[Order](t, OrderKey(id))
	if end := settled.UpdatedAt + int64(t.params().ReviewSeconds); t.tx.Time >= end {
		return nil, spec.FieldErrorf(spec.DeadlinePassed, "order", "could be reviewed until %s", utc(end))
	}
	review := Review{Rating: c.Rating, ContentHash: hash(c.ContentHash), Time: order.UpdatedAt}
	t.put(ReviewKey(id, side), review)
	return review.view(id, side, order), nil
}

func getReviewsKeys(_ *task, c *spec.GetReviews) []Key {
	id := identifier(c.Order)
	return []Key{OrderKey(id), ReviewKey(id, buyerSide), ReviewKey(id, sellerSide)}
}

func getReviews(t *task, c *spec.GetReviews) (proto.Message, error) {
	id := identifier(c.Order)
	order, ok := get[Order](t, OrderKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "order", "there is no %s", id.Text(spec.OrderType))
	}
	reviews := &spec.OrderReviews{}
	for _, side := range []spec.Side{buyerSide, sellerSide} {
		if review, given := get[Review](t, ReviewKey(id, side)); given {
			reviews.Reviews = append(reviews.Reviews, review.view(id, side, order))
		}
	}
	return reviews, nil
}

func (r Review) view(order spec.ID, by spec.Side, o Order) *spec.ReviewView {
	author, subject := o.Buyer, o.Seller
	if by == sellerSide {
		author, subject = subject, author
	}
	return &spec.ReviewView{
		Order: order[:], By: by, Author: author.Bytes(), Subject: subject.Bytes(), Rating: r.Rating, ContentHash: r.ContentHash[:], Time: r.Time,
	}
}
