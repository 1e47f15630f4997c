package simulate_test

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

func (h *history) drawListing(who *player) (string, proto.Message, *spec.Hints) {
	if !h.oneIn(5) {
		*who = h.players[sellersAt+h.rand.IntN(2)] // the merchant or its store
		if h.oneIn(2) {
			*who = h.players[len(h.players)-1-h.rand.IntN(len(h.persons))]
		}
	}
	listings := h.auditor.Listings()
	if len(listings) > 0 && h.oneIn(2) {
		id := listings[h.rand.IntN(len(listings))]
		head := h.auditor.Record(ledger.ListingKey(id)).(ledger.Listing)
		if !h.oneIn(5) {
			h.become(who, head.Seller)
		}
		if head.Suspended && !h.oneIn(3) || h.oneIn(30) {
			*who = h.players[0] // the operator
			return "market:ResumeListing", &spec.ResumeListing{Listing: id[:]}, nil
		}
		if h.oneIn(8) {
			*who = h.players[0]
			return "market:SuspendListing", &spec.SuspendListing{Listing: id[:], Reason: "a test"}, nil
		}
		if h.oneIn(6) {
			return "market:CloseListing", &spec.CloseListing{Listing: id[:]}, nil
		}
		return "market:EditListing", &spec.EditListing{
			Listing: id[:], Version: max(1, head.Version-uint32(h.rand.IntN(2))), Price: h.positive(), ShippingPrice: h.amount().Bytes(),
			AddStock: uint32(h.rand.IntN(4)), Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: h.oneIn(2), Milestones: h.milestones(),
			Variants: h.variants(),
		}, nil
	}
	return "market:CreateListing", &spec.CreateListing{
		Reference: h.reference(), Price: h.positive(), ShippingPrice: h.amount().Bytes(), Stock: 1 + uint32(h.rand.IntN(10)),
		Lots: uint32(h.rand.IntN(5)), Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: h.oneIn(2), Milestones: h.milestones(),
		Variants: h.variants(),
	}, nil
}

// become puts the player with the address in the place of who.
func (h *history) become(who *player, address spec.Address) {
	for _, p := range h.players {
		if p.address == address {
			*who = p
		}
	}
}

func (h *history) drawPurchase(who *player, listing spec.ID) (string, proto.Message, *spec.Hints) {
	head := h.auditor.Record(ledger.ListingKey(listing)).(ledger.Listing)
	number := head.Version
	if h.oneIn(5) {
		number = 1 + uint32(h.rand.IntN(int(head.Version)))
	}
	version := h.auditor.Record(ledger.VersionKey(listing, number)).(ledger.Version)
	if h.oneIn(2) {
		*who = h.players[buyersAt+h.rand.IntN(len(h.players)-buyersAt)]
	}
	quantity := 1 + uint32(h.rand.IntN(3))
	price, variant := version.Price, uint32(0)
	if !version.VariantPrices[0].IsZero() && h.oneIn(2) {
		price, variant = version.VariantPrices[0], 1
	}
	goods, _ := price.Mul(uint64(quantity))
	total, _ := goods.Add(version.ShippingPrice)
	if h.oneIn(20) {
		total = spec.CMT(3)
	}
	reference := h.reference()
	order := spec.NewID(spec.OrderType, who.address, reference)
	command := &spec.PlaceOrder{Reference: reference, Listing: listing[:], Version: number, Variant: variant, Quantity: quantity, Total: total.Bytes()}
	if h.oneIn(2) {
		command.HandOverHash = spec.HandOverHash(order, code)
	}
	if h.oneIn(3) {
		command.Discount, command.DiscountId = h.drawDiscount(who.address, version.Seller)
		if less, fits := total.Sub(h.takenOff(command, goods)); fits && !less.IsZero() {
			command.Total = less.Bytes()
		}
	}
	hints := h.folding(who)
	if lots := h.entries(ledger.LotKind, listing[:]); len(lots) > 0 && !h.oneIn(10) {
		own := slices.DeleteFunc(slices.Clone(lots), func(lot ledger.Entry) bool { return lot.Record.(ledger.Lot).Variant != variant })
		if len(own) > 0 && !h.oneIn(10) {
			lots = own
		}
		hints.Lot = []byte(lots[h.rand.IntN(len(lots))].Key.ID)
	}
	return "market:PlaceOrder", command, hints
}

