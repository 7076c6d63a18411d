-- Several captures of one URL in one run, and triggers on all that counts as evidence.

-- An archive holds many captures of a URL, so the time is part of the key. SQLite cannot change a
-- key, so the table is copied; foreign keys are off while a database is migrated.
CREATE TABLE new_observation (
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
    UNIQUE (origin, run, resource, asked, hop, observed_at),
    CHECK ((outcome IN ('responded', 'too_large')) = (status IS NOT NULL)),
    CHECK (confirms IS NULL OR status = 304)
) STRICT;
INSERT INTO new_observation SELECT
    id, run, origin, resource, asked, hop, url, outcome, status, headers, digest, stored, size,
    truncated, observed_at, elapsed_ms, address, note, tls_version, tls_certificate, tls_verified,
    confirms
FROM observation;
DROP TABLE observation;
ALTER TABLE new_observation RENAME TO observation;

CREATE TRIGGER observation_is_final BEFORE UPDATE ON observation
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;
CREATE TRIGGER observation_stays BEFORE DELETE ON observation
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;

-- Nothing is added to a run that ended.
CREATE TRIGGER observation_in_open_run BEFORE INSERT ON observation
WHEN (SELECT ended FROM run WHERE id = NEW.run) IS NOT NULL
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;
CREATE TRIGGER visit_in_open_run BEFORE INSERT ON visit
WHEN (SELECT ended FROM run WHERE id = NEW.run) IS NOT NULL
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;
DROP TRIGGER run_ends_once;
CREATE TRIGGER run_ends_once BEFORE UPDATE ON run
WHEN OLD.ended IS NOT NULL OR NEW.id != OLD.id OR NEW.started_at != OLD.started_at
    OR NEW.command != OLD.command OR NEW.version != OLD.version OR NEW.versions != OLD.versions
    OR NEW.settings != OLD.settings OR NEW.user_agent != OLD.user_agent
    OR NEW.suffix_list != OLD.suffix_list OR NEW.catalogue != OLD.catalogue
BEGIN SELECT raise(ABORT, 'a run that ended is final'); END;

-- Datasets that are stored whole: nothing is added to them, and no other dataset gets their number.
-- What is deleted stands in `forgotten` first, with the command: without it nothing can be deleted.
-- Facets are left out: they are made again from the same files by the same command.
CREATE TABLE ingested (dataset INTEGER PRIMARY KEY) STRICT;
INSERT INTO ingested SELECT id FROM dataset;
CREATE TRIGGER ingested_is_final BEFORE UPDATE ON ingested
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER ingested_stays BEFORE DELETE ON ingested
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

-- Which version counts, its name and who collected it are no facts of the files, and may change.
CREATE TRIGGER dataset_is_final BEFORE UPDATE OF
    id, path, digest, bytes, format, url_column, column_given, weight_column, rows, ingested_at,
    column_choice, records
ON dataset WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.id)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
-- After, since SQLite chooses a number that is not given only then.
CREATE TRIGGER dataset_is_new AFTER INSERT ON dataset
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.id)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_stays BEFORE DELETE ON dataset
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.id)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

CREATE TRIGGER dataset_file_is_final BEFORE UPDATE ON dataset_file
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_file_is_new BEFORE INSERT ON dataset_file
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_file_stays BEFORE DELETE ON dataset_file
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

CREATE TRIGGER version_reject_is_final BEFORE UPDATE ON version_reject
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER version_reject_is_new BEFORE INSERT ON version_reject
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER version_reject_stays BEFORE DELETE ON version_reject
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

CREATE TRIGGER dataset_role_is_final BEFORE UPDATE ON dataset_role
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_role_is_new BEFORE INSERT ON dataset_role
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_role_stays BEFORE DELETE ON dataset_role
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

CREATE TRIGGER dataset_role_reject_is_final BEFORE UPDATE ON dataset_role_reject
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_role_reject_is_new BEFORE INSERT ON dataset_role_reject
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_role_reject_stays BEFORE DELETE ON dataset_role_reject
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

CREATE TRIGGER dataset_role_origin_is_final BEFORE UPDATE ON dataset_role_origin
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_role_origin_is_new BEFORE INSERT ON dataset_role_origin
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER dataset_role_origin_stays BEFORE DELETE ON dataset_role_origin
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

CREATE TRIGGER version_origin_is_final BEFORE UPDATE ON version_origin
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER version_origin_is_new BEFORE INSERT ON version_origin
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER version_origin_stays BEFORE DELETE ON version_origin
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

CREATE TRIGGER sample_is_final BEFORE UPDATE ON sample
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER sample_is_new BEFORE INSERT ON sample
WHEN EXISTS (SELECT 1 FROM ingested WHERE dataset = NEW.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;
CREATE TRIGGER sample_stays BEFORE DELETE ON sample
WHEN NOT EXISTS (SELECT 1 FROM forgotten WHERE dataset = OLD.dataset)
BEGIN SELECT raise(ABORT, 'datasets are final'); END;

-- How many visits were evaluated: one may be added to a run that began before the last one.
ALTER TABLE evaluated_visit ADD COLUMN visits INTEGER NOT NULL DEFAULT 0;
-- Evidence is ordered by its time from now on, so all of it is judged again.
DELETE FROM protocol;
