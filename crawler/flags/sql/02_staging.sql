-- Step 2, once for each database, unless the flag cache has the result of step 3: copies of what
-- the database holds. `patterns` is a JSON list of pairs (compared, pattern); `verdict` is NULL
-- where it is still to be evaluated. Of the verdicts that are no defaults each is that of a page, of
-- a set of patterns, or, without both, of rows that name the host.
CREATE TABLE reading_patterns (reading VARCHAR, patterns VARCHAR);
CREATE TABLE origin_reading (origin BIGINT, reading VARCHAR);
CREATE TABLE stored_origin (key VARCHAR, origin BIGINT, verdict INTEGER);
CREATE TABLE other_verdict (origin BIGINT, page VARCHAR, pattern_set VARCHAR, verdict INTEGER);
-- Origins whose evidence is newer than what is stored of them.
CREATE TABLE waiting_origin (origin BIGINT);
