package ledger_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

func TestBalanceShowsWhereMoneyLies(t *testing.T) {
	b, _, _ := orderIn(t, nameOf(shipped)) // 7 CMT held
	b.fund(buyers, "anna", spec.CMT(2))
	for n := range 3 {
		b.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: fmt.Sprint("gift-", n), To: anna.address().Bytes(), Amount: spec.CMT(1).Bytes()}, nil)
	}
	got := b.must(operator, "", "token:GetBalance", &spec.GetBalance{Address: anna.address().Bytes()}, nil)
	want := &spec.Balance{
		Address: anna.address().Bytes(), Account: spec.CMT(2).Bytes(), Credits: spec.CMT(3).Bytes(), CreditCount: 3, Held: spec.CMT(7).Bytes(), Complete: true,
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A balance says when there is more than it counted.
func TestBalanceOfManyCreditsIsIncomplete(t *testing.T) {
	for _, row := range []struct {
		credits  int
		count    uint32
		complete bool
	}{{999, 999, true}, {1000, 1000, true}, {1001, 1000, false}} {
		b := openBooks(t)
		for n := range row.credits {
			b.records[ledger.CreditKey(anna.address(), spec.CreditName{N: uint32(n)})] = ledger.Credit{Amount: spec.Units(1), Cause: spec.CreditKind_CREDIT_KIND_TRANSFER}
		}
		got := b.must(buyers, "", "token:GetBalance", &spec.GetBalance{Address: anna.address().Bytes()}, nil).(*spec.Balance)
		if got.CreditCount != row.count || got.Complete != row.complete || string(got.Credits) != string(spec.Units(uint64(row.count)).Bytes()) {
			t.Errorf("of %d credits the balance counts %d, complete %t; want %d, %t", row.credits, got.CreditCount, got.Complete, row.count, row.complete)
		}
	}
}

// Pages, one after the other, show each credit once, and all of them.
func TestCreditsPageByPage(t *testing.T) {
	const credits = 25
	b := openBooks(t)
	for n := range credits {
		b.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: fmt.Sprint("gift-", n), To: anna.address().Bytes(), Amount: spec.CMT(1).Bytes()}, nil)
	}
	for _, limit := range []uint32{0, 1, 7, 24, 25, 26, 100} {
		seen := map[string]bool{}
		cursor := ""
		for pages := 0; ; pages++ {
			page := b.must(buyers, "", "token:ListCredits", &spec.ListCredits{Address: anna.address().Bytes(), Cursor: cursor, Limit: limit}, nil).(*spec.CreditPage)
			if limit > 0 && len(page.Credits) > int(limit) || pages > credits {
				t.Fatalf("limit %d: page %d has %d credits", limit, pages, len(page.Credits))
			}
			for _, credit := range page.Credits {
				if seen[string(credit.Credit)] {
					t.Errorf("limit %d: a credit is shown twice", limit)
				}
				seen[string(credit.Credit)] = true
				if string(credit.Amount) != string(spec.CMT(1).Bytes()) || credit.Kind != spec.CreditKind_CREDIT_KIND_TRANSFER {
					t.Errorf("limit %d: a credit is shown as %v", limit, credit)
				}
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if len(seen) != credits {
			t.Errorf("limit %d: %d credits are shown, want %d", limit, len(seen), credits)
		}
	}
}

func TestSupplyCountsMintedAndBurnt(t *testing.T) {
	b := openBooks(t)
	b.must(treasurer, "", "token:Mint", mintOf(spec.CMT(5)), nil)
	b.must(treasurer, "", "token:Burn", &spec.Burn{Reference: "b", Amount: spec.CMT(2).Bytes()}, nil)
	got := b.must(buyers, "", "token:GetSupply", &spec.GetSupply{}, nil)
	want := &spec.Supply{Supply: spec.CMT(1_000_003).Bytes(), Minted: spec.CMT(1_000_005).Bytes(), Burnt: spec.CMT(2).Bytes()}
	if !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The supply was what it was then: who looks a mint up later is not told.
func TestMintsAndBurnsAreFound(t *testing.T) {
	b := openBooks(t)
	minted := b.must(treasurer, "", "token:Mint", mintOf(spec.CMT(5)), nil).(*spec.MintView)
	burnt := b.must(treasurer, "", "token:Burn", &spec.Burn{Reference: "b", Amount: spec.CMT(2).Bytes()}, nil).(*spec.BurnView)
	minted.Supply, burnt.Supply = nil, nil
	if found := b.must(carrier, "", "token:GetMint", &spec.GetMint{Mint: minted.Mint}, nil); !proto.Equal(found, minted) {
		t.Errorf("the mint is %v, was made as %v", found, minted)
	}
	if found := b.must(carrier, "", "token:GetBurn", &spec.GetBurn{Burn: burnt.Burn}, nil); !proto.Equal(found, burnt) {
		t.Errorf("the burn is %v, was made as %v", found, burnt)
	}
}

func TestWhatWasCreatedIsFoundUnderItsIdentifier(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(7))
	made := b.must(buyers, "anna", "token:Transfer", &spec.Transfer{Reference: "r", To: seller.address().Bytes(), Amount: spec.Units(10).Bytes(), Memo: "thanks"}, nil)
	id := spec.NewID(spec.TransferType, anna.address(), "r")
	if found := b.must(carrier, "", "token:GetTransfer", &spec.GetTransfer{Transfer: id[:]}, nil); !proto.Equal(found, made) {
		t.Errorf("the transfer is %v, was made as %v", found, made)
	}
	b.fund(buyers, "anna", spec.CMT(7))
	listing := b.list("lamp", true)
	command, order := purchase(listing, "o")
	command.DeliveryHash = make([]byte, 32)
	command.DeliveryHash[0] = 1
	made = b.must(buyers, "anna", "market:PlaceOrder", command, nil)
	if found := b.must(carrier, "", "market:GetOrder", &spec.GetOrder{Order: order[:]}, nil); !proto.Equal(found, made) {
		t.Errorf("the order is %v, was made as %v", found, made)
	}
	view := b.must(carrier, "", "market:GetListing", &spec.GetListing{Listing: listing[:]}, nil).(*spec.ListingView)
	if len(view.Lots) != 2 || view.Lots[0].Stock+view.Lots[1].Stock != 8 || view.State != spec.ListingState_LISTING_STATE_OPEN || !view.AcceptRequired {
		t.Errorf("the listing is %v, want two lots with 8 units, open", view)
	}
	b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: listing[:]}, nil)
	if view = b.must(carrier, "", "market:GetListing", &spec.GetListing{Listing: listing[:]}, nil).(*spec.ListingView); view.State != spec.ListingState_LISTING_STATE_CLOSED {
		t.Errorf("the closed listing is %v", view)
	}
	member := b.must(buyers, "", "consortium:GetMember", &spec.GetMember{MspId: merchant}, nil)
	want := &spec.Member{MspId: merchant, Roles: roles[merchant], Address: spec.OrganisationAddress(merchant).Bytes(), Index: 3}
	if !proto.Equal(member, want) {
		t.Errorf("the member is %v, want %v", member, want)
	}
	params := b.must(buyers, "", "consortium:GetParameters", &spec.GetParameters{}, nil).(*spec.Parameters)
	if params.FeeBps != feeBps || params.FenceGraceSeconds != graceSeconds || string(params.Treasury) != string(spec.OrganisationAddress(treasurer).Bytes()) {
		t.Errorf("the parameters are %v", params)
	}
}

