-- Every row with the number of its verdict, in the order of the rows: that of its page, else of its
-- shapes, else of a name that had to be read, else the usual one of its origin.
CREATE OR REPLACE VIEW answer AS
SELECT n, min_by(verdict, place)::INTEGER AS verdict
FROM (
    SELECT n, verdict, 1 AS place FROM own_page
    UNION ALL
    SELECT told.n, combination.verdict, 2 FROM told JOIN combination USING (origin, what)
    UNION ALL
    SELECT n, verdict, 3 FROM strayed
)
GROUP BY n;

CREATE OR REPLACE TABLE answered AS
SELECT located.n, coalesce(answer.verdict, located.verdict, origin.verdict, 0)::INTEGER AS verdict
FROM located
LEFT JOIN answer USING (n)
LEFT JOIN origin ON located.verdict IS NULL AND origin.origin = located.origin
ORDER BY located.n;
