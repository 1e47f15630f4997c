-- How many open credits each account has, kept by the credits themselves, so that the sweeper finds crowded accounts
-- without counting.
CREATE TABLE credit_counts (
    address BLOB PRIMARY KEY,
    count   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credit_counts_by_count ON credit_counts (count);

INSERT INTO credit_counts (address, count) SELECT address, count(*) FROM credits GROUP BY address;

CREATE TRIGGER credit_came AFTER INSERT ON credits BEGIN
    INSERT INTO credit_counts (address, count) VALUES (new.address, 1)
        ON CONFLICT (address) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER credit_went AFTER DELETE ON credits BEGIN
    UPDATE credit_counts SET count = count - 1 WHERE address = old.address;
    DELETE FROM credit_counts WHERE address = old.address AND count = 0;
END;
