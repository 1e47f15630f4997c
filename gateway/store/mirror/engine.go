package mirror

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"
)

// The engine's bounds, for a gateway of millions of people: with both overlays some 300 MiB in all, when there are so many.
const (
	// blockCache holds the filters and indexes of all tables, some 3 octets a key of tens of millions; in a smaller one they are read from
	// the disk again for each key, whole.
	blockCache = 128 << 20
	// writeBuffer holds what a flush writes.
	writeBuffer = 32 << 20
	tableBytes  = 8 << 20
	// blockBytes is what a read takes at a time: more than the engine's 4 KiB, for reads are few beside what is merged, block by block.
	blockBytes = 16 << 10
	// freshTables flushes are merged at once, into one level as long as that is smaller than levelBytes: of ten million accounts met at
	// random each octet is then written three to five times, and with less at once and more levels some twenty. A read looks at the
	// filters of as many tables.
	freshTables = 16
	levelBytes  = 2 << 30
	openTables  = 256
	// filterBits a key let a read of one that is not in a table pass it by, but for one in a hundred.
	filterBits = 10
)

// What is in the engine beside the ledger's keys, which begin with a letter, begins with one of these.
const (
	checkpointPrefix byte = iota
	happenedPrefix
	refusedPrefix
	batchPrefix
	rowPrefix
	flushesPrefix
	// firstLedgerKey is behind all of these.
	firstLedgerKey = "A"
)

// segmentFlushes is how many flushes write to one segment of the rows: five million rows at the most. What is written is merged with
// its neighbours, and so with the rows of one segment, however many there have ever been; who reads a history seeks in each segment.
const segmentFlushes = 64

// engine is the store on the disk.
type engine struct {
	db *leveldb.DB
	// flushes is how many there were, of which segmentFlushes share a segment.
	flushes        atomic.Uint32
	segmentFlushes uint32
}

// checkpoint is the next block and the hash of the one before.
type checkpoint struct {
	next uint64
	hash []byte
}

func openEngine(folder string, segmentFlushes uint32) (*engine, error) {
	// The engine's files are for all to read: their folder is not.
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	db, err := leveldb.OpenFile(folder, &opt.Options{
		BlockCacheCapacity: blockCache, BlockSize: blockBytes, WriteBuffer: writeBuffer, CompactionTableSize: tableBytes, CompactionTotalSize: levelBytes,
		CompactionL0Trigger: freshTables, WriteL0SlowdownTrigger: 2 * freshTables, WriteL0PauseTrigger: 3 * freshTables,
		OpenFilesCacheCapacity: openTables, Filter: filter.NewBloomFilter(filterBits), Compression: opt.NoCompression, DisableSeeksCompaction: true,
	})
	if err != nil {
		return nil, err
	}
	e := &engine{db: db, segmentFlushes: segmentFlushes}
	flushes, err := e.get([]byte{flushesPrefix})
	if err == nil && flushes != nil && len(flushes) != 4 {
		err = fmt.Errorf("a count of flushes of %d bytes", len(flushes))
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if flushes != nil {
		e.flushes.Store(binary.BigEndian.Uint32(flushes))
	}
	return e, nil
}

func (e *engine) close() error { return e.db.Close() }

func (e *engine) get(key []byte) ([]byte, error) {
	value, err := e.db.Get(key, nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

// each calls take for the pairs from start to end, exclusive, in order until it says no; what it is given it must not keep.
func (e *engine) each(start, end string, take func(key, value []byte) bool) error {
	bounds := &util.Range{Start: []byte(start)}
	if end != "" {
		bounds.Limit = []byte(end)
	}
	iterator := e.db.NewIterator(bounds, nil)
	defer iterator.Release()
	for iterator.Next() && take(iterator.Key(), iterator.Value()) {
		continue
	}
	return iterator.Error()
}

// write writes the changes, the checkpoint and the count of flushes at once. A transaction of the engine goes to tables without a journal, and what comes
// sorted is inserted at half the cost.
func (e *engine) write(o *overlay) error {
	tr, err := e.db.OpenTransaction()
	if err != nil {
		return err
	}
	flushes := e.flushes.Load()
	err = o.writeTo(tr, flushes/e.segmentFlushes)
	if err == nil {
		err = tr.Put([]byte{flushesPrefix}, binary.BigEndian.AppendUint32(nil, flushes+1), nil)
	}
	if err != nil {
		tr.Discard()
		return err
	}
	if err := tr.Commit(); err != nil {
		return err
	}
	e.flushes.Store(flushes + 1)
	return nil
}

// segments is how many there are that have rows.
func (e *engine) segments() uint32 {
	return (e.flushes.Load() + e.segmentFlushes - 1) / e.segmentFlushes
}

func (e *engine) checkpoint() (checkpoint, error) {
	value, err := e.get([]byte{checkpointPrefix})
	if err != nil || value == nil {
		return checkpoint{}, err
	}
	if len(value) < 8 {
		return checkpoint{}, fmt.Errorf("a checkpoint of %d bytes", len(value))
	}
	return checkpoint{binary.BigEndian.Uint64(value), value[8:]}, nil
}

// clear removes everything. The checkpoint goes first, so that nothing half cleared is taken for whole.
func (e *engine) clear() error {
	if err := e.db.Delete([]byte{checkpointPrefix}, &opt.WriteOptions{Sync: true}); err != nil {
		return err
	}
	batch := new(leveldb.Batch)
	var failed error
	err := e.each("", "", func(key, _ []byte) bool {
		batch.Delete(key)
		if batch.Len() >= flushEntries {
			failed = e.db.Write(batch, nil)
			batch.Reset()
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	if err := e.db.Write(batch, &opt.WriteOptions{Sync: true}); err != nil {
		return err
	}
	e.flushes.Store(0)
	return nil
}

func transactionKey(block uint64, number uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{batchPrefix}, block), number)
}
