-- Of a finding `partial` by pages that reserve for themselves: how many sampled pages did, of how many
-- that were seen, and between which bounds their share is at a confidence of 95 %. Few findings have it,
-- so it is a table and no columns. It is filled when the evidence is judged again.
CREATE TABLE page_share (
    origin INTEGER NOT NULL REFERENCES origin (id),
    rules TEXT NOT NULL,
    purpose TEXT NOT NULL REFERENCES purpose (name),
    reserving INTEGER NOT NULL CHECK (reserving >= 0),
    seen INTEGER NOT NULL CHECK (seen >= reserving),
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (origin, rules, purpose)
) STRICT, WITHOUT ROWID;

-- Stored verdicts have them as well, and are computed again.
DELETE FROM verdict;
DELETE FROM flag_cache;
ALTER TABLE verdict ADD COLUMN pages_reserving INTEGER;
ALTER TABLE verdict ADD COLUMN pages_seen INTEGER;
