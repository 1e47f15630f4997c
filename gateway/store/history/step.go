package history

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// step is one command of a transaction: a call, or an intent of a batch.
type step struct {
	operation string
	// path is the operation's; empty when the operation is not known here.
	path string
	// actor is nobody when nobody asked by name.
	actor spec.Address
	// object is the identifier of what the command is about, for people.
	object string
	// names are the subjects' names that the command may have changed.
	names     []string
	movements []movement
	// shares are what each of many receives of one movement.
	shares []movement
}

// transferNumber is the operation of nearly all intents.
var transferNumber = spec.Find(bareOperation).Number

// takeIntents makes steps of a batch's intents. A bare payment is none: it goes into the statements that are kept, and that is all.
func (w *telling) takeIntents(happened []Happened) {
	for _, in := range happened {
		if in.Intent.Operation == transferNumber {
			if p, bare := peekPayment(in.Intent.Command); bare {
				w.pay(in.Actor, p)
				continue
			}
		}
		op := spec.FindNumber(in.Intent.Operation)
		if op == nil {
			continue
		}
		command := op.Command.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(in.Intent.Command, command); err == nil {
			w.steps = append(w.steps, newStep(op, in.Actor, command))
		}
	}
}

// takeCall makes a step of a call. One that a newer chaincode took and that is not known here has its name alone.
func (w *telling) takeCall() {
	s := &step{operation: w.tx.Function}
	if op := spec.Find(w.tx.Function); op != nil && len(w.tx.Args) > 0 {
		if call, err := spec.DecodeCall(op, w.tx.Args[0]); err == nil {
			s = newStep(op, spec.SubAccountAddress(w.tx.Creator, call.SubAccount), call.Command)
		}
	}
	w.steps = append(w.steps, s)
}

func newStep(op *spec.Operation, actor spec.Address, command proto.Message) *step {
	s := &step{operation: op.FullName(), path: op.Path, actor: actor}
	s.nameObject(op, command)
	switch c := command.(type) {
	case *spec.PlaceBid:
		// The bid that is beaten, and the one that beats it: their money lies with the orders that they might become.
		s.nameBids(c.Auction, c.Beats, c.Beats+1)
	case *spec.CloseAuction:
		s.nameBids(c.Auction, c.Bids)
	case interface{ GetDiscountId() []byte }:
		s.names = append(s.names, string(c.GetDiscountId()))
	case *spec.Approve:
		s.names = append(s.names, actor.Octets()+string(c.Spender))
	case *spec.TransferFrom:
		s.names = append(s.names, string(c.Owner)+actor.Octets())
	}
	s.pay(command)
	return s
}

// nameObject names what the command creates, or else the last object in the operation's path.
func (s *step) nameObject(op *spec.Operation, command proto.Message) {
	fields := command.ProtoReflect().Descriptor().Fields()
	value := func(name string) protoreflect.Value {
		return command.ProtoReflect().Get(fields.ByName(protoreflect.Name(name)))
	}
	if op.Creates != "" {
		reference := value("reference").String()
		if reference == "" {
			return
		}
		id := spec.NewID(op.Creates, s.actor, reference)
		switch c := command.(type) {
		case *spec.MakeOffer:
			id = spec.OfferID(s.actor, spec.ID(c.Listing), reference)
		case *spec.OfferDiscount:
			id = spec.DiscountID(s.actor, addressOf(c.Buyer), reference)
		}
		s.name(id, op.Creates)
		return
	}
	inPath := op.PathFields()
	if len(inPath) == 0 {
		return
	}
	last := inPath[len(inPath)-1]
	idType, is := objectTypes[last]
	if !is {
		return
	}
	if id, err := spec.IDFromBytes(value(last).Bytes()); err == nil {
		s.name(id, idType)
	}
}

// objectTypes are the types of what stands in paths.
var objectTypes = map[string]spec.IDType{
	"listing": spec.ListingType, "order": spec.OrderType, "offer": spec.OfferType, "auction": spec.AuctionType, "hold": spec.HoldType,
}

func (s *step) name(id spec.ID, idType spec.IDType) {
	s.names, s.object = append(s.names, string(id[:])), id.Text(idType)
}

func (s *step) nameBids(auction []byte, numbers ...uint32) {
	for _, number := range numbers {
		id := spec.AuctionOrder(spec.ID(auction), number)
		s.names = append(s.names, string(id[:]))
	}
}

// concerns reports whether the step, which names the subject, may have changed it. An order's digest is also that of its dispute and of
// the offer that it came from.
func (s *step) concerns(subject Subject) bool {
	switch subject[:1] {
	case disputeSubject:
		return strings.Contains(s.path, "/dispute")
	case offerSubject:
		return strings.Contains(s.path, "/offers")
	}
	return true
}

// lastNaming returns the last step that named something, else the call, else a step of nobody's.
func (w *telling) lastNaming(name string) *step {
	if naming := w.lookup.steps[name]; len(naming) > 0 {
		return naming[len(naming)-1]
	}
	if last := len(w.steps) - 1; last < 0 || w.steps[last].operation != w.tx.Function {
		w.steps = append(w.steps, &step{operation: w.tx.Function})
	}
	return w.steps[len(w.steps)-1]
}

// tellSteps adds to each object's history the steps that changed it. Of several in one transaction only the last one's state is known.
func (w *telling) tellSteps() error {
	told := map[Subject]bool{}
	for _, r := range w.records {
		subject, has := Of(r.key)
		if !has || told[subject] {
			continue
		}
		told[subject] = true
		var changed []*step
		for _, s := range w.lookup.steps[subject.name()] {
			if s.concerns(subject) {
				changed = append(changed, s)
			}
		}
		if len(changed) == 0 {
			changed = []*step{w.lastNaming(subject.name())}
		}
		for i, s := range changed {
			entry := &spec.HistoryEntry{Operation: s.operation, Actor: optional(s.actor)}
			for _, m := range s.movements {
				entry.Movements = append(entry.Movements, &spec.Movement{Kind: m.kind, From: optional(m.from), To: optional(m.to), Amount: m.amount.Bytes()})
			}
			if i == len(changed)-1 {
				entry.State = w.stateOf(subject)
			}
			if err := w.add(subject, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// stateOf returns the state that an object was left in; empty when the transaction did not write it.
func (w *telling) stateOf(subject Subject) string {
	for _, r := range w.lookup.subjects[subject] {
		switch record := r.record.(type) {
		case ledger.Order:
			return enumText(record.State)
		case ledger.Dispute:
			return enumText(record.State)
		case ledger.Offer:
			return enumText(record.State)
		case ledger.Auction:
			return enumText(record.State)
		case ledger.Listing:
			return enumText(record.State())
		case ledger.TokenHold:
			return enumText(record.State)
		}
	}
	return ""
}

func enumText(value protoreflect.Enum) string {
	return spec.EnumText(value.Descriptor(), value.Number())
}
