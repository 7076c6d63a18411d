-- Judgings by other code or other rules than the one before, and the states that differ since. Evidence
-- says nothing about them, so that a rebuild does not give them: they are append-only.
CREATE TABLE judging (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL CHECK (at <> ''),
    version TEXT NOT NULL CHECK (version <> ''),
    -- JSON objects: versions by name of protocol; labels and SHA-256 of texts by id of rule set.
    protocols TEXT NOT NULL CHECK (json_type(protocols) = 'object'),
    protocols_before TEXT NOT NULL CHECK (json_type(protocols_before) = 'object'),
    rules TEXT NOT NULL CHECK (json_type(rules) = 'object'),
    rules_before TEXT NOT NULL CHECK (json_type(rules_before) = 'object'),
    origins INTEGER NOT NULL CHECK (origins >= 0)
) STRICT;

-- A state of an origin that differs. `rules` is the id of a rule set, without its version. The
-- observation and the line are those of a statement that decides now, else of one that did.
CREATE TABLE flip (
    judging INTEGER NOT NULL REFERENCES judging (id),
    origin INTEGER NOT NULL REFERENCES origin (id),
    rules TEXT NOT NULL,
    purpose TEXT NOT NULL REFERENCES purpose (name),
    was TEXT NOT NULL REFERENCES state (name),
    became TEXT NOT NULL REFERENCES state (name),
    why TEXT NOT NULL CHECK (why <> ''),
    observation INTEGER REFERENCES observation (id),
    line INTEGER,
    PRIMARY KEY (judging, origin, rules, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX flip_by_origin ON flip (origin);

CREATE TRIGGER judging_is_final BEFORE UPDATE ON judging
BEGIN SELECT raise(ABORT, 'judgings are append-only'); END;
CREATE TRIGGER judging_stays BEFORE DELETE ON judging
BEGIN SELECT raise(ABORT, 'judgings are append-only'); END;
CREATE TRIGGER flip_is_final BEFORE UPDATE ON flip
BEGIN SELECT raise(ABORT, 'flips are append-only'); END;
CREATE TRIGGER flip_stays BEFORE DELETE ON flip
BEGIN SELECT raise(ABORT, 'flips are append-only'); END;
