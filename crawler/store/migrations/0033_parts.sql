-- Of an audit in parts: which part this database is, of how many, and the state of the datasets that
-- it has. `number` is NULL in the database of the datasets, from which parts are cut. An audit of
-- one file has no row.
CREATE TABLE part_of_plan (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER,
    parts INTEGER NOT NULL CHECK (parts > 0),
    datasets TEXT NOT NULL
) STRICT;

-- Sites that have a part for their group, in the database of the datasets.
CREATE TABLE grouped_site (site TEXT PRIMARY KEY, part_group TEXT NOT NULL) STRICT, WITHOUT ROWID;
