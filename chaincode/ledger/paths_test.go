package ledger_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// pathMachine is a state machine whose every path is walked, by whoever may take a step and at each time that decides something.
type pathMachine struct {
	begin []*books
	moves func(*books) []move
	// times are those at which something comes due.
	times func(*books) []int64
	// state tells states apart, as far as the rules do; open ones hold money.
	state func(*books) string
	open  func(*books) bool
	// due are the moves that anyone may make once their time has come.
	due func(*books) []move
}

// move is what each of the seats tries.
type move struct {
	function string
	command  proto.Message
	seats    []seat
	// before is what is done first, by whoever may; nothing for most.
	before func(*books)
}

// walk visits every state that can be reached. After each step money is conserved, to the unit; and from each state that holds money
// anyone at all, when enough time has passed, brings all of it out.
func (p pathMachine) walk(t *testing.T) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	steps := 0
	waiting := slices.Clone(p.begin)
	visit := func(b *books) {
		if state := p.state(b); !seen[state] {
			seen[state] = true
			waiting = append(waiting, b)
		}
	}
	for len(waiting) > 0 {
		b := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if !p.open(b) {
			continue
		}
		p.checkExit(t, b)
		for _, at := range p.times(b) {
			if at > b.now {
				later := b.copy()
				later.now = at
				visit(later)
			}
		}
		// What is refused changes nothing.
		next := b.copy()
		for _, m := range p.moves(b) {
			for _, s := range m.seats {
				if m.before != nil {
					next = b.copy()
					m.before(next)
				}
				if _, err := next.try(s.mspID, s.subAccount, m.function, m.command, nil); err != nil {
					continue
				}
				steps++
				checkConserved(t, next, m.function)
				visit(next)
				next = b.copy()
			}
			if m.before != nil {
				next = b.copy()
			}
		}
	}
	t.Logf("%d states, %d steps", len(seen), steps)
	return seen
}

// checkExit: somebody who is nobody's party, and who comes late, gets the money out.
func (p pathMachine) checkExit(t *testing.T, b *books) {
	t.Helper()
	late := b.copy()
	for range 3 {
		late.now += 1_000_000
		for _, m := range p.due(late) {
			_, _ = late.try(operator, "", m.function, m.command, nil)
		}
	}
	checkConserved(t, late, "the end of "+p.state(b))
	if p.open(late) {
		t.Errorf("nobody gets the money out of %s: it comes to %s", p.state(b), p.state(late))
	}
	for key, record := range late.records {
		if key.Kind == ledger.HoldKind {
			t.Errorf("%s ends, and %v is held", p.state(b), record)
		}
	}
}

// checkConserved: all accounts, credits, holds and allowances are the supply.
func checkConserved(t *testing.T, b *books, what string) {
	t.Helper()
	var sum spec.Amount
	for _, record := range b.records {
		var part spec.Amount
		switch r := record.(type) {
		case ledger.Account:
			part = r.Balance
		case ledger.Credit:
			part = r.Amount
		case ledger.Hold:
			part = r.Amount
		case ledger.Allowance:
			part = r.Amount
		}
		sum, _ = sum.Add(part)
	}
	if supply := b.records[ledger.SupplyKey()].(ledger.Supply).Total(); sum != supply {
		t.Errorf("%s: there are %s CMT, the supply is %s", what, sum, supply)
	}
}

// over are the times that have come, as one text.
func over(now int64, times ...int64) string {
	text := ""
	for _, at := range times {
		text += map[bool]string{true: "+", false: "-"}[at > 0 && now >= at]
	}
	return text
}

