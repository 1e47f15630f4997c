package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/cybermiles/cmt/gateway/store/history"
	"github.com/cybermiles/cmt/gateway/store/mirror"
)

// The database's file and the mirror's folder in the data folder.
const (
	fileName   = "gateway.db"
	mirrorName = "mirror"
)

// busyTimeout is how long a statement waits for another process or connection that writes.
const busyTimeout = 10 * time.Second

const (
	// cacheKiB is how much of the database a connection keeps in memory. SQLite's own 2 MiB hold the indexes of a few
	// thousand accounts; with 30,000, reading pages again was a quarter of a gateway's CPU time.
	cacheKiB = 32 << 10
	// checkpointPages is how many pages the write-ahead log has before they are copied into the database; SQLite's own 1,000
	// are less than two blocks of 500 payments.
	checkpointPages = 4000
)

//go:embed migrations/*.sql
var migrations embed.FS

// Records is the database's part that does not come from blocks: API keys, kept keys, sub-accounts in use, and the journal. Several
// processes may have it open.
type Records struct {
	now func() time.Time
	// durable commits to the disk before it returns; blocks may lose its last commits when the power fails, as the ledger
	// still has them.
	durable, blocks *sql.DB
}

// Store is all that the gateway remembers: the records, and the read model in its two engines. One process has it open.
type Store struct {
	*Records
	// mspID is the own organisation: views are asked for in its name.
	mspID  string
	mirror *mirror.Mirror
	// guests are the persons at home here, of whom statements are kept. Who takes blocks replaces it.
	guests atomic.Pointer[history.Guests]

	// keepIntents is how long results of intents are kept behind the end of their validity; 0 is for ever.
	keepIntents time.Duration

	mu sync.Mutex
	// taken is the number of blocks that both engines have taken; grown is closed and replaced when it grows.
	taken uint64
	grown chan struct{}
}

// Open opens the database and the mirror in the folder, makes what is missing, and brings the schema up to date.
func Open(ctx context.Context, folder, mspID string) (*Store, error) {
	records, err := OpenRecords(ctx, folder)
	if err != nil {
		return nil, err
	}
	s := &Store{Records: records, mspID: mspID, keepIntents: usualKeepIntents, grown: make(chan struct{})}
	s.guests.Store(history.NewGuests(0))
	if s.mirror, err = mirror.Open(filepath.Join(folder, mirrorName)); err != nil {
		return nil, errors.Join(err, records.Close())
	}
	next, err := s.nextListed(ctx)
	if err == nil && next == 0 {
		// The database is another one than the mirror was built beside.
		err = s.mirror.Reset()
	}
	if err == nil {
		err = s.findGuests()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.taken = min(next, s.mirror.Next())
	return s, nil
}

// OpenRecords opens the database alone, as beside a running gateway.
func OpenRecords(ctx context.Context, folder string) (*Records, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(folder, fileName)
	// SQLite gives its other files the permissions of this one.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := errors.Join(file.Chmod(0o600), file.Close()); err != nil {
		return nil, fmt.Errorf("protect the database: %w", err)
	}
	s := &Records{now: time.Now}
	if s.durable, err = connect(path, "FULL"); err != nil {
		return nil, err
	}
	if s.blocks, err = connect(path, "NORMAL"); err != nil {
		return nil, errors.Join(err, s.durable.Close())
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func connect(path, synchronous string) (*sql.DB, error) {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(" + synchronous + ")",
		fmt.Sprintf("cache_size(-%d)", cacheKiB), fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
	}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}

// Close closes the database.
func (s *Records) Close() error { return errors.Join(s.durable.Close(), s.blocks.Close()) }

// Close closes both engines.
func (s *Store) Close() error { return errors.Join(s.mirror.Close(), s.Records.Close()) }

// Ready says why the database cannot be used; nil when it can.
func (s *Records) Ready(ctx context.Context) error { return s.blocks.PingContext(ctx) }

// migrate applies the migrations that the database has not seen, each in a transaction with its number.
func (s *Records) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	return s.within(ctx, s.durable, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(names) {
			return fmt.Errorf("the database has schema %d and this program knows %d: use a newer cmt-gateway", version, len(names))
		}
		for i, name := range names[version:] {
			script, err := migrations.ReadFile(name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(script)); err != nil {
				return fmt.Errorf("migration %s: %w", name, err)
			}
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+i+1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// within runs do in a transaction, which is undone when do fails.
func (s *Records) within(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a database transaction: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit a database transaction: %w", err)
	}
	return nil
}
