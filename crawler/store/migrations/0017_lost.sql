-- Since when a free state is not vouched for any more: the first look since `last` that left it unknown,
-- with none since that showed it again. NULL for all others. It is filled when the evidence is judged again.
ALTER TABLE phase ADD COLUMN lost INTEGER REFERENCES observation (id);
