-- Lists of auctions, offers, disputes, reviews, holds and payouts, from all blocks anew. Positions as above.
DELETE FROM blocks;

CREATE TABLE auctions (
    id       BLOB PRIMARY KEY,
    seller   BLOB NOT NULL,
    listing  BLOB NOT NULL,
    state    INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX auctions_by_position ON auctions (position DESC, id DESC);
CREATE INDEX auctions_by_state ON auctions (state, position DESC, id DESC);
CREATE INDEX auctions_by_seller ON auctions (seller, position DESC, id DESC);
CREATE INDEX auctions_by_listing ON auctions (listing, position DESC, id DESC);

-- An offer's id is its listing's and its own.
CREATE TABLE offers (
    id       BLOB PRIMARY KEY,
    listing  BLOB NOT NULL,
    buyer    BLOB NOT NULL,
    seller   BLOB NOT NULL,
    state    INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX offers_by_position ON offers (position DESC, id DESC);
CREATE INDEX offers_by_listing ON offers (listing, position DESC, id DESC);
CREATE INDEX offers_by_buyer ON offers (buyer, position DESC, id DESC);
CREATE INDEX offers_by_seller ON offers (seller, position DESC, id DESC);

-- A dispute's id is its order's. Its state is settled when its order ended without it.
CREATE TABLE disputes (
    id       BLOB PRIMARY KEY,
    buyer    BLOB NOT NULL,
    seller   BLOB NOT NULL,
    state    INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disputes_by_position ON disputes (position DESC, id DESC);
CREATE INDEX disputes_by_state ON disputes (state, position DESC, id DESC);
CREATE INDEX disputes_by_buyer ON disputes (buyer, position DESC, id DESC);
CREATE INDEX disputes_by_seller ON disputes (seller, position DESC, id DESC);

-- The arbiters of each dispute, with its state, so that an arbiter's open ones are found among thousands that are over.
CREATE TABLE panels (
    arbiter  TEXT NOT NULL,
    id       BLOB NOT NULL,
    state    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (arbiter, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX panels_by_arbiter ON panels (arbiter, position DESC, id DESC);
CREATE INDEX panels_by_state ON panels (arbiter, state, position DESC, id DESC);
CREATE INDEX panels_by_id ON panels (id);

-- A review's id is its order's and its side. Reviews are never rewritten, so that counting each once adds them up.
CREATE TABLE reviews (
    id       BLOB PRIMARY KEY,
    author   BLOB NOT NULL,
    subject  BLOB NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reviews_by_position ON reviews (position DESC, id DESC);
CREATE INDEX reviews_by_author ON reviews (author, position DESC, id DESC);
CREATE INDEX reviews_by_subject ON reviews (subject, position DESC, id DESC);

CREATE TABLE ratings (
    subject BLOB NOT NULL,
    side    INTEGER NOT NULL, -- the author's
    rating  INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (subject, side, rating)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    id       BLOB PRIMARY KEY,
    payer    BLOB NOT NULL,
    payee    BLOB NOT NULL,
    arbiter  BLOB NOT NULL,
    state    INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_by_position ON holds (position DESC, id DESC);
CREATE INDEX holds_by_payer ON holds (payer, position DESC, id DESC);
CREATE INDEX holds_by_payee ON holds (payee, position DESC, id DESC);
CREATE INDEX holds_by_arbiter ON holds (arbiter, position DESC, id DESC);

CREATE TABLE payouts (
    id       BLOB PRIMARY KEY,
    sender   BLOB NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payouts_by_position ON payouts (position DESC, id DESC);
CREATE INDEX payouts_by_sender ON payouts (sender, position DESC, id DESC);
