package state_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

var (
	alice   = spec.SubAccountAddress("BuyersMSP", "alice")
	shop    = spec.OrganisationAddress("ShopMSP")
	listing = spec.NewID(spec.ListingType, shop, "bike")
	order   = spec.NewID(spec.OrderType, alice, "bike")
	credit  = spec.CreditName{Tx: [20]byte{0xfb, 0xff, 1, 2, 3}, N: 300}
)

func amount(t testing.TB, text string) spec.Amount {
	t.Helper()
	a, err := spec.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// samples has a record of every kind under its key, with the key and the value as they lie on the ledger. Whoever changes
// one of these texts changes the ledger's format: every ledger there is would have to be migrated.
func samples(t testing.TB) []struct {
	key    ledger.Key
	record ledger.Record
	text   string
	value  string
} {
	return []struct {
		key    ledger.Key
		record ledger.Record
		text   string
		value  string
	}{
		{ledger.ParametersKey(), ledger.Parameters{LedgerID: [16]byte{1, 2}, FeeAccount: shop, Treasury: alice, FeeBps: 250, CreditMinimum: amount(t, "0.01"), ShipSeconds: 1, ReleaseSeconds: 2, ProtectionSeconds: 300, FenceEpochSeconds: 4, FenceGraceSeconds: 5, HoldSeconds: 6, AuctionSeconds: 7, AuctionExtensionSeconds: 8, ReturnSeconds: 9, OfferSeconds: 10, ReviewSeconds: 7, AnswerSeconds: 8, DisputeSeconds: 9, PanelSize: 3, PanelFeeBps: 200, PanelFeeCap: amount(t, "2")}, "p", "0101020000000000000000000000000000026d572e7e1b9cd40e432623d539917ee27f2a47fb035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3efa01072386f26fc100000102ac020405060708090a07080903c801081bc16d674ec80000"},
		{ledger.MemberKey("ShopMSP"), ledger.Member{MSPID: "ShopMSP", Roles: 6, Index: 3}, "m/ShopMSP", "010753686f704d53500603"},
		{ledger.SupplyKey(), ledger.Supply{Minted: amount(t, "1000000000"), Burnt: amount(t, "1")}, "s", "010c033b2e3c9fd0803ce8000000080de0b6b3a7640000"},
		{ledger.AllowanceKey(alice, shop), ledger.Allowance{Amount: amount(t, "3")}, "n/A19TeyyuyKxZq03Mpq0A0Ak72cs-/Am1XLn4bnNQOQyYj1TmRfuJ_Kkf7", "010829a2241af62c0000"},
		{ledger.TokenHoldKey(order), ledger.TokenHold{State: spec.HoldState_HOLD_STATE_VOIDED, Payer: alice, Payee: shop, Arbiter: alice, Amount: amount(t, "3"), Captured: amount(t, "1"), PlacedAt: 1_700_000_000, UpdatedAt: 1_700_000_001, ExpiresAt: 1_700_000_002, Memo: "hotel"}, "z/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "0103035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e026d572e7e1b9cd40e432623d539917ee27f2a47fb035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e0829a2241af62c0000080de0b6b3a764000080e2cfaa0681e2cfaa0682e2cfaa0605686f74656c"},
		{ledger.AuctionKey(order), ledger.Auction{State: spec.AuctionState_AUCTION_STATE_SOLD, Seller: shop, Listing: listing, Version: 2, Quantity: 3, StartPrice: amount(t, "1"), Reserve: amount(t, "3"), Step: amount(t, "0.5"), OpenedAt: 1_700_000_000, EndsAt: 1_700_000_001, ExtensionSeconds: 60, Bids: 4}, "u/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "0102026d572e7e1b9cd40e432623d539917ee27f2a47fbcd60b7c9068cfcd995d2ec164b9f6f843e15e94d0203080de0b6b3a76400000829a2241af62c00000806f05b59d3b2000080e2cfaa0681e2cfaa063c04"},
		{ledger.BidKey(listing, 4), ledger.Bid{Bidder: alice, Member: 3, Amount: amount(t, "3"), Time: 1_700_000_000, EndsAt: 1_700_000_060, HandOverHash: [32]byte{1}}, "ub/zWC3yQaM_NmV0uwWS59vhD4V6U0/AAAABA", "01035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e030829a2241af62c000080e2cfaa06bce2cfaa06010100000000000000000000000000000000000000000000000000000000000000"},
		{ledger.PayoutKey(order), ledger.Payout{From: alice, Count: 500, Total: amount(t, "3"), Memo: "wages", Time: 1_700_000_000}, "w/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "01035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3ef4030829a2241af62c000005776167657380e2cfaa06"},
		{ledger.FenceKey(5_666_666), ledger.Fence{Time: 1_700_000_000}, "f/5666666", "0180e2cfaa06"},
		{ledger.AccountKey(alice), ledger.Account{Balance: amount(t, "12.5"), Nonces: ledger.Nonces{Top: 300, Used: 5}, Home: 2}, "a/A19TeyyuyKxZq03Mpq0A0Ak72cs-", "0108ad78ebc5ac620000ac02faffffffffffffffff0102"},
		{ledger.AccountKey(shop), ledger.Account{Balance: amount(t, "12.5"), Nonces: ledger.Nonces{Top: 3, Used: 7}, Home: 2}, "a/Am1XLn4bnNQOQyYj1TmRfuJ_Kkf7", "0108ad78ebc5ac620000030002"},
		{ledger.CreditKey(alice, credit), ledger.Credit{Amount: amount(t, "0.5"), Cause: spec.CreditKind_CREDIT_KIND_REFUND}, "c/A19TeyyuyKxZq03Mpq0A0Ak72cs-/-_8BAgMAAAAAAAAAAAAAAAAAAAABLA", "01040806f05b59d3b20000"},
		{ledger.HoldKey(alice, order), ledger.Hold{Amount: amount(t, "3")}, "h/A19TeyyuyKxZq03Mpq0A0Ak72cs-/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "010829a2241af62c0000"},
		{ledger.TransferKey(order), ledger.Transfer{From: alice, To: shop, Amount: amount(t, "3"), Memo: "thanks", Time: 1_700_000_000}, "t/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "01035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e026d572e7e1b9cd40e432623d539917ee27f2a47fb0829a2241af62c0000067468616e6b7380e2cfaa06"},
		{ledger.MintKey(order), ledger.Mint{To: alice, Amount: amount(t, "3"), Time: 1_700_000_000}, "i/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "01035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e0829a2241af62c000080e2cfaa06"},
		{ledger.BurnKey(order), ledger.Burn{From: alice, Amount: amount(t, "3"), Time: 1_700_000_000}, "b/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "01035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e0829a2241af62c000080e2cfaa06"},
		{ledger.ListingKey(listing), ledger.Listing{Seller: shop, Version: 2, Closed: true, Suspended: true, Reason: "stolen", ReasonHash: [32]byte{4}, CreatedAt: 1_700_000_000, UpdatedAt: 1_700_000_001}, "l/zWC3yQaM_NmV0uwWS59vhD4V6U0", "01026d572e7e1b9cd40e432623d539917ee27f2a47fb0201010673746f6c656e01040000000000000000000000000000000000000000000000000000000000000080e2cfaa0681e2cfaa06"},
		{ledger.VersionKey(listing, 2), ledger.Version{Seller: shop, SellerMember: 3, Price: amount(t, "3"), ShippingPrice: amount(t, "0.25"), Category: "bikes", Region: "us-ca", VariantPrices: [15]spec.Amount{amount(t, "4")}, ContentHash: [32]byte{1}, AcceptRequired: true, Milestones: [8]uint32{3000, 7000}, CreatedAt: 1_700_000_000}, "v/zWC3yQaM_NmV0uwWS59vhD4V6U0/AAAAAg", "01026d572e7e1b9cd40e432623d539917ee27f2a47fb030829a2241af62c00000803782dace9d900000562696b65730575732d636101000000000000000000000000000000000000000000000000000000000000000102b817d83601083782dace9d90000080e2cfaa06"},
		{ledger.EndKey(listing, 1), ledger.End{Cause: ledger.Closed, Time: 1_700_000_000}, "e/zWC3yQaM_NmV0uwWS59vhD4V6U0/AAAAAQ", "010180e2cfaa06"},
		{ledger.LotKey(listing, spec.StockLot(listing, 1, 0)), ledger.Lot{Stock: 1000, Variant: 3}, "k/zWC3yQaM_NmV0uwWS59vhD4V6U0/YD_y37nMlS7YiNBJ0pKcdVU4J6k", "01e80703"},
		{ledger.OrderKey(order), ledger.Order{State: spec.OrderState_ORDER_STATE_HANDED_OVER, Buyer: alice, Seller: shop, BuyerMember: 2, SellerMember: 3, Listing: listing, Version: 2, Variant: 1, Quantity: 3, Total: amount(t, "9.25"), Released: amount(t, "0.1"), Refunded: amount(t, "1"), PanelPaid: amount(t, "3"), Discount: amount(t, "0.75"), Lines: 2, FeeBps: 250, ReleaseSeconds: 60, ReturnSeconds: 70, SplitBy: spec.Side_SIDE_SELLER, SplitAmount: amount(t, "2"), PlacedAt: 1_700_000_000, UpdatedAt: 1_700_000_001, ShipDeadline: 1_700_000_002, ProtectionDeadline: 1_700_000_003, ReleaseDue: 1_700_000_004, ReturnDue: 1_700_000_005, ReturnSent: true, ReturnProven: true, HandOverHash: [32]byte{1}, TrackingHash: [32]byte{2}, ReturnProofHash: [32]byte{3}}, "o/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "0104035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e026d572e7e1b9cd40e432623d539917ee27f2a47fb0203cd60b7c9068cfcd995d2ec164b9f6f843e15e94d020308805e99fdcc5d0000080a688906bd8b000008016345785d8a0000080de0b6b3a76400000829a2241af62c0000081bc16d674ec80000fa013c4680e2cfaa06010203f90101020405030245010000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000300000000000000000000000000000000000000000000000000000000000000"},
		{ledger.MilestonesKey(order), ledger.Milestones{{ShareBps: 3000, Due: 1_700_000_000, Released: true, ProofHash: [32]byte{3}}, {ShareBps: 7000}}, "x/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "0102b817d83680e2cfaa0601010300000000000000000000000000000000000000000000000000000000000000000000"},
		{ledger.OfferKey(listing, order), ledger.Offer{State: spec.OfferState_OFFER_STATE_COUNTERED, Buyer: alice, Seller: shop, BuyerMember: 2, SellerMember: 3, Version: 2, Quantity: 3, Total: amount(t, "8"), Counter: amount(t, "8.5"), CreatedAt: 1_700_000_000, UpdatedAt: 1_700_000_001, ExpiresAt: 1_700_000_002, HandOverHash: [32]byte{1}, DeliveryHash: [32]byte{2}}, "j/zWC3yQaM_NmV0uwWS59vhD4V6U0/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "0102035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e026d572e7e1b9cd40e432623d539917ee27f2a47fb02030203086f05b59d3b2000000875f610f70ed2000080e2cfaa0681e2cfaa0682e2cfaa060301000000000000000000000000000000000000000000000000000000000000000200000000000000000000000000000000000000000000000000000000000000"},
		{ledger.ReviewKey(order, spec.Side_SIDE_SELLER), ledger.Review{Rating: 4, ContentHash: [32]byte{1}, Time: 1_700_000_000}, "r/2kMBz__1Zx6G5YV2GNGVIu6L5ns/Ag", "0104010000000000000000000000000000000000000000000000000000000000000080e2cfaa06"},
		{ledger.DisputeKey(order), ledger.Dispute{State: spec.DisputeState_DISPUTE_STATE_RULED, OpenedBy: spec.Side_SIDE_BUYER, ReasonHash: [32]byte{1}, AnswerHash: [32]byte{2}, OpenedAt: 1_700_000_000, UpdatedAt: 1_700_000_001, AnsweredAt: 1_700_000_002, AnswerDeadline: 1_700_000_003, Deadline: 1_700_000_004, Panel: "OneMSP,TwoMSP", FeeBps: 200, FeeCap: amount(t, "2"), BuyerBps: 3350, ToBuyer: amount(t, "1"), ToSeller: amount(t, "2"), PanelFee: amount(t, "0.5")}, "d/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "010201030100000000000000000000000000000000000000000000000000000000000000020000000000000000000000000000000000000000000000000000000000000080e2cfaa0681e2cfaa0682e2cfaa0683e2cfaa0684e2cfaa060d4f6e654d53502c54776f4d5350c801081bc16d674ec80000961a080de0b6b3a7640000081bc16d674ec800000806f05b59d3b20000"},
		{ledger.VoteKey(order, "OneMSP"), ledger.Vote{BuyerBps: 3350, Time: 1_700_000_000}, "y/2kMBz__1Zx6G5YV2GNGVIu6L5ns/OneMSP", "01961a80e2cfaa06"},
		{ledger.EvidenceKey(order, spec.Side_SIDE_SELLER, 8), ledger.Evidence{ContentHash: [32]byte{1}, Time: 1_700_000_000}, "de/2kMBz__1Zx6G5YV2GNGVIu6L5ns/Agg", "01010000000000000000000000000000000000000000000000000000000000000080e2cfaa06"},
		{ledger.DiscountKey(order), ledger.Discount{Seller: shop, Buyer: alice, Reference: "spring", Listing: listing, Minimum: amount(t, "3"), Amount: amount(t, "0.5"), Bps: 7, ValidUntil: 1_700_000_000}, "g/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "01026d572e7e1b9cd40e432623d539917ee27f2a47fb035f537b2caec8ac59ab4dcca6ad00d0093bd9cb3e06737072696e67cd60b7c9068cfcd995d2ec164b9f6f843e15e94d0829a2241af62c00000806f05b59d3b200000780e2cfaa06"},
		{ledger.DiscountUseKey(order), ledger.DiscountUse{Order: order}, "gu/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "01da4301cffff5671e86e5857618d19522ee8be67b"},
		{ledger.LinesKey(order), ledger.Lines{{Listing: listing, Version: 2, Variant: 1, Quantity: 3, Price: amount(t, "3")}, {Listing: listing, Version: 2, Quantity: 1, Price: amount(t, "0.25")}}, "q/2kMBz__1Zx6G5YV2GNGVIu6L5ns", "0102cd60b7c9068cfcd995d2ec164b9f6f843e15e94d0201030829a2241af62c0000cd60b7c9068cfcd995d2ec164b9f6f843e15e94d0200010803782dace9d90000"},
		{ledger.ArbitersKey(), ledger.Arbiters{Names: "1:OneMSP,2:TwoMSP"}, "ma", "0111313a4f6e654d53502c323a54776f4d5350"},
	}
}

func TestFormatOnTheLedger(t *testing.T) {
	for _, s := range samples(t) {
		if text := state.FormatKey(s.key); text != s.text {
			t.Errorf("key of %T is %q, want %q", s.record, text, s.text)
		}
		if value := hex.EncodeToString(state.EncodeRecord(s.record)); value != s.value {
			t.Errorf("value of %T is %s, want %s", s.record, value, s.value)
		}
		key, err := state.ParseKey(s.text)
		if err != nil || key != s.key {
			t.Errorf("parsing %q gives %v, %v", s.text, key, err)
		}
		value, err := hex.DecodeString(s.value)
		if err != nil {
			t.Fatal(err)
		}
		record, err := state.DecodeRecord(s.key.Kind, value)
		if err != nil || record != s.record {
			t.Errorf("decoding %T gives %v, %v", s.record, record, err)
		}
	}
}

// Every prefix of a value, and every value with a byte behind it, is refused.
func TestValuesAreRefusedCutAndExtended(t *testing.T) {
	for _, s := range samples(t) {
		value := state.EncodeRecord(s.record)
		for n := range value {
			if record, err := state.DecodeRecord(s.key.Kind, value[:n]); err == nil {
				t.Errorf("%d of %d bytes of %T decode to %v", n, len(value), s.record, record)
			}
		}
		if _, err := state.DecodeRecord(s.key.Kind, append(value, 0)); err == nil {
			t.Errorf("%T with a byte behind it decodes", s.record)
		}
	}
}

func TestForeignKeysAreRefused(t *testing.T) {
	account := state.FormatKey(ledger.AccountKey(alice))
	for _, key := range []string{"", "/", "x", "p/", "p/x", "s/", "a", "a/", "m", "m/", "f/", account + "/", account + "=", account[:len(account)-1], "c/" + account[2:], "c//", "a/ü", "A" + account[1:]} {
		if parsed, err := state.ParseKey(key); err == nil && state.FormatKey(parsed) != key {
			t.Errorf("%q parses to %v", key, parsed)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := state.ParseKey(text)
		if err == nil && state.FormatKey(key) != text {
			t.Errorf("%q is another form of %q", text, state.FormatKey(key))
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(byte(s.key.Kind), state.EncodeRecord(s.record))
	}
	f.Fuzz(func(t *testing.T, kind byte, value []byte) {
		record, err := state.DecodeRecord(ledger.Kind(kind), value)
		if err != nil {
			return
		}
		if again := state.EncodeRecord(record); !bytes.Equal(again, value) {
			t.Errorf("%x of kind %d is another form of %x", value, kind, again)
		}
	})
}

// memory is a state of pairs.
type memory struct{ pairs []state.Pair }

func (m *memory) GetMultipleStates(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		for _, pair := range m.pairs {
			if pair.Key == key {
				values[i] = pair.Value
			}
		}
	}
	return values, nil
}

func (m *memory) Range(start, end string, limit int) ([]state.Pair, error) {
	var found []state.Pair
	for _, pair := range m.pairs {
		if pair.Key >= start && pair.Key < end && len(found) < limit {
			found = append(found, pair)
		}
	}
	return found, nil
}

func (m *memory) PutState(key string, value []byte) error {
	m.pairs = append(m.pairs, state.Pair{Key: key, Value: value})
	slices.SortFunc(m.pairs, func(a, b state.Pair) int { return strings.Compare(a.Key, b.Key) })
	return nil
}

func (m *memory) DelState(string) error { return nil }

// Pages of any size give each credit of the account once, and none of its neighbours'.
func TestPagesCoverOneParent(t *testing.T) {
	m := &memory{}
	const count = 7
	var writes []ledger.Write
	for _, owner := range []spec.Address{alice, shop} {
		for n := range uint32(count) {
			name := spec.CreditName{Tx: [20]byte{byte(n), 0xff}, N: n}
			writes = append(writes, ledger.Write{Key: ledger.CreditKey(owner, name), Record: ledger.Credit{Amount: spec.Units(uint64(n) + 1), Cause: spec.CreditKind_CREDIT_KIND_FEE}})
		}
	}
	if err := state.Apply(m, writes); err != nil {
		t.Fatal(err)
	}
	reader := state.Reader{Stub: m}
	for limit := 1; limit <= count+1; limit++ {
		seen := map[ledger.Key]bool{}
		for cursor, pages := "", 0; ; pages++ {
			entries, next, err := reader.Page(ledger.CreditKind, string(alice.Bytes()), cursor, limit)
			if err != nil || pages > count {
				t.Fatalf("limit %d: page %d: %v", limit, pages, err)
			}
			for _, entry := range entries {
				if entry.Key.Parent != string(alice.Bytes()) || seen[entry.Key] {
					t.Errorf("limit %d: %v is foreign or repeated", limit, entry.Key)
				}
				seen[entry.Key] = true
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if len(seen) != count {
			t.Errorf("limit %d: %d credits, want %d", limit, len(seen), count)
		}
	}
	for _, cursor := range []string{"/", "a/b", "!", "\x00", "AA\x00"} {
		if _, _, err := reader.Page(ledger.CreditKind, string(alice.Bytes()), cursor, 1); spec.ErrorCode(err) != spec.InvalidField {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

func TestLoadIsBounded(t *testing.T) {
	keys := make([]ledger.Key, spec.MaxRoundKeys+1)
	for i := range keys {
		keys[i] = ledger.FenceKey(uint64(i))
	}
	if _, err := (state.Reader{Stub: &memory{}}).Load(keys); err == nil {
		t.Error("more keys than a batch may name were asked for")
	}
}

// What gateways read of accounts without making records of them is what the codecs say.
func TestAccountsAtAGlance(t *testing.T) {
	owner := spec.KeyAddress("ed25519", []byte("key"))
	for _, account := range []ledger.Account{
		{}, {Home: 7}, {Balance: spec.Cap, Nonces: ledger.Nonces{Top: 1<<53 - 1, Used: 5}, Home: 1<<32 - 1},
	} {
		value := state.EncodeRecord(account)
		if home, err := state.HomeOf(value); err != nil || home != account.Home {
			t.Errorf("%+v is at home with %d, %v", account, home, err)
		}
		if _, err := state.HomeOf(append(value, 0)); err == nil {
			t.Error("a value with a byte behind its end was read")
		}
		for n := range value {
			if _, err := state.HomeOf(value[:n]); err == nil {
				t.Errorf("%d of %d bytes were read", n, len(value))
			}
		}
	}
	for _, key := range []ledger.Key{ledger.AccountKey(owner), ledger.AllowanceKey(owner, owner), ledger.HoldKey(owner, spec.ID{}), ledger.ArbitersKey()} {
		found, is := state.AccountOf(state.FormatKey(key))
		if is != (key.Kind == ledger.AccountKind) || is && found != owner {
			t.Errorf("%s: %s, %t", state.FormatKey(key), found, is)
		}
	}
	for _, key := range []string{"", "a", "a/", "a/AA", "a/" + strings.Repeat("A", 1000), "a/\n"} {
		if found, is := state.AccountOf(key); is {
			t.Errorf("%q is the account of %s", key, found)
		}
	}
}
