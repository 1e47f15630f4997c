-- The mirror keeps histories, which are told from the blocks: all of them are taken anew.
DELETE FROM blocks;
DELETE FROM transactions;
DELETE FROM listings;
DELETE FROM orders;
DELETE FROM transfers;
