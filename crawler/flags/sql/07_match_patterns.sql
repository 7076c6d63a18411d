-- Step 7: match paths against the patterns of their origin, and against pages that were seen.
CREATE OR REPLACE VIEW row_normal_path AS
SELECT n, origin, path, path AS normal_path FROM row_path WHERE path IS NOT NULL
UNION ALL
SELECT
    unnormalised_path.n,
    unnormalised_path.origin,
    normalised_path.path,
    normalised_path.normal_path
FROM unnormalised_path
JOIN normalised_path USING (url);

-- One branch for each form of the path that a pattern can be compared with: `PathForms` of
-- crawler.protocols.url_patterns, which gives the reference.
CREATE OR REPLACE VIEW row_pattern AS
SELECT row_normal_path.n, row_normal_path.origin, row_normal_path.path, url_pattern.n AS number
FROM row_normal_path
JOIN url_pattern ON url_pattern.origin = row_normal_path.origin AND url_pattern.compared = 'path'
WHERE row_normal_path.normal_path LIKE url_pattern.pattern ESCAPE '\'
UNION ALL
SELECT row_normal_path.n, row_normal_path.origin, row_normal_path.path, url_pattern.n
FROM row_normal_path
JOIN url_pattern ON url_pattern.origin = row_normal_path.origin AND url_pattern.compared = 'bare'
WHERE split_part(row_normal_path.normal_path, '?', 1) LIKE url_pattern.pattern ESCAPE '\'
UNION ALL
SELECT row_normal_path.n, row_normal_path.origin, row_normal_path.path, url_pattern.n
FROM row_normal_path
JOIN url_pattern ON url_pattern.origin = row_normal_path.origin AND url_pattern.compared = 'lower'
WHERE lower(split_part(row_normal_path.normal_path, '?', 1)) LIKE url_pattern.pattern ESCAPE '\';

-- Rows that match any pattern; where each path is evaluated by itself, a slash and the path.
CREATE OR REPLACE TABLE row_pattern_set AS
SELECT n, origin, path, string_agg(number, ',' ORDER BY number) AS pattern_set
FROM row_pattern
GROUP BY n, origin, path
UNION ALL
SELECT n, origin, path, '/' || path
FROM row_normal_path
JOIN per_path_origin USING (origin);

CREATE OR REPLACE TABLE row_page AS
SELECT row_normal_path.n, page_verdict.verdict
FROM row_normal_path
JOIN page_verdict USING (origin, path);
