-- Most of what a crawl observes is as it was before. Such an observation is stored by its difference from
-- an earlier one of the same URL, its base: what is NULL or empty here and not there is that of the base,
-- and `headers` are [prefix, suffix, text], the characters that the base has before and behind the text.
-- View `observation` has every row whole; it is what everything reads.

-- Renamed first, so that the foreign keys of other tables follow.
ALTER TABLE observation RENAME TO observation_row;
CREATE TABLE new_observation_row (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (id),
    origin INTEGER NOT NULL REFERENCES origin (id),
    resource TEXT NOT NULL REFERENCES resource (name),
    asked TEXT NOT NULL,
    hop INTEGER NOT NULL CHECK (hop >= 0),
    url TEXT NOT NULL,
    outcome TEXT NOT NULL REFERENCES outcome (name),
    status INTEGER,
    headers TEXT NOT NULL CHECK (json_valid(headers)),
    digest TEXT CHECK (length(digest) = 64),
    stored TEXT REFERENCES body (digest),
    size INTEGER NOT NULL,
    truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),
    observed_at TEXT NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    address TEXT NOT NULL,
    note TEXT NOT NULL,
    tls_version TEXT NOT NULL,
    tls_certificate TEXT NOT NULL,
    tls_verified TEXT NOT NULL,
    confirms INTEGER REFERENCES observation_row (id),
    base INTEGER REFERENCES observation_row (id),
    CHECK ((outcome IN ('responded', 'too_large')) = (status IS NOT NULL)),
    CHECK (confirms IS NULL OR status = 304),
    CHECK (base < id)
) STRICT;
INSERT INTO new_observation_row SELECT
    id, run, origin, resource, asked, hop, url, outcome, status, headers, digest, stored, size,
    truncated, observed_at, elapsed_ms, address, note, tls_version, tls_certificate, tls_verified,
    confirms, NULL
FROM observation_row;
DROP TABLE observation_row;
ALTER TABLE new_observation_row RENAME TO observation_row;
CREATE INDEX observation_by_visit ON observation_row (origin, run);
CREATE INDEX observation_by_run ON observation_row (run);

CREATE TRIGGER observation_is_final BEFORE UPDATE ON observation_row
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;
CREATE TRIGGER observation_stays BEFORE DELETE ON observation_row
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;
CREATE TRIGGER observation_in_open_run BEFORE INSERT ON observation_row
WHEN (SELECT ended FROM run WHERE id = NEW.run) IS NOT NULL
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;
-- A key of all these columns took as much as an observation that is like the one before it.
CREATE TRIGGER observation_is_new BEFORE INSERT ON observation_row
WHEN EXISTS (
    SELECT 1 FROM observation_row AS o
    WHERE o.origin = NEW.origin AND o.run = NEW.run AND o.asked = NEW.asked
        AND o.observed_at = NEW.observed_at AND o.resource = NEW.resource AND o.hop = NEW.hop
)
BEGIN SELECT raise(ABORT, 'observations are append-only, and this one is stored already'); END;
-- The base is of the same URL, and whole itself.
CREATE TRIGGER observation_base_is_whole BEFORE INSERT ON observation_row
WHEN NEW.base IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM observation_row AS b
    WHERE b.id = NEW.base AND b.base IS NULL AND b.origin = NEW.origin AND b.asked = NEW.asked
        AND b.resource = NEW.resource AND b.hop = NEW.hop
)
BEGIN SELECT raise(ABORT, 'an observation differs from a whole one of the same URL'); END;