// orderPaths walks all paths of orders: of goods and services, with disputes and returns.
func orderPaths(t *testing.T) pathMachine {
	var p pathMachine
	var id spec.ID
	for _, state := range []string{nameOf(placed), nameOf(accepted), placedService, nameOf(commissioned)} {
		b, _, order := orderIn(t, state)
		b.sparing, id = true, order
		p.begin = append(p.begin, b)
	}
	order := func(b *books) ledger.Order { return b.records[ledger.OrderKey(id)].(ledger.Order) }
	var names []string
	for name := range orderCommands {
		names = append(names, name)
	}
	for name := range disputing {
		if orderCommands[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	// The sides try everything, and others what is theirs.
	outsiders := map[string][]seat{
		"ReportDelivery": {{carrier, ""}}, "VoteDispute": {{"PanelAMSP", ""}, {"PanelBMSP", ""}, {"PanelCMSP", ""}, {"PanelDMSP", ""}},
		"ExpireOrder": {{operator, ""}}, "ReleaseOrder": {{operator, ""}}, "ReleaseMilestone": {{operator, ""}}, "RuleDispute": {{operator, ""}},
	}
	proposed := func(b *books) {
		_, _ = b.try(merchant, "", "market:ProposeSplit", orderCommands["ProposeSplit agreed"](id[:]), nil)
	}
	p.moves = func(b *books) (moves []move) {
		o := order(b)
		for _, name := range names {
			// A part once: what is left then is no other state.
			if (name == "ConfirmOrder part" || name == "RefundOrder part") && o.Held() != o.Total {
				continue
			}
			command := disputing[name]
			if command == nil {
				command = orderCommands[name]
			}
			m := move{operationOf(name), command(id[:]), append([]seat{anna, seller}, outsiders[name]...), nil}
			switch name {
			case "AgreeSplit":
				m.before = proposed
			case "ProposeSplit", "ProposeSplit agreed":
				continue // alone it is no step to anywhere
			}
			moves = append(moves, m)
		}
		return moves
	}
	deadlines := func(b *books) []int64 {
		o := order(b)
		times := []int64{o.ShipDeadline, o.ProtectionDeadline, o.ReleaseDue, o.ReturnDue}
		if o.State == returnAsked {
			times = append(times, o.ReturnDue+returnSeconds)
		}
		milestones, _ := b.records[ledger.MilestonesKey(id)].(ledger.Milestones)
		for _, m := range milestones[:o.Milestones] {
			times = append(times, m.Due)
		}
		if dispute, ok := b.records[ledger.DisputeKey(id)].(ledger.Dispute); ok && o.State == disputed {
			times = append(times, dispute.AnswerDeadline, dispute.Deadline)
		}
		return times
	}
	// The next time is enough: the others follow it.
	p.times = func(b *books) []int64 {
		times := slices.DeleteFunc(deadlines(b), func(at int64) bool { return at <= b.now })
		if len(times) == 0 {
			return nil
		}
		return []int64{slices.Min(times)}
	}
	p.state = func(b *books) string {
		o := order(b)
		dispute, _ := b.records[ledger.DisputeKey(id)].(ledger.Dispute)
		votes := 0
		for key := range b.records {
			if key.Kind == ledger.VoteKind {
				votes++
			}
		}
		milestones, _ := b.records[ledger.MilestonesKey(id)].(ledger.Milestones)
		var done strings.Builder
		for _, m := range milestones[:o.Milestones] {
			fmt.Fprint(&done, m.Due > 0, m.Released, " ")
		}
		return fmt.Sprint(nameOf(o.State), o.Milestones > 0, " ", o.Held() == o.Total, o.Held().IsZero(), o.Shipped, o.ReturnSent, o.ReturnProven, o.ReturnDue > 0, o.ReleaseDue > 0,
			" ", dispute.OpenedBy, dispute.AnsweredAt > 0, min(votes, 2), done.String(), over(b.now, deadlines(b)...))
	}
	p.open = func(b *books) bool { return !order(b).Held().IsZero() }
	p.due = func(*books) []move {
		o := id[:]
		anyone := []seat{{operator, ""}}
		due := []move{
			{"market:RuleDispute", &spec.RuleDispute{Order: o}, anyone, nil}, {"market:ReleaseOrder", &spec.ReleaseOrder{Order: o}, anyone, nil},
			{"market:ExpireOrder", &spec.ExpireOrder{Order: o}, anyone, nil},
		}
		for n := range uint32(3) {
			due = append(due, move{"market:ReleaseMilestone", &spec.ReleaseMilestone{Order: o, Milestone: n + 1}, anyone, nil})
		}
		return due
	}
	return p
}

// Every path of every state machine conserves, and none comes to a state that holds money and that nobody can leave.
func TestEveryPathOfEveryStateMachineConserves(t *testing.T) {
	t.Run("orders", func(t *testing.T) {
		seen := orderPaths(t).walk(t)
		for _, state := range ruletable.Values(table(t, ordersDoc, "States"), "state") {
			reached := slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(s string) bool {
				return strings.HasPrefix(s, orderState(state)+"false") || strings.HasPrefix(s, orderState(state)+"true")
			})
			if !reached && state != absent {
				t.Errorf("no path comes to %s", state)
			}
		}
	})
	t.Run("offers", func(t *testing.T) {
		b, listing, id := offerIn(t, offerOpen)
		seats := []seat{anna, seller, {operator, ""}}
		stateOf := func(b *books) ledger.Offer { return b.records[ledger.OfferKey(listing, id)].(ledger.Offer) }
		pathMachine{
			begin: []*books{b},
			moves: func(*books) (moves []move) {
				for _, name := range slices.Sorted(maps.Keys(haggling)) {
					moves = append(moves, move{"market:" + name, haggling[name](listing[:], id[:]), seats, nil})
				}
				return moves
			},
			times: func(b *books) []int64 { return []int64{stateOf(b).ExpiresAt} },
			state: func(b *books) string { return fmt.Sprint(stateOf(b).State, over(b.now, stateOf(b).ExpiresAt)) },
			open:  func(b *books) bool { return stateOf(b).State == offerOpen || stateOf(b).State == offerCountered },
			due: func(*books) []move {
				return []move{{"market:ExpireOffer", haggling["ExpireOffer"](listing[:], id[:]), seats, nil}}
			},
		}.walk(t)
	})
	t.Run("auctions", func(t *testing.T) {
		b := openBooks(t)
		openedAuction(b)
		stateOf := func(b *books) ledger.Auction { return b.records[ledger.AuctionKey(auctionID)].(ledger.Auction) }
		seats := []seat{anna, rival, seller, {operator, ""}}
		closing := func(b *books) move {
			return move{"market:CloseAuction", &spec.CloseAuction{Auction: auctionID[:], Bids: b.bids()}, seats, nil}
		}
		last := func(b *books) ledger.Bid {
			bid, _ := b.records[ledger.BidKey(auctionID, b.bids())].(ledger.Bid)
			return bid
		}
		pathMachine{
			begin: []*books{b},
			moves: func(b *books) []move {
				return []move{closing(b), {"market:CancelAuction", &spec.CancelAuction{Auction: auctionID[:]}, seats, nil}, {"market:PlaceBid", bidOf(b.bids(), 3+b.bids()), seats, nil}}
			},
			times: func(b *books) []int64 { return []int64{stateOf(b).EndsAt - 1, stateOf(b).EndsAt, last(b).EndsAt} },
			state: func(b *books) string {
				return fmt.Sprint(stateOf(b).State, last(b).Bidder, min(b.bids(), 4), over(b.now, stateOf(b).EndsAt-1, stateOf(b).EndsAt, last(b).EndsAt))
			},
			open: func(b *books) bool { return stateOf(b).State == spec.AuctionState_AUCTION_STATE_OPEN && b.bids() < 4 },
			// The order of who won ends by itself.
			due: func(b *books) []move {
				order := spec.AuctionOrder(auctionID, b.bids())
				return []move{closing(b), {"market:ExpireOrder", &spec.ExpireOrder{Order: order[:]}, seats, nil}}
			},
		}.walk(t)
	})
	t.Run("holds", func(t *testing.T) {
		b := openBooks(t)
		placedHold(b)
		seats := []seat{anna, seller, arbiter, {operator, ""}}
		captured := func(b *books) []byte { return holdOf(b).Captured.Bytes() }
		pathMachine{
			begin: []*books{b},
			moves: func(b *books) []move {
				return []move{
					{"token:CaptureHold", &spec.CaptureHold{Hold: holdID[:], Captured: captured(b), Amount: spec.CMT(3).Bytes()}, seats, nil},
					{"token:VoidHold", &spec.VoidHold{Hold: holdID[:]}, seats, nil}, {"token:ExpireHold", &spec.ExpireHold{Hold: holdID[:]}, seats, nil},
				}
			},
			times: func(b *books) []int64 { return []int64{holdOf(b).ExpiresAt} },
			state: func(b *books) string {
				return fmt.Sprint(holdOf(b).State, holdOf(b).Captured, over(b.now, holdOf(b).ExpiresAt))
			},
			open: func(b *books) bool { return holdOf(b).State == spec.HoldState_HOLD_STATE_HELD },
			due: func(*books) []move {
				return []move{{"token:ExpireHold", &spec.ExpireHold{Hold: holdID[:]}, seats, nil}}
			},
		}.walk(t)
	})
}
