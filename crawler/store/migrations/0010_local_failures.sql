-- Origins that a run could not visit because of the machine that crawls, which stay due. No answer of
-- a host is among these rows, so findings never rest on them.
CREATE TABLE local_failure (
    origin INTEGER NOT NULL REFERENCES origin (id),
    run INTEGER NOT NULL REFERENCES run (id),
    failed_at TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (origin, run)
) STRICT, WITHOUT ROWID;
