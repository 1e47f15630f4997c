-- What the blocks said of each signed intent: the transaction that bore it last, and its place there. Without a code it happened,
-- and nothing that comes later changes that.
CREATE TABLE intents (
    id            BLOB PRIMARY KEY,
    "transaction" BLOB NOT NULL, -- 32 bytes
    block         INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    code          TEXT NOT NULL,
    field         TEXT NOT NULL,
    detail        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys that the gateway keeps for people without one. The private key is sealed with the master key; nonces below the reserved
-- one may have been given to it.
CREATE TABLE kept_keys (
    name       TEXT PRIMARY KEY,
    scheme     INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    reserved   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
