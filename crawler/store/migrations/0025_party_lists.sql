-- Lists of parties that others publish: which domain is whose. Evidence of a source of its own.

CREATE TABLE party_list (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    publisher TEXT NOT NULL,
    version TEXT NOT NULL,
    imported_at TEXT NOT NULL,
    UNIQUE (digest, publisher, version)
) STRICT;

-- `line` counts the rows of the file from 1. `name` is empty where it may be that of a person.
CREATE TABLE party_list_entry (
    list INTEGER NOT NULL REFERENCES party_list (id),
    line INTEGER NOT NULL,
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    identifiers TEXT NOT NULL CHECK (json_type(identifiers) = 'array'),
    PRIMARY KEY (list, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX party_list_entry_by_domain ON party_list_entry (domain);

CREATE TRIGGER party_list_is_final BEFORE UPDATE ON party_list
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
CREATE TRIGGER party_list_stays BEFORE DELETE ON party_list
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
CREATE TRIGGER party_list_entry_is_final BEFORE UPDATE ON party_list_entry
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
CREATE TRIGGER party_list_entry_stays BEFORE DELETE ON party_list_entry
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
