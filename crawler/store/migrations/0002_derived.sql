-- What was made of the evidence. Rebuildable: `tdm-audit judge` drops and rebuilds all of it.

-- What one protocol found in one document. `id` is a digest of protocol, version and document,
-- so the same bytes are read once and a rebuild gives the same rows.
CREATE TABLE reading (
    id TEXT PRIMARY KEY,
    protocol TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    presence TEXT NOT NULL REFERENCES presence (name)
) STRICT, WITHOUT ROWID;

CREATE TABLE statement (
    reading TEXT NOT NULL REFERENCES reading (id),
    n INTEGER NOT NULL,
    rule TEXT NOT NULL,
    stance TEXT NOT NULL REFERENCES stance (name),
    purpose TEXT REFERENCES purpose (name),
    tier INTEGER NOT NULL CHECK (tier BETWEEN 1 AND 4),
    place TEXT NOT NULL,
    line INTEGER,
    raw TEXT NOT NULL,
    agent TEXT NOT NULL,
    path TEXT,
    media TEXT,
    policy TEXT,
    clause TEXT NOT NULL,
    declared_by TEXT NOT NULL REFERENCES declared_by (name),
    reads TEXT NOT NULL REFERENCES reads (name),
    counts INTEGER NOT NULL CHECK (counts IN (0, 1)),
    PRIMARY KEY (reading, n),
    CHECK ((stance = 'refused') = (purpose IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE issue (
    reading TEXT NOT NULL REFERENCES reading (id),
    n INTEGER NOT NULL,
    code TEXT NOT NULL,
    line INTEGER,
    excerpt TEXT NOT NULL,
    PRIMARY KEY (reading, n)
) STRICT, WITHOUT ROWID;

-- Whom a document names as rights holder. Names, pages and role mailboxes only.
CREATE TABLE party (
    reading TEXT NOT NULL REFERENCES reading (id),
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    contact_page TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    duties TEXT NOT NULL,
    PRIMARY KEY (reading)
) STRICT, WITHOUT ROWID;

CREATE TABLE read_from (
    observation INTEGER NOT NULL REFERENCES observation (id),
    reading TEXT NOT NULL REFERENCES reading (id),
    PRIMARY KEY (observation, reading)
) STRICT, WITHOUT ROWID;
CREATE INDEX read_from_by_reading ON read_from (reading);

-- The evidence in force: for each planned resource the last observation that showed something,
-- else the last one; `last` is the latest attempt, which may have failed since.
CREATE TABLE sight (
    origin INTEGER NOT NULL REFERENCES origin (id),
    resource TEXT NOT NULL REFERENCES resource (name),
    path TEXT NOT NULL,
    presence TEXT NOT NULL REFERENCES presence (name),
    observation INTEGER NOT NULL REFERENCES observation (id),
    last INTEGER NOT NULL REFERENCES observation (id),
    PRIMARY KEY (origin, resource, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE ruleset (
    label TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    chosen INTEGER NOT NULL CHECK (chosen IN (0, 1))
) STRICT, WITHOUT ROWID;

-- `headline` marks the strongest finding of an origin under a rule set, the first if several.
CREATE TABLE finding (
    origin INTEGER NOT NULL REFERENCES origin (id),
    rules TEXT NOT NULL REFERENCES ruleset (label),
    purpose TEXT NOT NULL REFERENCES purpose (name),
    state TEXT NOT NULL REFERENCES state (name),
    conflict INTEGER NOT NULL CHECK (conflict IN (0, 1)),
    complete INTEGER NOT NULL CHECK (complete IN (0, 1)),
    headline INTEGER NOT NULL CHECK (headline IN (0, 1)),
    detail TEXT NOT NULL,
    reading TEXT REFERENCES reading (id),
    n INTEGER,
    observation INTEGER REFERENCES observation (id),
    observed_at TEXT,
    PRIMARY KEY (origin, rules, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_by_state ON finding (rules, purpose, state);

-- Two statements that disagree about a purpose, of different protocols.
CREATE TABLE disagreement (
    origin INTEGER NOT NULL REFERENCES origin (id),
    purpose TEXT NOT NULL REFERENCES purpose (name),
    reserving_reading TEXT NOT NULL REFERENCES reading (id),
    reserving_n INTEGER NOT NULL,
    permitting_reading TEXT NOT NULL REFERENCES reading (id),
    permitting_n INTEGER NOT NULL,
    PRIMARY KEY (origin, purpose, reserving_reading, reserving_n, permitting_reading, permitting_n)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
    token TEXT PRIMARY KEY,
    operator TEXT NOT NULL,
    agent_class TEXT NOT NULL REFERENCES agent_class (name),
    note TEXT NOT NULL,
    source TEXT NOT NULL,
    as_of TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What every public view and column means; filled from the comments in views.sql.
CREATE TABLE description (
    view TEXT NOT NULL,
    "column" TEXT NOT NULL,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (view, "column")
) STRICT, WITHOUT ROWID;
