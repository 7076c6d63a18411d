-- What a finding claims about everybody, about silence and about today. The columns are filled when the
-- evidence is judged again, which every command that shows findings asks for after an upgrade.

-- `exceptions`: JSON array of the agents that a state for everybody does not cover. `malformed`: 1 if a
-- reservation was attempted that only a lenient reading yields. `stale`: 1 if the finding rests on
-- evidence that the last attempt could not renew. `since`: first look that showed the same content.
ALTER TABLE finding ADD COLUMN exceptions TEXT NOT NULL DEFAULT '[]';
ALTER TABLE finding ADD COLUMN malformed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE finding ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
ALTER TABLE finding ADD COLUMN since TEXT;

-- Stored verdicts lack those for rows that name a host and no page; they are computed again.
DELETE FROM verdict;
DELETE FROM flag_cache;
ALTER TABLE verdict ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verdict ADD COLUMN malformed INTEGER NOT NULL DEFAULT 0;

-- The part of the purpose that a statement speaks of, empty for all of it.
ALTER TABLE statement ADD COLUMN use TEXT NOT NULL DEFAULT '';

ALTER TABLE resource_evidence ADD COLUMN since TEXT;

-- Time and outcome of the last attempt at an origin, when it was judged.
ALTER TABLE evaluated_visit ADD COLUMN looked_at TEXT;
ALTER TABLE evaluated_visit ADD COLUMN outcome TEXT;

-- Passages are searched for in every text that is kept; where they may stand is an open list.
ALTER TABLE candidate RENAME TO old_candidate;
CREATE TABLE candidate (
    reading TEXT NOT NULL REFERENCES reading (id),
    n INTEGER NOT NULL,
    strength TEXT NOT NULL CHECK (strength IN ('candidate', 'mention')),
    kind TEXT NOT NULL CHECK (kind IN ('reservation', 'anti_scraping', 'template')),
    location TEXT NOT NULL CHECK (location <> ''),
    language TEXT NOT NULL,
    pattern TEXT NOT NULL,
    line INTEGER,
    snippet TEXT NOT NULL,
    PRIMARY KEY (reading, n)
) STRICT, WITHOUT ROWID;
INSERT INTO candidate SELECT * FROM old_candidate;
DROP TABLE old_candidate;
