-- Since when, in seconds since 1970, so that what never turned up is forgotten one day. Those noted before begin to count now.
ALTER TABLE unsettled ADD COLUMN noted_at INTEGER NOT NULL DEFAULT 0;
UPDATE unsettled SET noted_at = unixepoch();
