-- Rows that are not answered by the verdict their origin had when they were located: by that of
-- their page, else of their shapes, else of a name that had to be read, else by the usual one that
-- was worked out meanwhile. Each row once, in any order.
CREATE OR REPLACE VIEW answer AS
SELECT n, min_by(verdict, place)::INTEGER AS verdict
FROM (
    SELECT n, verdict, 1 AS place FROM own_page
    UNION ALL
    SELECT told.n, combination.verdict, 2 FROM told JOIN combination USING (origin, what)
    UNION ALL
    SELECT n, verdict, 3 FROM strayed
    UNION ALL
    SELECT located.n, origin.verdict, 4
    FROM located
    JOIN origin USING (origin)
    WHERE located.verdict IS NULL
)
WHERE verdict IS NOT NULL
GROUP BY n;
