-- Parties with the place of their name, their identifiers and what their name is compared by; and
-- which sites belong together. All of it is derived, so the rows of before are dropped.

CREATE TABLE party_role (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE offer (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

DROP TABLE party_page;
DROP TABLE party;

-- Whom a document names. `name_key` is the name as it is compared, empty without a name;
-- `identifiers` are those of registers, a JSON array of texts such as `lei:…`; `offers` are the terms
-- of an offer and `uses` its purposes, JSON arrays as well.
CREATE TABLE party (
    reading TEXT NOT NULL REFERENCES reading (id),
    n INTEGER NOT NULL,
    source TEXT NOT NULL,
    role TEXT NOT NULL REFERENCES party_role (name),
    confidence TEXT NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    uid TEXT NOT NULL,
    identifiers TEXT NOT NULL CHECK (json_type(identifiers) = 'array'),
    licence_page TEXT NOT NULL,
    contact_page TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    duties TEXT NOT NULL,
    place TEXT NOT NULL,
    offers TEXT NOT NULL CHECK (json_type(offers) = 'array'),
    uses TEXT NOT NULL CHECK (json_type(uses) = 'array'),
    PRIMARY KEY (reading, n)
) STRICT, WITHOUT ROWID;

-- Pages of a party that its document writes without a host, as the observation makes them
-- absolute: a reading is shared by hosts.
CREATE TABLE party_page (
    observation INTEGER NOT NULL REFERENCES observation_row (id),
    reading TEXT NOT NULL,
    n INTEGER NOT NULL,
    licence_page TEXT NOT NULL,
    contact_page TEXT NOT NULL,
    PRIMARY KEY (observation, reading, n),
    FOREIGN KEY (reading, n) REFERENCES party (reading, n)
) STRICT, WITHOUT ROWID;

-- Site × party named there: the group that it belongs to. `party` is the name as it is compared, else
-- the identifier. `link` says what joins it to another site of the group; `confidence` and `link`
-- are NULL for one that nothing joins.
CREATE TABLE party_group (
    site TEXT NOT NULL,
    party TEXT NOT NULL,
    party_group TEXT NOT NULL,
    confidence TEXT CHECK (confidence IN ('high', 'medium')),
    link TEXT,
    PRIMARY KEY (site, party),
    CHECK ((confidence IS NULL) = (link IS NULL))
) STRICT, WITHOUT ROWID;
