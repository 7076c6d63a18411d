-- Rows that Python had to name.
CREATE OR REPLACE TABLE strayed AS
SELECT
    strange.n,
    origin.origin,
    origin.special OR origin.marks <> '' AS apart,
    strange.url,
    coalesce(named.verdict, origin.verdict, 0) AS verdict
FROM strange
JOIN named USING (kind, text)
LEFT JOIN origin USING (key);

-- Rows whose URL may be told apart and whose path Python brings into its normal form.
CREATE OR REPLACE TABLE unusual AS
SELECT n, origin, url FROM parted WHERE path IS NULL
UNION ALL
SELECT n, origin, url FROM strayed WHERE apart;

CREATE OR REPLACE TABLE odd (url VARCHAR, path VARCHAR, normal VARCHAR);
