-- What findings were over time; rebuilt by `tdm-audit judge` from the evidence.

-- What the statements behind a finding say, without where and how: a JSON array of terms, each
-- [protocol, stance, agent, path, media, policy, use].
CREATE TABLE effect (
    digest TEXT PRIMARY KEY,
    terms TEXT NOT NULL CHECK (json_valid(terms))
) STRICT, WITHOUT ROWID;

-- All findings of an origin that others may share; the number is made of the digest of its parts.
CREATE TABLE conclusion_part (
    conclusion INTEGER NOT NULL,
    rules TEXT NOT NULL REFERENCES ruleset (label),
    purpose TEXT NOT NULL REFERENCES purpose (name),
    state TEXT NOT NULL REFERENCES state (name),
    effect TEXT NOT NULL REFERENCES effect (digest),
    PRIMARY KEY (conclusion, rules, purpose)
) STRICT, WITHOUT ROWID;

-- An origin whose findings never changed: one row for all purposes and rule sets.
CREATE TABLE steady (
    origin INTEGER PRIMARY KEY REFERENCES origin (id),
    conclusion INTEGER NOT NULL,
    first INTEGER NOT NULL REFERENCES observation (id),
    last INTEGER NOT NULL REFERENCES observation (id),
    looks INTEGER NOT NULL,
    missed INTEGER NOT NULL
) STRICT;
CREATE INDEX steady_by_conclusion ON steady (conclusion);

-- Of every other origin: consecutive looks with the same state and effect. `before` is the last
-- observation that showed something else, NULL if nothing was known before; `after` the first.
CREATE TABLE phase (
    origin INTEGER NOT NULL REFERENCES origin (id),
    rules TEXT NOT NULL REFERENCES ruleset (label),
    purpose TEXT NOT NULL REFERENCES purpose (name),
    n INTEGER NOT NULL,
    state TEXT NOT NULL REFERENCES state (name),
    effect TEXT NOT NULL REFERENCES effect (digest),
    valid_from TEXT NOT NULL,
    first INTEGER NOT NULL REFERENCES observation (id),
    last INTEGER NOT NULL REFERENCES observation (id),
    before INTEGER REFERENCES observation (id),
    after INTEGER REFERENCES observation (id),
    looks INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    PRIMARY KEY (origin, rules, purpose, n)
) STRICT, WITHOUT ROWID;
-- What began to be otherwise, by time.
CREATE INDEX phase_changes ON phase (rules, valid_from) WHERE before IS NOT NULL;
