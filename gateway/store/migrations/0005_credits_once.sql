-- A credit lies in its own table and nowhere else: thousands come and go in a second. How many an account has is counted in
-- memory, and its few are sorted when they are asked for.
DROP TRIGGER credit_came;
DROP TRIGGER credit_went;
DROP TABLE credit_counts;
DROP INDEX credits_by_amount;
DELETE FROM state WHERE key >= 'c/' AND key < 'c0';
