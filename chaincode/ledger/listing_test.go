package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

const listingsDoc = "../../docs/rules/listings.md"

// shopper is somebody who tries something with the merchant's listing.
type shopper struct {
	seat
	is []string
}

var shoppers = []shopper{
	{seller, []string{"seller"}}, {seat{operator, ""}, []string{"operator", "buyer"}}, {anna, []string{"buyer"}},
	{seat{merchant, "store"}, []string{"buyer"}}, {seat{operator, "desk"}, []string{"operator", "buyer"}},
}

var listingCommands = map[string]func(listing spec.ID, version uint32) proto.Message{
	"EditListing":  func(l spec.ID, version uint32) proto.Message { return edit(l, version, spec.CMT(3)) },
	"CloseListing": func(l spec.ID, _ uint32) proto.Message { return &spec.CloseListing{Listing: l[:]} },
	"SuspendListing": func(l spec.ID, _ uint32) proto.Message {
		return &spec.SuspendListing{Listing: l[:], Reason: "stolen goods"}
	},
	"ResumeListing": func(l spec.ID, _ uint32) proto.Message { return &spec.ResumeListing{Listing: l[:]} },
	"PlaceOrder": func(l spec.ID, version uint32) proto.Message {
		return &spec.PlaceOrder{Reference: "o", Listing: l[:], Version: version, Quantity: 1, Total: spec.CMT(4).Bytes()}
	},
}

// listingIn returns books with a listing in a state of the table.
func listingIn(t testing.TB, state string) (*books, spec.ID) {
	t.Helper()
	b := openBooks(t)
	for _, s := range shoppers {
		b.fund(s.mspID, s.subAccount, spec.CMT(4))
	}
	if state == "absent" {
		return b, spec.ID{1}
	}
	listing := b.list("lamp", false)
	operatorsDesk := seat{operator, ""}
	steps := map[string][]string{
		"open": nil, "suspended": {"SuspendListing"}, "closed": {"CloseListing"}, "closed while suspended": {"SuspendListing", "CloseListing"},
	}[state]
	for _, step := range steps {
		who := map[string]seat{"SuspendListing": operatorsDesk, "CloseListing": seller}[step]
		b.must(who.mspID, who.subAccount, "market:"+step, listingCommands[step](listing, 1), nil)
	}
	return b, listing
}

// TestListingStateMachine is every cell of docs/rules/listings.md.
func TestListingStateMachine(t *testing.T) {
	steps := table(t, listingsDoc, "Steps", "state", "actor")
	for _, state := range ruletable.Values(table(t, listingsDoc, "States"), "state") {
		for _, operation := range ruletable.Values(steps, "operation") {
			if listingCommands[operation] == nil {
				t.Fatalf("the table has the operation %s, which this test does not know", operation)
			}
			for _, who := range shoppers {
				name := fmt.Sprintf("%s, %s by %s/%s", state, operation, who.mspID, who.subAccount)
				row, code := findListingRow(steps, state, operation, who)
				checkListingCell(t, name, state, operation, who, row, code)
			}
		}
	}
}

func findListingRow(steps []ruletable.Row, state, operation string, who shopper) (ruletable.Row, spec.Code) {
	if spec.Find("market:"+operation).Role == spec.Role_ROLE_OPERATOR && who.mspID != operator {
		return nil, spec.RoleRequired
	}
	if state == "absent" {
		return nil, spec.NotFound
	}
	for _, row := range steps {
		if row["state"] == state && row["operation"] == operation && slices.Contains(who.is, row["actor"]) {
			if row["error"] != "-" {
				return row, spec.Code(row["error"])
			}
			return row, ""
		}
	}
	return nil, spec.NotAParty
}

func checkListingCell(t *testing.T, name, state, operation string, who shopper, row ruletable.Row, code spec.Code) {
	t.Helper()
	b, listing := listingIn(t, state)
	_, err := b.try(who.mspID, who.subAccount, "market:"+operation, listingCommands[operation](listing, 1), nil)
	if code != "" {
		if err == nil || spec.ErrorCode(err) != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v, want %s", name, err, row["next state"])
		return
	}
	head := b.records[ledger.ListingKey(listing)].(ledger.Listing)
	got := map[[2]bool]string{{}: "open", {true, false}: "closed", {false, true}: "suspended", {true, true}: "closed while suspended"}[[2]bool{head.Closed, head.Suspended}]
	version := map[string]uint32{"same": 1, "next": 2}[row["version"]]
	if got != row["next state"] || head.Version != version {
		t.Errorf("%s: the listing is %s in version %d, want %s and %d", name, got, head.Version, row["next state"], version)
	}
	// A mark stands beside a version exactly when it takes no more orders.
	if _, ended := b.records[ledger.EndKey(listing, head.Version)]; ended != (got != "open") {
		t.Errorf("%s: the listing is %s and its version has a mark: %t", name, got, ended)
	}
	if _, ended := b.records[ledger.EndKey(listing, 1)]; version == 2 && !ended {
		t.Errorf("%s: the version before takes orders still", name)
	}
}

// Each variant has its price and its own lots; a lot of another variant gives nothing.
func TestVariants(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(100))
	listing := b.listTerms("shirt", func(c *spec.CreateListing) {
		c.Region = "us-ca"
		c.Variants = []*spec.VariantTerms{{Price: spec.CMT(5).Bytes(), Stock: 2}, {Price: spec.CMT(7).Bytes()}}
	})
	order := func(reference string, variant uint32, cmt uint32) *spec.PlaceOrder {
		return &spec.PlaceOrder{Reference: reference, Listing: listing[:], Version: 1, Variant: variant, Quantity: 1, Total: spec.CMT(cmt).Bytes()}
	}
	b.must(buyers, "anna", "market:PlaceOrder", order("small", 0, 4), nil)
	b.must(buyers, "anna", "market:PlaceOrder", order("large", 1, 6), nil)
	first, large := spec.StockLot(listing, 1, 0), spec.StockLot(listing, 1, ledger.MaxLots)
	for _, row := range []struct {
		command *spec.PlaceOrder
		lot     spec.ID
		code    spec.Code
	}{
		{order("price", 1, 4), large, spec.TotalMismatch}, {order("none-left", 2, 8), spec.StockLot(listing, 1, 2*ledger.MaxLots), spec.LotEmpty},
		{order("lot", 1, 6), first, spec.LotEmpty}, {order("lot", 0, 4), large, spec.LotEmpty}, {order("none", 3, 4), first, spec.NotFound},
	} {
		if _, err := b.try(buyers, "anna", "market:PlaceOrder", row.command, &spec.Hints{Lot: row.lot[:]}); spec.ErrorCode(err) != row.code {
			t.Errorf("%s, variant %d: %v, want %s", row.command.Reference, row.command.Variant, err, row.code)
		}
	}
	id := spec.NewID(spec.OrderType, anna.address(), "large")
	b.must(buyers, "anna", "market:CancelOrder", &spec.CancelOrder{Order: id[:]}, nil)
	if got := b.records[ledger.LotKey(listing, spec.ReturnLot(listing, id))]; got != (ledger.Lot{Stock: 1, Variant: 1}) {
		t.Errorf("the unit comes back as %v, want one of variant 1", got)
	}
	view := b.must(carrier, "", "market:GetListing", &spec.GetListing{Listing: listing[:]}, nil).(*spec.ListingView)
	if view.Region != "us-ca" || len(view.VariantPrices) != 2 || string(view.VariantPrices[1]) != string(spec.CMT(7).Bytes()) {
		t.Errorf("the listing is shown as %v", view)
	}
}
