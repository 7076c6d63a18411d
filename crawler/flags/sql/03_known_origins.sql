-- Step 3, after Python has filled the tables of step 2: origins and their patterns.

-- Of origins that wait to be judged no stored verdict or pattern is of the newest evidence: each of
-- their paths is evaluated by itself.
UPDATE stored_origin SET verdict = NULL WHERE origin IN (FROM waiting_origin);

DELETE FROM other_verdict WHERE origin IN (FROM waiting_origin);

DELETE FROM origin_reading WHERE origin IN (FROM waiting_origin);

INSERT INTO per_path_origin FROM waiting_origin;

-- Each pattern of an origin once. Their numbers are part of stored verdicts (`pattern_set`), so the
-- order must be the same each time: sort by the columns, never by rowid.
CREATE OR REPLACE TABLE origin_pattern AS
WITH pair AS (
    SELECT reading, unnest(from_json(patterns, '[["VARCHAR"]]')) AS pattern FROM reading_patterns
)

SELECT DISTINCT origin_reading.origin, pair.pattern[1] AS compared, pair.pattern[2] AS pattern
FROM origin_reading
JOIN pair USING (reading);

INSERT INTO per_path_origin
SELECT origin FROM origin_pattern GROUP BY origin HAVING count(*) > getvariable('max_patterns');

INSERT INTO url_pattern
SELECT
    origin,
    row_number() OVER (PARTITION BY origin ORDER BY compared, pattern)::INTEGER,
    compared,
    pattern
FROM origin_pattern
ANTI JOIN per_path_origin USING (origin);

INSERT INTO page_verdict
SELECT origin, page, verdict FROM other_verdict WHERE page IS NOT NULL;

INSERT INTO pattern_set_verdict
SELECT origin, pattern_set, verdict FROM other_verdict WHERE pattern_set IS NOT NULL;

INSERT INTO origin
SELECT
    stored_origin.key,
    stored_origin.origin,
    stored_origin.verdict,
    host.verdict,
    stored_origin.verdict IS NULL OR coalesce(origin_prefixes.any_path, false),
    coalesce(origin_prefixes.prefixes, ''),
    -- The key leaves a default port out, so ':80' is written for https alone and ':443' for http.
    stored_origin.key LIKE '%:80' OR stored_origin.key LIKE '%:443',
    stored_origin.verdict IS NOT NULL,
    NULL,
    NULL
FROM stored_origin
LEFT JOIN (FROM other_verdict WHERE page IS NULL AND pattern_set IS NULL) AS host USING (origin)
LEFT JOIN origin_prefixes USING (origin);

DROP TABLE reading_patterns;
DROP TABLE origin_reading;
DROP TABLE stored_origin;
DROP TABLE other_verdict;
DROP TABLE waiting_origin;
DROP TABLE origin_pattern;
