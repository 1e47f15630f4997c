-- The mirror knows until when intents are valid, so that it can forget them: it takes all blocks anew.
DELETE FROM blocks;
