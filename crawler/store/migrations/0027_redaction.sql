-- Evidence that is erased on purpose, what keeps it from being erased, and time stamps. All of it is
-- append-only, and manifests cover it.

CREATE TABLE redaction (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL CHECK (reason <> ''),
    redacted_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER redaction_is_final BEFORE UPDATE ON redaction
BEGIN SELECT raise(ABORT, 'the log of redactions is append-only'); END;
CREATE TRIGGER redaction_stays BEFORE DELETE ON redaction
BEGIN SELECT raise(ABORT, 'the log of redactions is append-only'); END;

-- What a retention period removed: `items` bodies or contacts that were last seen before `before`.
CREATE TABLE pruning (
    id INTEGER PRIMARY KEY,
    what TEXT NOT NULL CHECK (what IN ('page_bodies', 'contacts', 'media')),
    before TEXT NOT NULL,
    items INTEGER NOT NULL,
    pruned_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER pruning_is_final BEFORE UPDATE ON pruning
BEGIN SELECT raise(ABORT, 'the log of prunings is append-only'); END;
CREATE TRIGGER pruning_stays BEFORE DELETE ON pruning
BEGIN SELECT raise(ABORT, 'the log of prunings is append-only'); END;

-- Digests whose bytes were erased, with their size; it is NULL where none were stored. Bytes of a
-- redaction are never stored again.
CREATE TABLE withheld_body (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    size INTEGER,
    redaction INTEGER REFERENCES redaction (id),
    pruning INTEGER REFERENCES pruning (id),
    CHECK ((redaction IS NULL) <> (pruning IS NULL))
) STRICT;
CREATE INDEX withheld_body_by_digest ON withheld_body (digest);
CREATE TRIGGER withheld_body_is_final BEFORE UPDATE ON withheld_body
BEGIN SELECT raise(ABORT, 'the log of what is withheld is append-only'); END;
CREATE TRIGGER withheld_body_stays BEFORE DELETE ON withheld_body
BEGIN SELECT raise(ABORT, 'the log of what is withheld is append-only'); END;

-- Rows whose URLs and header fields were erased: an observation, or a sample of a dataset. `was` is the
-- leaf of the row as it was stored, which manifests cover; `becomes` is that of what is left.
CREATE TABLE withheld_row (
    id INTEGER PRIMARY KEY,
    redaction INTEGER NOT NULL REFERENCES redaction (id),
    observation INTEGER UNIQUE REFERENCES observation_row (id),
    origin INTEGER,
    dataset INTEGER,
    n INTEGER,
    was TEXT NOT NULL CHECK (length(was) = 64),
    becomes TEXT CHECK (length(becomes) = 64),
    UNIQUE (dataset, origin, n),
    CHECK ((observation IS NULL) = (dataset IS NOT NULL))
) STRICT;
CREATE TRIGGER withheld_row_is_final BEFORE UPDATE ON withheld_row
WHEN OLD.becomes IS NOT NULL OR NEW.becomes IS NULL OR NEW.id <> OLD.id OR NEW.was <> OLD.was
    OR NEW.redaction <> OLD.redaction OR NEW.observation IS NOT OLD.observation
    OR NEW.origin IS NOT OLD.origin OR NEW.dataset IS NOT OLD.dataset OR NEW.n IS NOT OLD.n
BEGIN SELECT raise(ABORT, 'the log of what is withheld is append-only'); END;
CREATE TRIGGER withheld_row_stays BEFORE DELETE ON withheld_row
BEGIN SELECT raise(ABORT, 'the log of what is withheld is append-only'); END;

CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL CHECK (reason <> ''),
    added_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER hold_is_final BEFORE UPDATE ON hold
BEGIN SELECT raise(ABORT, 'the log of holds is append-only'); END;
CREATE TRIGGER hold_stays BEFORE DELETE ON hold
BEGIN SELECT raise(ABORT, 'the log of holds is append-only'); END;

CREATE TABLE hold_release (
    id INTEGER PRIMARY KEY,
    hold INTEGER NOT NULL UNIQUE REFERENCES hold (id),
    released_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER hold_release_is_final BEFORE UPDATE ON hold_release
BEGIN SELECT raise(ABORT, 'the log of holds is append-only'); END;
CREATE TRIGGER hold_release_stays BEFORE DELETE ON hold_release
BEGIN SELECT raise(ABORT, 'the log of holds is append-only'); END;

-- Time stamps of manifests (RFC 3161): the token as the authority sent it.
CREATE TABLE stamp (
    id INTEGER PRIMARY KEY,
    manifest TEXT NOT NULL REFERENCES manifest (digest),
    authority TEXT NOT NULL,
    token BLOB NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER stamp_is_final BEFORE UPDATE ON stamp
BEGIN SELECT raise(ABORT, 'time stamps are append-only'); END;
CREATE TRIGGER stamp_stays BEFORE DELETE ON stamp
BEGIN SELECT raise(ABORT, 'time stamps are append-only'); END;

-- A row while erased bytes may still be in the file: they are when a command was cut short.
CREATE TABLE unfinished_erasure (since TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- The one change of a body that is possible: its bytes go, its digest and size stay.
DROP TRIGGER body_is_final;
CREATE TRIGGER body_is_final BEFORE UPDATE ON body
WHEN NEW.digest <> OLD.digest OR NEW.size <> OLD.size OR NEW.content <> x''
    OR NOT EXISTS (SELECT 1 FROM withheld_body WHERE digest = OLD.digest)
BEGIN SELECT raise(ABORT, 'bodies are append-only'); END;

-- Of an observation that is withheld: URLs, header fields, address and note go, once. Before that, it
-- and those that differ from it are made whole: what they say stays the same.
DROP TRIGGER observation_is_final;
CREATE TRIGGER observation_is_final BEFORE UPDATE ON observation_row
WHEN NEW.base IS NOT NULL
    OR NEW.id <> OLD.id OR NEW.run <> OLD.run OR NEW.origin <> OLD.origin
    OR NEW.resource <> OLD.resource OR NEW.hop <> OLD.hop OR NEW.outcome <> OLD.outcome
    OR NEW.status IS NOT OLD.status OR NEW.size <> OLD.size OR NEW.truncated <> OLD.truncated
    OR NEW.observed_at <> OLD.observed_at OR NEW.elapsed_ms <> OLD.elapsed_ms
    OR NEW.confirms IS NOT OLD.confirms
    OR (OLD.base IS NULL AND (
        NEW.headers <> 'null' OR NEW.address <> ''
        OR NEW.digest IS NOT OLD.digest OR NEW.stored IS NOT OLD.stored
        OR NEW.tls_version <> OLD.tls_version OR NEW.tls_certificate <> OLD.tls_certificate
        OR NEW.tls_verified <> OLD.tls_verified
        OR NOT EXISTS (
            SELECT 1 FROM withheld_row WHERE observation = OLD.id AND becomes IS NULL
        )
    ))
    OR (OLD.base IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM observation_row AS b
        WHERE b.id = OLD.base AND NEW.asked = OLD.asked
            AND NEW.url = iif(OLD.url <> '', OLD.url, b.url)
            AND NEW.digest IS coalesce(OLD.digest, b.digest)
            AND NEW.stored IS coalesce(OLD.stored, b.stored)
            AND NEW.address = iif(OLD.address <> '', OLD.address, b.address)
            AND NEW.note = iif(OLD.note <> '', OLD.note, b.note)
            AND NEW.tls_version = iif(OLD.tls_version <> '', OLD.tls_version, b.tls_version)
            AND NEW.tls_certificate
                = iif(OLD.tls_certificate <> '', OLD.tls_certificate, b.tls_certificate)
            AND NEW.tls_verified = iif(OLD.tls_verified <> '', OLD.tls_verified, b.tls_verified)
            AND NEW.headers = substr(b.headers, 1, OLD.headers ->> 0) || (OLD.headers ->> 2)
                || substr(b.headers, length(b.headers) + 1 - (OLD.headers ->> 1))
    ))
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;

-- Of a sample that is withheld: the URL goes.
DROP TRIGGER sample_is_final;
CREATE TRIGGER sample_is_final BEFORE UPDATE ON sample
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset) AND (
    NEW.url <> '' OR NEW.dataset <> OLD.dataset OR NEW.origin <> OLD.origin OR NEW.n <> OLD.n
    OR NOT EXISTS (
        SELECT 1 FROM withheld_row
        WHERE dataset = OLD.dataset AND origin = OLD.origin AND n = OLD.n AND becomes IS NULL
    )
)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

-- Failures of the machine that crawls are covered by the manifest of their run, and final with it.
CREATE TRIGGER local_failure_in_open_run BEFORE INSERT ON local_failure
WHEN (SELECT ended FROM run WHERE id = NEW.run) IS NOT NULL
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;
CREATE TRIGGER local_failure_is_final BEFORE UPDATE ON local_failure
WHEN (SELECT ended FROM run WHERE id = OLD.run) IS NOT NULL OR NEW.run <> OLD.run
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;
CREATE TRIGGER local_failure_stays BEFORE DELETE ON local_failure
WHEN (SELECT ended FROM run WHERE id = OLD.run) IS NOT NULL
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;

-- Datasets whose facets were stored since the last manifest; the next one covers them.
CREATE TABLE facets_changed (dataset INTEGER PRIMARY KEY) STRICT;
INSERT INTO facets_changed SELECT DISTINCT dataset FROM facet_total;
