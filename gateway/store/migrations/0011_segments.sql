-- The mirror keeps the rows of histories in segments of time: it takes all blocks anew.
DELETE FROM blocks;
