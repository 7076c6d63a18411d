-- Versions of the protocols that read the evidence. Only readings that found something are stored.
CREATE TABLE protocol (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
