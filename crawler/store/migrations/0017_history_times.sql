-- Since when a free state is not vouched for any more: the first look since `last` that left it unknown,
-- with none since that showed it again. NULL for all others. It is filled when the evidence is judged again.
ALTER TABLE phase ADD COLUMN lost INTEGER REFERENCES observation (id);

-- The times of the observations, so that questions about all origins need not look each of them up.
ALTER TABLE phase ADD COLUMN not_before TEXT;
ALTER TABLE phase ADD COLUMN valid_to TEXT;
ALTER TABLE phase ADD COLUMN gone_by TEXT;
ALTER TABLE steady ADD COLUMN valid_from TEXT;
ALTER TABLE steady ADD COLUMN valid_to TEXT;
UPDATE phase SET
    not_before = (SELECT observed_at FROM observation WHERE id = before),
    valid_to = (SELECT observed_at FROM observation WHERE id = last),
    gone_by = (SELECT observed_at FROM observation WHERE id = after);
UPDATE steady SET
    valid_from = (SELECT observed_at FROM observation WHERE id = first),
    valid_to = (SELECT observed_at FROM observation WHERE id = last);

CREATE TABLE as_of_basis (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
