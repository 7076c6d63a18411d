-- Rows whose path is not like any other: by their own page, or by the shapes that the path has.
CREATE OR REPLACE VIEW formed AS
SELECT n, origin, path, path AS normal FROM parted WHERE path IS NOT NULL
UNION ALL
SELECT unusual.n, unusual.origin, odd.path, odd.normal
FROM unusual
JOIN odd USING (url);

CREATE OR REPLACE VIEW shaped AS
SELECT formed.n, formed.origin, formed.path, shape.n AS number
FROM formed
JOIN shape ON shape.origin = formed.origin AND shape.compared = 'path'
WHERE formed.normal LIKE shape.pattern ESCAPE '\'
UNION ALL
SELECT formed.n, formed.origin, formed.path, shape.n
FROM formed
JOIN shape ON shape.origin = formed.origin AND shape.compared = 'bare'
WHERE split_part(formed.normal, '?', 1) LIKE shape.pattern ESCAPE '\'
UNION ALL
SELECT formed.n, formed.origin, formed.path, shape.n
FROM formed
JOIN shape ON shape.origin = formed.origin AND shape.compared = 'lower'
WHERE lower(split_part(formed.normal, '?', 1)) LIKE shape.pattern ESCAPE '\';

-- `what` is the numbers of the shapes in their order, or the path where there are too many.
CREATE OR REPLACE TABLE told AS
SELECT n, origin, path, NULL::INTEGER AS verdict, string_agg(number, ',' ORDER BY number) AS what
FROM shaped
GROUP BY n, origin, path
UNION ALL
SELECT formed.n, formed.origin, formed.path, NULL, '/' || formed.path
FROM formed
JOIN too_many USING (origin);

CREATE OR REPLACE TABLE own_page AS
SELECT formed.n, page.verdict
FROM formed
JOIN page USING (origin, path);

-- Combinations that nobody has asked about yet, each with a path to judge it by.
CREATE OR REPLACE TABLE unheard AS
SELECT told.origin, told.what, min(told.path) AS path
FROM told
ANTI JOIN combination USING (origin, what)
GROUP BY told.origin, told.what;
