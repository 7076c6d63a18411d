-- Low groups: parties with an equal name or identifier that nobody else confirms. They are kept apart
-- from `party_group`, so that whoever writes a name or an identifier changes no group of others.
-- `party_group` is the group of the member, `link` what is equal.
CREATE TABLE party_low_group (
    low_group TEXT NOT NULL,
    site TEXT NOT NULL,
    party TEXT NOT NULL,
    party_group TEXT NOT NULL,
    link TEXT NOT NULL,
    PRIMARY KEY (low_group, site, party)
) STRICT, WITHOUT ROWID;

-- What the groups were made from: a SHA-256 over the parties that were current and the code. Without
-- a row, groups are made again.
CREATE TABLE party_grouping (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    digest TEXT NOT NULL CHECK (length(digest) = 64)
) STRICT;
