-- Each shape of an origin once, numbered in an order that is always the same: the numbers are kept.
CREATE OR REPLACE TABLE listed AS
WITH pair AS (
    SELECT reading, unnest(from_json(shapes, '[["VARCHAR"]]')) AS shape FROM document
)

SELECT DISTINCT told_by.origin, pair.shape[1] AS compared, pair.shape[2] AS pattern
FROM told_by
JOIN pair USING (reading);

INSERT INTO too_many
SELECT origin FROM listed GROUP BY origin HAVING count(*) > getvariable('most_shapes');

INSERT INTO shape
SELECT
    origin,
    row_number() OVER (PARTITION BY origin ORDER BY compared, pattern)::INTEGER,
    compared,
    pattern
FROM listed
ANTI JOIN too_many USING (origin);

-- What paths that are told apart begin with: the text of a pattern before its first wildcard, three
-- characters of it. Where a pattern has fewer, or is for paths in lower case, any path can fit.
CREATE OR REPLACE TABLE marked_origin AS
WITH start AS (
    SELECT
        origin,
        CASE WHEN compared <> 'lower' THEN left(
            regexp_replace(regexp_extract(pattern, '^(?:[^\\%_]|\\.)*'), '\\(.)', '\1', 'g'), 3
        ) ELSE '' END AS mark,
        length(mark) < 3 AS any_path
    FROM shape
    UNION ALL
    SELECT origin, left(path, 3), false FROM page
    UNION ALL
    SELECT origin, '', true FROM too_many
)

SELECT origin, bool_or(any_path) AS special, string_agg(DISTINCT mark, '') AS marks
FROM start
GROUP BY origin;

INSERT INTO origin
SELECT
    known.key,
    known.origin,
    known.verdict,
    known.verdict IS NULL OR coalesce(marked_origin.special, false),
    coalesce(marked_origin.marks, ''),
    -- Under one scheme such a key is an origin's, under the other the port is the default.
    known.key LIKE '%:80' OR known.key LIKE '%:443',
    known.verdict IS NOT NULL
FROM known
LEFT JOIN marked_origin USING (origin);

DROP TABLE document;
DROP TABLE told_by;
DROP TABLE known;
DROP TABLE listed;
DROP TABLE marked_origin;
