-- Transactions that were sent without an idempotency key and whose commit was not seen in time.
CREATE TABLE unsettled (
    "transaction" TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
