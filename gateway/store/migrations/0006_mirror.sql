-- The ledger's keys, credits and intents lie in the mirror, which takes all blocks anew.
DROP TABLE state;
DROP TABLE credits;
DROP TABLE intents;
