-- Each shape of an origin once, numbered in an order that is always the same: the numbers are kept.
CREATE OR REPLACE TABLE listed AS
WITH pair AS (
    SELECT reading, unnest(from_json(shapes, '[["VARCHAR"]]')) AS shape FROM document
)

SELECT DISTINCT told_by.origin, pair.shape[1] AS compared, pair.shape[2] AS pattern
FROM told_by
JOIN pair USING (reading);

CREATE OR REPLACE TABLE gated AS
SELECT
    origin,
    count(*) AS shapes,
    bool_and(compared = 'path' AND pattern = getvariable('robots_txt')) AS only_robots_txt
FROM listed
GROUP BY origin;

INSERT INTO too_many
SELECT origin FROM gated WHERE shapes > getvariable('most_shapes');

INSERT INTO shape
SELECT
    origin,
    row_number() OVER (PARTITION BY origin ORDER BY compared, pattern)::INTEGER,
    compared,
    pattern
FROM listed
ANTI JOIN too_many USING (origin);

INSERT INTO origin
SELECT
    known.key,
    known.origin,
    known.verdict,
    known.verdict IS NULL OR NOT coalesce(gated.only_robots_txt, true) OR known.origin IN (
        SELECT origin FROM page
    ),
    gated.origin IS NOT NULL,
    -- Under one scheme such a key is an origin's, under the other the port is the default.
    known.key LIKE '%:80' OR known.key LIKE '%:443',
    known.verdict IS NOT NULL
FROM known
LEFT JOIN gated USING (origin);

DROP TABLE document;
DROP TABLE told_by;
DROP TABLE known;
DROP TABLE listed;
DROP TABLE gated;