// drawCart draws lines of listings that are mostly one seller's.
func (h *history) drawCart(who *player, listings []spec.ID) (string, proto.Message, *spec.Hints) {
	if h.oneIn(2) {
		*who = h.players[buyersAt+h.rand.IntN(len(h.players)-buyersAt)]
	}
	command, hints := &spec.PlaceCart{Reference: h.reference()}, h.folding(who)
	var of spec.Address
	var total spec.Amount
	shipped := map[spec.ID]bool{}
	for _, at := range h.rand.Perm(len(listings)) {
		id := listings[at]
		head := h.auditor.Record(ledger.ListingKey(id)).(ledger.Listing)
		version := h.auditor.Record(ledger.VersionKey(id, head.Version)).(ledger.Version)
		if (len(command.Lines) > 0 && head.Seller != of || version.Milestones[0] > 0 || head.State() != spec.ListingState_LISTING_STATE_OPEN) && !h.oneIn(60) {
			continue
		}
		of = head.Seller
		line := &spec.CartLine{Listing: id[:], Version: head.Version, Quantity: 1 + uint32(h.rand.IntN(2))}
		goods, _ := version.Price.Mul(uint64(line.Quantity))
		if total, _ = total.Add(goods); !shipped[id] {
			shipped[id] = true
			total, _ = total.Add(version.ShippingPrice)
		}
		command.Lines = append(command.Lines, line)
		lot := spec.StockLot(id, 1, 0)
		if lots := h.entries(ledger.LotKind, id[:]); len(lots) > 0 {
			lot = spec.ID([]byte(lots[h.rand.IntN(len(lots))].Key.ID))
		}
		if hints.Lots = append(hints.Lots, lot[:]); len(command.Lines) == 3 || h.oneIn(3) {
			break
		}
	}
	if len(command.Lines) == 0 {
		return h.drawPurchase(who, listings[0])
	}
	if command.Total = total.Bytes(); h.oneIn(20) {
		command.Total = spec.CMT(3).Bytes()
	}
	if h.oneIn(2) {
		command.HandOverHash = spec.HandOverHash(spec.NewID(spec.OrderType, who.address, command.Reference), code)
	}
	return "market:PlaceCart", command, hints
}

// variants are none, mostly, or one.
func (h *history) variants() []*spec.VariantTerms {
	if !h.oneIn(3) {
		return nil
	}
	return []*spec.VariantTerms{{Price: h.positive(), Stock: uint32(h.rand.IntN(5))}}
}

// milestones are none, as goods have, or a service's.
func (h *history) milestones() []uint32 {
	return [][]uint32{nil, nil, nil, {10_000}, {3333, 6667}}[h.rand.IntN(5)]
}

func (h *history) drawOrderStep(who *player, id spec.ID) (string, proto.Message, *spec.Hints) {
	order := h.auditor.Record(ledger.OrderKey(id)).(ledger.Order)
	step := orderSteps[h.rand.IntN(len(orderSteps))]
	if likely := likelySteps[order.State]; len(likely) > 0 && !h.oneIn(20) {
		step = likely[h.rand.IntN(len(likely))]
	}
	if step == "RuleDispute" {
		return h.drawContest(who, id, order)
	}
	either := []spec.Address{order.Seller, order.Buyer}[h.rand.IntN(2)]
	as := func(address spec.Address) {
		if !h.oneIn(12) {
			h.become(who, address)
		}
	}
	switch step {
	case "AcceptOrder", "ShipOrder", "RefundOrder", "ReportMilestone", "AcceptReturn", "DeclineReturn":
		as(order.Seller)
	case "ConfirmOrder", "AskReturn", "ShipReturn":
		as(order.Buyer)
	case "HandOverOrder", "CancelOrder", "ProposeSplit", "AgreeSplit", "OpenDispute":
		as(either)
	case "ReportDelivery":
		as(spec.OrganisationAddress([]string{carrier, carrier, merchant}[h.rand.IntN(3)]))
	}
	return "market:" + step, h.orderCommand(step, id, order), nil
}

