package mirror

import (
	"bytes"
	"fmt"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/util"
)

// ForgetIntents looks at so many intents on the disk, from where it stopped before, round and round, and forgets what was said of those
// that were valid until before a time. It returns how many. One at a time may call it; blocks need not wait.
//
// Nothing is noted of it: after a crash the intents of the blocks that are taken again are there again, and are forgotten again.
func (m *Mirror) ForgetIntents(before int64, look int) (forgotten int, err error) {
	bounds := &util.Range{Start: m.looked, Limit: []byte{refusedPrefix + 1}}
	if bounds.Start == nil {
		bounds.Start = []byte{happenedPrefix}
	}
	iterator := m.engine.db.NewIterator(bounds, nil)
	defer iterator.Release()
	old := new(leveldb.Batch)
	m.looked = nil
	for ; iterator.Next(); look-- {
		if look == 0 {
			m.looked = bytes.Clone(iterator.Key())
			break
		}
		s, err := readSaid(iterator.Value())
		if err != nil {
			return 0, fmt.Errorf("look at an intent: %w", err)
		}
		if s.validUntil < before {
			old.Delete(iterator.Key())
		}
	}
	if err := iterator.Error(); err != nil {
		return 0, fmt.Errorf("look for old intents: %w", err)
	}
	if old.Len() == 0 {
		return 0, nil
	}
	if err := m.engine.db.Write(old, nil); err != nil {
		return 0, fmt.Errorf("forget old intents: %w", err)
	}
	return old.Len(), nil
}
