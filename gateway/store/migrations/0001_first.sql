-- Blocks taken from the ledger. The highest number is the checkpoint.
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY,
    hash   BLOB NOT NULL
) STRICT;

-- What the blocks said of each transaction. Times are Unix seconds.
CREATE TABLE transactions (
    id        TEXT PRIMARY KEY,
    block     INTEGER NOT NULL,
    code      TEXT NOT NULL,
    operation TEXT NOT NULL,
    creator   TEXT NOT NULL,
    time      INTEGER NOT NULL,
    result    BLOB
) STRICT;

-- The ledger's keys as they are after the checkpoint, in the chaincode's own form.
CREATE TABLE state (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Indexes over the state. Positions are the place of the transaction that created the row: block << 24 | number in block.
CREATE TABLE credits (
    address BLOB NOT NULL,
    name    BLOB NOT NULL,
    amount  BLOB NOT NULL, -- 16 bytes, big-endian, so that they sort
    PRIMARY KEY (address, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX credits_by_amount ON credits (address, amount DESC);

CREATE TABLE listings (
    id       BLOB PRIMARY KEY,
    seller   BLOB NOT NULL,
    version  INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    category TEXT NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX listings_by_position ON listings (position DESC, id DESC);
CREATE INDEX listings_by_seller ON listings (seller, position DESC, id DESC);
CREATE INDEX listings_by_category ON listings (category, position DESC, id DESC);

CREATE TABLE orders (
    id       BLOB PRIMARY KEY,
    buyer    BLOB NOT NULL,
    seller   BLOB NOT NULL,
    state    INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_position ON orders (position DESC, id DESC);
CREATE INDEX orders_by_buyer ON orders (buyer, position DESC, id DESC);
CREATE INDEX orders_by_seller ON orders (seller, position DESC, id DESC);

CREATE TABLE transfers (
    id       BLOB PRIMARY KEY,
    sender   BLOB NOT NULL,
    receiver BLOB NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX transfers_by_position ON transfers (position DESC, id DESC);
CREATE INDEX transfers_by_sender ON transfers (sender, position DESC, id DESC);
CREATE INDEX transfers_by_receiver ON transfers (receiver, position DESC, id DESC);

-- What was asked under which idempotency key. The transaction is there before its envelope leaves.
CREATE TABLE journal (
    account     BLOB NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    begun_at    INTEGER NOT NULL,
    "transaction" TEXT NOT NULL DEFAULT '',
    envelope    BLOB,
    done        INTEGER NOT NULL DEFAULT 0,
    block       INTEGER NOT NULL DEFAULT 0,
    result      BLOB,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_by_transaction ON journal ("transaction") WHERE "transaction" <> '';

-- Lists are JSON arrays of strings.
CREATE TABLE api_keys (
    id         TEXT PRIMARY KEY,
    digest     BLOB NOT NULL,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    accounts   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE labels (
    label TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
