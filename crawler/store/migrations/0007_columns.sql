-- How the column with URLs was chosen (`given`, by its `name` or by its `values`; empty where that was
-- not stored), and the rows of the files, where `rows` counts their URLs: a list has several.
ALTER TABLE dataset ADD COLUMN column_choice TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN records INTEGER;
UPDATE dataset SET records = rows;

-- Columns with roles, such as page and asset, in the order in which they were given. `other_hosts` are
-- the URLs on another host than that of the first role in the same row; NULL if that has lists.
CREATE TABLE dataset_role (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    role TEXT NOT NULL,
    position INTEGER NOT NULL,
    url_column TEXT NOT NULL,
    rows INTEGER NOT NULL,
    other_hosts INTEGER,
    PRIMARY KEY (dataset, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_role_reject (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    role TEXT NOT NULL,
    reason TEXT NOT NULL REFERENCES reject (name),
    rows INTEGER NOT NULL,
    example TEXT NOT NULL,
    PRIMARY KEY (dataset, role, reason)
) STRICT, WITHOUT ROWID;

-- The parts of `dataset_origin` by role; nothing for a dataset whose column has no role.
CREATE TABLE dataset_role_origin (
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    role TEXT NOT NULL,
    origin INTEGER NOT NULL REFERENCES origin (id),
    rows INTEGER NOT NULL,
    PRIMARY KEY (dataset, role, origin)
) STRICT, WITHOUT ROWID;
