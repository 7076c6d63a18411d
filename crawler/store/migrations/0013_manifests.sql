-- What a run added, in digests: a chain in which each manifest names the one before it.
CREATE TABLE manifest (
    n INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind <> ''),
    text TEXT NOT NULL CHECK (json_valid(text)),
    digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64)
) STRICT;
CREATE TRIGGER manifest_is_final BEFORE UPDATE ON manifest
BEGIN SELECT raise(ABORT, 'manifests are append-only'); END;
CREATE TRIGGER manifest_stays BEFORE DELETE ON manifest
BEGIN SELECT raise(ABORT, 'manifests are append-only'); END;
-- Manifests are of one run each.
CREATE INDEX observation_by_run ON observation (run);
CREATE INDEX visit_by_run ON visit (run);
