package mirror

import (
	"fmt"
	"slices"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// overlays returns the changes that are not on the disk yet, the newest first. The caller holds the lock.
func (m *Mirror) overlays() []*overlay {
	if m.frozen == nil {
		return []*overlay{m.fresh}
	}
	return []*overlay{m.fresh, m.frozen}
}

// Get returns the values of the keys in their order, nil where there is none. They must not be changed.
func (m *Mirror) Get(keys ...string) ([][]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	values := make([][]byte, len(keys))
	for i, key := range keys {
		var err error
		if values[i], err = m.get(key); err != nil {
			return nil, fmt.Errorf("read the mirror: %w", err)
		}
	}
	return values, nil
}

func (m *Mirror) get(key string) ([]byte, error) {
	if value, here := m.fresh.values[key]; here {
		return value, nil
	}
	if m.frozen != nil {
		if value, here := m.frozen.values[key]; here {
			return value, nil
		}
	}
	return m.engine.get([]byte(key))
}

// Range returns at most limit pairs from start, inclusive, to end, exclusive, in the order of the keys.
func (m *Mirror) Range(start, end string, limit int) ([]state.Pair, error) {
	var pairs []state.Pair
	err := m.each(start, end, func(key string, value []byte) bool {
		if len(pairs) < limit {
			pairs = append(pairs, state.Pair{Key: key, Value: value})
		}
		return len(pairs) < limit
	})
	return pairs, err
}

// All calls take for every key in order, until it fails. Blocks wait as long.
func (m *Mirror) All(take func(key string, value []byte) error) error {
	return m.until(firstLedgerKey, "", take)
}

// Kind calls take for every key of a kind that has more than one, as All does.
func (m *Mirror) Kind(kind ledger.Kind, take func(key string, value []byte) error) error {
	prefix := state.PrefixOf(kind)
	return m.until(prefix, state.Behind(prefix), take)
}

// until calls take for the pairs of a range in order until it fails.
func (m *Mirror) until(start, end string, take func(key string, value []byte) error) error {
	var failed error
	err := m.each(start, end, func(key string, value []byte) bool {
		failed = take(key, value)
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// each calls take for the pairs of a range in order until it says no.
func (m *Mirror) each(start, end string, take func(key string, value []byte) bool) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.merge(start, end, take)
}

// merge is each for who holds the lock.
func (m *Mirror) merge(start, end string, take func(key string, value []byte) bool) error {
	var over []string
	for _, o := range m.overlays() {
		over = append(over, o.between(start, end)...)
	}
	slices.Sort(over)
	over = slices.Compact(over)
	going := true
	// step gives what lies in memory up to a key of the disk's, and reports whether that one was among them.
	step := func(limit []byte, last bool) (shadowed bool) {
		for going && len(over) > 0 && (last || over[0] <= string(limit)) {
			key := over[0]
			over = over[1:]
			shadowed = !last && key == string(limit)
			if value := m.over(key); value != nil {
				going = take(key, value)
			}
		}
		return shadowed
	}
	err := m.engine.each(start, end, func(key, value []byte) bool {
		if shadowed := step(key, false); going && !shadowed {
			going = take(string(key), slices.Clone(value))
		}
		return going
	})
	if err != nil {
		return fmt.Errorf("read the mirror: %w", err)
	}
	step(nil, true)
	return nil
}

// over returns the value of a key that some overlay has.
func (m *Mirror) over(key string) []byte {
	for _, o := range m.overlays() {
		if value, here := o.values[key]; here {
			return value
		}
	}
	return nil
}

// countCredits counts those on the disk.
func (m *Mirror) countCredits() error {
	credits := state.PrefixOf(ledger.CreditKind)
	var failed error
	err := m.engine.each(credits, state.Behind(credits), func(key, _ []byte) bool {
		var owner spec.Address
		if owner, failed = ownerOf(string(key)); failed == nil {
			m.credits[owner]++
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// CreditCount returns how many open credits an account has.
func (m *Mirror) CreditCount(address spec.Address) int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.credits[address]
}

// Crowded returns the accounts that have at least so many open credits, in order.
func (m *Mirror) Crowded(credits int) []spec.Address {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []spec.Address
	for address, count := range m.credits {
		if count >= credits {
			found = append(found, address)
		}
	}
	slices.SortFunc(found, func(a, b spec.Address) int { return slices.Compare(a.Bytes(), b.Bytes()) })
	return found
}

// Funds returns what an account has and its biggest open credits, at most so many.
func (m *Mirror) Funds(address spec.Address, credits int) (app.Funds, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	funds := app.Funds{CreditCount: m.credits[address]}
	value, err := m.get(state.FormatKey(ledger.AccountKey(address)))
	if err != nil {
		return funds, fmt.Errorf("read an account: %w", err)
	}
	if value != nil {
		record, err := state.DecodeRecord(ledger.AccountKind, value)
		if err != nil {
			return funds, fmt.Errorf("read an account: %w", err)
		}
		funds.Account = record.(ledger.Account).Balance
	}
	if funds.CreditCount == 0 || credits == 0 {
		return funds, nil
	}
	if funds.Credits, err = m.creditsOf(address, funds.CreditCount); err != nil {
		return funds, fmt.Errorf("read credits: %w", err)
	}
	slices.SortStableFunc(funds.Credits, app.BiggestFirst)
	funds.Credits = funds.Credits[:min(len(funds.Credits), credits)]
	return funds, nil
}

// creditsOf reads an account's credits, in memory when all that it has lie there.
func (m *Mirror) creditsOf(address spec.Address, count int) ([]app.Credit, error) {
	found := make([]app.Credit, 0, count)
	family := state.FamilyOf(ledger.CreditKind, string(address.Bytes()))
	var failed error
	take := func(key string, value []byte) bool {
		var credit app.Credit
		if credit, failed = readCredit(key, value); failed == nil {
			found = append(found, credit)
		}
		return failed == nil
	}
	for _, o := range m.overlays() {
		for _, key := range o.between(family, state.Behind(family)) {
			if value := m.over(key); value != nil && !take(key, value) {
				return nil, failed
			}
		}
	}
	if len(found) == count {
		return found, nil
	}
	found = found[:0]
	if err := m.merge(family, state.Behind(family), take); err != nil {
		return nil, err
	}
	return found, failed
}

func readCredit(text string, value []byte) (credit app.Credit, err error) {
	key, err := state.ParseKey(text)
	if err != nil {
		return credit, err
	}
	record, err := state.DecodeRecord(ledger.CreditKind, value)
	if err != nil {
		return credit, err
	}
	credit.Amount = record.(ledger.Credit).Amount
	credit.Name, err = spec.CreditNameFromBytes([]byte(key.ID))
	return credit, err
}
