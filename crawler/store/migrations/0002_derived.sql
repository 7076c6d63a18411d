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

-- Passages of natural language that may reserve; never statements.
CREATE TABLE candidate (
    reading TEXT NOT NULL REFERENCES reading (id),
    n INTEGER NOT NULL,
    strength TEXT NOT NULL CHECK (strength IN ('candidate', 'mention')),
    kind TEXT NOT NULL CHECK (kind IN ('reservation', 'anti_scraping', 'template')),
    location TEXT NOT NULL CHECK (location IN ('robots_comment', 'page', 'legal_page')),
    language TEXT NOT NULL,
    pattern TEXT NOT NULL,
    line INTEGER,
    snippet TEXT NOT NULL,
    PRIMARY KEY (reading, n)
) STRICT, WITHOUT ROWID;

-- Whom a document names. `private` is what is personal: an empty array, unless an operator
-- asked to keep it; no view shows it.
CREATE TABLE party (
    reading TEXT NOT NULL REFERENCES reading (id),
    n INTEGER NOT NULL,
    source TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN (
        'holder', 'publisher', 'offers_licence', 'controller', 'controlled', 'owner_domain',
        'contact'
    )),
    confidence TEXT NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    licence_page TEXT NOT NULL,
    contact_page TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    duties TEXT NOT NULL,
    private TEXT NOT NULL CHECK (json_type(private) = 'array'),
    PRIMARY KEY (reading, n)
) STRICT, WITHOUT ROWID;

-- Pages of a party that its document writes without a host, as the observation makes them
-- absolute: a reading is shared by hosts.
CREATE TABLE party_page (
    observation INTEGER NOT NULL REFERENCES observation (id),
    reading TEXT NOT NULL,
    n INTEGER NOT NULL,
    licence_page TEXT NOT NULL,
    contact_page TEXT NOT NULL,
    PRIMARY KEY (observation, reading, n),
    FOREIGN KEY (reading, n) REFERENCES party (reading, n)
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

-- The last run of an origin that was judged; who was visited since is waiting.
CREATE TABLE judged (
    origin INTEGER PRIMARY KEY REFERENCES origin (id),
    run INTEGER NOT NULL REFERENCES run (id)
) STRICT;

CREATE TABLE ruleset (
    label TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    reserved_states TEXT NOT NULL CHECK (json_valid(reserved_states)),
    chosen INTEGER NOT NULL CHECK (chosen IN (0, 1))
) STRICT, WITHOUT ROWID;

-- `headline` marks the strongest finding of an origin under a rule set, the first if several.
-- What decided is statement `n` of the reading, or its `candidate` where prose counts.
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
    candidate INTEGER,
    PRIMARY KEY (origin, rules, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_by_state ON finding (rules, purpose, state);

-- What the answers of a protocol to URLs depend on: a form of the path is LIKE a pattern.
CREATE TABLE shape (
    reading TEXT NOT NULL REFERENCES reading (id),
    n INTEGER NOT NULL,
    compared TEXT NOT NULL CHECK (compared IN ('path', 'bare', 'lower')),
    pattern TEXT NOT NULL,
    PRIMARY KEY (reading, n)
) STRICT, WITHOUT ROWID;

-- What rows of a dataset are told. `what` is empty for the usual URL of an origin, `=` and a path
-- for a page that was seen, else the numbers of the shapes that a path has, in their order.
CREATE TABLE verdict (
    origin INTEGER NOT NULL REFERENCES origin (id),
    rules TEXT NOT NULL,
    agent TEXT NOT NULL,
    what TEXT NOT NULL,
    purpose TEXT NOT NULL REFERENCES purpose (name),
    state TEXT NOT NULL REFERENCES state (name),
    reserved INTEGER CHECK (reserved IN (0, 1)),
    basis TEXT,
    policy_url TEXT,
    observed_at TEXT,
    PRIMARY KEY (origin, rules, agent, what, purpose)
) STRICT, WITHOUT ROWID;

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
