-- Derived tables get names for the rows that they hold; no row changes. Renaming is only a change of
-- the schema, so it takes no time however large a database is. The views are made again afterwards.

-- For each planned resource of an origin, the observation that answers for it.
ALTER TABLE sight RENAME TO resource_evidence;

-- Which readings were made of an observation.
ALTER TABLE read_from RENAME TO observation_reading;
DROP INDEX read_from_by_reading;
CREATE INDEX observation_reading_by_reading ON observation_reading (reading);

-- The last run whose visit of an origin was evaluated.
ALTER TABLE judged RENAME TO evaluated_visit;

-- Patterns of URLs that the answers of a protocol depend on: a form of the path is LIKE a pattern.
ALTER TABLE shape RENAME TO url_pattern;

-- `pattern_set` is empty for the usual URL of an origin, `=` and a path for a page that was seen, else
-- the numbers of the patterns that a path matches, in their order.
ALTER TABLE verdict RENAME COLUMN what TO pattern_set;

-- The state of an earlier flagging, as tables of Arrow, under a digest of all that it depends on.
ALTER TABLE prepared RENAME TO flag_cache;
ALTER TABLE flag_cache RENAME COLUMN facts TO cache_key;
