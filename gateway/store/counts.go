package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// counts has how many open credits each account has, as far as blocks were taken.
type counts struct {
	mu   sync.RWMutex
	open map[spec.Address]int
}

// load counts the credits of a database.
func (c *counts) load(ctx context.Context, db *sql.DB) (err error) {
	rows, err := db.QueryContext(ctx, "SELECT address, count(*) FROM credits GROUP BY address")
	if err != nil {
		return err
	}
	defer rows.Close()
	open := map[spec.Address]int{}
	for rows.Next() {
		var data []byte
		var count int
		if err := rows.Scan(&data, &count); err != nil {
			return err
		}
		address, err := spec.AddressFromBytes(data)
		if err != nil {
			return err
		}
		open[address] = count
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = open
	return rows.Err()
}

// add takes the changes of a block that was committed.
func (c *counts) add(changes map[spec.Address]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for address, change := range changes {
		if c.open[address] += change; c.open[address] <= 0 {
			delete(c.open, address)
		}
	}
}

func (c *counts) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.open)
}

func (c *counts) of(address spec.Address) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.open[address]
}

// crowded returns the accounts that have at least so many, in order.
func (c *counts) crowded(credits int) []spec.Address {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var found []spec.Address
	for address, count := range c.open {
		if count >= credits {
			found = append(found, address)
		}
	}
	slices.SortFunc(found, func(a, b spec.Address) int { return slices.Compare(a.Bytes(), b.Bytes()) })
	return found
}
