-- Versions of datasets, facets of their rows, and who collected them.

-- Versions of one dataset share a `name`: the one that was given (`named`), else its path. `source` are
-- its absolute paths, one a line; it is empty for datasets of older databases. Of the versions of a
-- name one counts, whose rows are in the views `dataset_origin` and `dataset_reject`.
ALTER TABLE dataset ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN named INTEGER NOT NULL DEFAULT 0 CHECK (named IN (0, 1));
ALTER TABLE dataset ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE dataset ADD COLUMN counts INTEGER NOT NULL DEFAULT 1 CHECK (counts IN (0, 1));

-- When, by whom and under which product token the rows were collected; `facets` is a JSON array of
-- [name, column].
ALTER TABLE dataset ADD COLUMN collected_from TEXT;
ALTER TABLE dataset ADD COLUMN collected_to TEXT;
ALTER TABLE dataset ADD COLUMN upstream TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN crawler TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN facets TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(facets));

UPDATE dataset SET
    name = path,
    version = (SELECT count(*) FROM dataset AS d WHERE d.path = dataset.path AND d.id <= dataset.id),
    counts = NOT EXISTS (SELECT 1 FROM dataset AS d WHERE d.path = dataset.path AND d.id > dataset.id);

-- Rows of all versions. Views read those of the versions that count, by the names of before.
ALTER TABLE dataset_origin RENAME TO version_origin;
ALTER TABLE dataset_reject RENAME TO version_reject;

CREATE INDEX dataset_file_by_digest ON dataset_file (digest);

-- Values of facets, each once. An empty value stands for rows without one.
CREATE TABLE facet_value (
    id INTEGER PRIMARY KEY,
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (facet, value)
) STRICT;

-- All rows with a value, also those that name no origin.
CREATE TABLE facet_total (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    value INTEGER NOT NULL REFERENCES facet_value (id),
    rows INTEGER NOT NULL,
    PRIMARY KEY (dataset, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE facet_origin (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    value INTEGER NOT NULL REFERENCES facet_value (id),
    origin INTEGER NOT NULL REFERENCES origin (id),
    rows INTEGER NOT NULL,
    weight REAL,
    PRIMARY KEY (dataset, value, origin)
) STRICT, WITHOUT ROWID;

-- Versions whose rows were removed. A number is never given to another dataset.
CREATE TABLE forgotten (
    dataset INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    rows INTEGER NOT NULL,
    origins INTEGER NOT NULL,
    ingested_at TEXT NOT NULL,
    forgotten_at TEXT NOT NULL,
    command TEXT NOT NULL
) STRICT;
CREATE TRIGGER forgotten_is_final BEFORE UPDATE ON forgotten
BEGIN SELECT raise(ABORT, 'the log of removed datasets is append-only'); END;
CREATE TRIGGER forgotten_stays BEFORE DELETE ON forgotten
BEGIN SELECT raise(ABORT, 'the log of removed datasets is append-only'); END;

CREATE TABLE access (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Derived: what an origin tells the crawler that collected rows of it, under the rule set chosen last.
CREATE TABLE agent_answer (
    origin INTEGER NOT NULL REFERENCES origin (id),
    agent TEXT NOT NULL,
    access TEXT NOT NULL REFERENCES access (name),
    tdm TEXT NOT NULL REFERENCES state (name),
    ai_train TEXT NOT NULL REFERENCES state (name),
    genai_train TEXT NOT NULL REFERENCES state (name),
    ai_input TEXT NOT NULL REFERENCES state (name),
    search TEXT NOT NULL REFERENCES state (name),
    observed_at TEXT,
    PRIMARY KEY (origin, agent)
) STRICT, WITHOUT ROWID;