// The stock is divided as evenly as it goes, in no more lots than units.
func TestStockIsDividedIntoLots(t *testing.T) {
	for _, row := range []struct {
		stock, lots uint32
		want        []uint32
	}{
		{10, 0, []uint32{10}}, {10, 1, []uint32{10}}, {10, 3, []uint32{4, 3, 3}}, {3, 16, []uint32{1, 1, 1}}, {1_000_000_000, 16, nil},
	} {
		b := openBooks(t)
		view := b.must(merchant, "", "market:CreateListing", &spec.CreateListing{
			Reference: "l", Price: spec.CMT(1).Bytes(), Stock: row.stock, Lots: row.lots, Category: "x", ContentHash: make([]byte, 32),
		}, nil).(*spec.ListingView)
		listing := spec.ID(view.Listing)
		if got := b.stock(listing); got != row.stock {
			t.Errorf("%d units in %d lots are %d units", row.stock, row.lots, got)
		}
		for n, units := range row.want {
			lot := spec.StockLot(listing, 1, uint32(n))
			if got := b.records[ledger.LotKey(listing, lot)]; got != (ledger.Lot{Stock: units}) || view.Lots[n].Stock != units || spec.ID(view.Lots[n].Lot) != lot {
				t.Errorf("%d units in %d lots: lot %d is %v, shown as %v, want %d", row.stock, row.lots, n, got, view.Lots[n], units)
			}
		}
		if row.want != nil && len(view.Lots) != len(row.want) {
			t.Errorf("%d units in %d lots are %d lots", row.stock, row.lots, len(view.Lots))
		}
	}
}
