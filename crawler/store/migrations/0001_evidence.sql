-- What was seen. Append-only: triggers refuse changes, and retention is an explicit command.
-- The vocabulary tables are filled from crawler/vocab.py each time a database is opened.

CREATE TABLE outcome (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE presence (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE purpose (name TEXT PRIMARY KEY, rank INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE stance (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, rank INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE reads (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE declared_by (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE agent_class (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE resource (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE reject (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    ended TEXT CHECK (ended IN ('finished', 'stopped', 'budget')),
    command TEXT NOT NULL,
    version TEXT NOT NULL,
    versions TEXT NOT NULL CHECK (json_valid(versions)),
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    user_agent TEXT NOT NULL,
    suffix_list TEXT NOT NULL,
    catalogue TEXT NOT NULL,
    CHECK ((ended IS NULL) = (ended_at IS NULL))
) STRICT;

CREATE TABLE dataset (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    format TEXT NOT NULL,
    url_column TEXT NOT NULL,
    column_given INTEGER NOT NULL CHECK (column_given IN (0, 1)),
    weight_column TEXT NOT NULL,
    rows INTEGER NOT NULL,
    ingested_at TEXT NOT NULL,
    UNIQUE (digest, url_column, weight_column)
) STRICT;

CREATE TABLE dataset_file (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (dataset, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_reject (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    reason TEXT NOT NULL REFERENCES reject (name),
    rows INTEGER NOT NULL,
    example TEXT NOT NULL,
    PRIMARY KEY (dataset, reason)
) STRICT, WITHOUT ROWID;

-- `key` joins rows with origins: host, with the port where it is not the default one.
CREATE TABLE origin (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    scheme TEXT NOT NULL CHECK (scheme IN ('http', 'https')),
    host TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    site TEXT NOT NULL,
    assumed INTEGER NOT NULL CHECK (assumed IN (0, 1)),
    url TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX origin_by_site ON origin (site);

CREATE TABLE dataset_origin (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    origin INTEGER NOT NULL REFERENCES origin (id),
    rows INTEGER NOT NULL,
    weight REAL,
    PRIMARY KEY (origin, dataset)
) STRICT, WITHOUT ROWID;

CREATE TABLE sample (
    origin INTEGER NOT NULL REFERENCES origin (id),
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    n INTEGER NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (origin, dataset, n)
) STRICT, WITHOUT ROWID;

-- zstd-compressed bytes by their SHA-256: policy files whole, pages as their head extract.
CREATE TABLE body (
    digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
    size INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- `digest` is of the body as received, `stored` of what was kept of it. A 304 has those of the
-- observation that it `confirms`.
CREATE TABLE observation (
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
    confirms INTEGER REFERENCES observation (id),
    UNIQUE (origin, run, resource, asked, hop),
    CHECK ((outcome IN ('responded', 'too_large')) = (status IS NOT NULL)),
    CHECK (confirms IS NULL OR status = 304)
) STRICT;

-- An origin counts as visited only in the transaction that stores its last observation.
CREATE TABLE visit (
    origin INTEGER NOT NULL REFERENCES origin (id),
    run INTEGER NOT NULL REFERENCES run (id),
    finished_at TEXT NOT NULL,
    PRIMARY KEY (origin, run)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER observation_is_final BEFORE UPDATE ON observation
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;
CREATE TRIGGER observation_stays BEFORE DELETE ON observation
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;
CREATE TRIGGER body_is_final BEFORE UPDATE ON body
BEGIN SELECT raise(ABORT, 'bodies are append-only'); END;
CREATE TRIGGER body_stays BEFORE DELETE ON body
BEGIN SELECT raise(ABORT, 'bodies are append-only'); END;
CREATE TRIGGER visit_is_final BEFORE UPDATE ON visit
BEGIN SELECT raise(ABORT, 'visits are append-only'); END;
CREATE TRIGGER visit_stays BEFORE DELETE ON visit
BEGIN SELECT raise(ABORT, 'visits are append-only'); END;
CREATE TRIGGER origin_is_final BEFORE UPDATE ON origin
BEGIN SELECT raise(ABORT, 'origins keep their identity'); END;
CREATE TRIGGER origin_stays BEFORE DELETE ON origin
BEGIN SELECT raise(ABORT, 'origins keep their identity'); END;
CREATE TRIGGER run_stays BEFORE DELETE ON run
BEGIN SELECT raise(ABORT, 'runs are append-only'); END;
CREATE TRIGGER run_ends_once BEFORE UPDATE ON run
WHEN OLD.ended IS NOT NULL OR NEW.started_at != OLD.started_at OR NEW.settings != OLD.settings
    OR NEW.version != OLD.version OR NEW.user_agent != OLD.user_agent
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;