func (h *history) orderCommand(step string, id spec.ID, order ledger.Order) proto.Message {
	o := id[:]
	switch step {
	case "AcceptOrder":
		return &spec.AcceptOrder{Order: o}
	case "ShipOrder":
		return &spec.ShipOrder{Order: o, Quantity: uint32(max(0, h.rand.IntN(6)-3))}
	case "HandOverOrder":
		guess := code
		if h.oneIn(5) {
			guess = make([]byte, 16)
		}
		return &spec.HandOverOrder{Order: o, Code: guess}
	case "ReportDelivery":
		return &spec.ReportDelivery{Order: o}
	case "ConfirmOrder":
		return &spec.ConfirmOrder{Order: o, Amount: h.part(order)}
	case "CancelOrder":
		return &spec.CancelOrder{Order: o}
	case "RefundOrder":
		return &spec.RefundOrder{Order: o, Amount: h.part(order)}
	case "ReleaseOrder":
		return &spec.ReleaseOrder{Order: o}
	case "ReportMilestone":
		return &spec.ReportMilestone{Order: o, Milestone: 1 + uint32(h.rand.IntN(2))}
	case "ReleaseMilestone":
		return &spec.ReleaseMilestone{Order: o, Milestone: 1 + uint32(h.rand.IntN(2))}
	case "ProposeSplit":
		return &spec.ProposeSplit{Order: o, SellerAmount: h.part(order)}
	case "AgreeSplit":
		return &spec.AgreeSplit{Order: o, SellerAmount: order.SplitAmount.Bytes()}
	case "OpenDispute":
		return &spec.OpenDispute{Order: o, ReasonHash: make([]byte, 32)}
	case "AskReturn":
		return &spec.AskReturn{Order: o}
	case "AcceptReturn":
		return &spec.AcceptReturn{Order: o}
	case "DeclineReturn":
		return &spec.DeclineReturn{Order: o}
	case "ShipReturn":
		return &spec.ShipReturn{Order: o}
	}
	return &spec.ExpireOrder{Order: o}
}

// part names a third of what an order holds, or nothing, which is all.
func (h *history) part(order ledger.Order) []byte {
	if h.oneIn(2) {
		return nil
	}
	return order.Held().Portion(1, 3).Bytes()
}

// orderSteps are the operations on an order; likelySteps are those that a state waits for.
var (
	orderSteps = []string{
		"AcceptOrder", "ShipOrder", "HandOverOrder", "ReportDelivery", "ConfirmOrder", "CancelOrder", "RefundOrder", "ReleaseOrder", "ExpireOrder",
		"ReportMilestone", "ReleaseMilestone", "ProposeSplit", "AgreeSplit", "AskReturn", "AcceptReturn", "DeclineReturn", "ShipReturn",
		"OpenDispute", "RuleDispute",
	}
	likelySteps = map[spec.OrderState][]string{
		spec.OrderState_ORDER_STATE_PLACED:          {"AcceptOrder", "AcceptOrder", "AcceptOrder", "AcceptOrder", "AcceptOrder", "CancelOrder", "ExpireOrder"},
		spec.OrderState_ORDER_STATE_ACCEPTED:        {"ShipOrder", "ShipOrder", "ShipOrder", "ShipOrder", "ShipOrder", "HandOverOrder", "HandOverOrder", "ConfirmOrder", "CancelOrder", "ExpireOrder"},
		spec.OrderState_ORDER_STATE_PART_SHIPPED:    {"ShipOrder", "ExpireOrder", "RefundOrder", "AgreeSplit"},
		spec.OrderState_ORDER_STATE_SHIPPED:         {"HandOverOrder", "HandOverOrder", "ReportDelivery", "ReportDelivery", "ReportDelivery", "ReportDelivery", "ConfirmOrder", "RefundOrder", "ExpireOrder", "ProposeSplit", "AgreeSplit", "OpenDispute", "OpenDispute", "OpenDispute"},
		spec.OrderState_ORDER_STATE_HANDED_OVER:     {"ConfirmOrder", "RefundOrder", "ReleaseOrder", "AskReturn", "AskReturn", "AskReturn", "AskReturn", "AskReturn", "AgreeSplit", "OpenDispute", "OpenDispute"},
		spec.OrderState_ORDER_STATE_COMMISSIONED:    {"ReportMilestone", "ReportMilestone", "ReleaseMilestone", "CancelOrder", "ExpireOrder"},
		spec.OrderState_ORDER_STATE_WORKING:         {"ReportMilestone", "ReleaseMilestone", "ReleaseMilestone", "ExpireOrder", "ProposeSplit", "AgreeSplit"},
		spec.OrderState_ORDER_STATE_RETURN_ASKED:    {"AcceptReturn", "AcceptReturn", "DeclineReturn", "DeclineReturn", "ShipReturn", "ReleaseOrder"},
		spec.OrderState_ORDER_STATE_RETURN_ACCEPTED: {"ShipReturn", "ShipReturn", "ReleaseOrder"},
		spec.OrderState_ORDER_STATE_RETURN_SHIPPED:  {"RefundOrder", "ExpireOrder", "ProposeSplit"},
		spec.OrderState_ORDER_STATE_DISPUTED:        {"HandOverOrder", "ReportDelivery", "ConfirmOrder", "RefundOrder", "ProposeSplit", "AgreeSplit", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute"},
	}
)

func isSettled(s spec.OrderState) bool { return len(likelySteps[s]) == 0 }
