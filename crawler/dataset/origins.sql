-- Spots with a name, gathered by what rows are joined by: host, and port if not the default.
CREATE TABLE origin_rows AS
SELECT
    key,
    host,
    port,
    sum(rows)::BIGINT AS rows,
    sum(weight)::DOUBLE AS weight,
    coalesce(sum(rows) FILTER (scheme = 'https'), 0)::BIGINT AS https,
    coalesce(sum(rows) FILTER (scheme = 'http'), 0)::BIGINT AS http
FROM place
JOIN spot USING (kind, text)
WHERE reject IS NULL
GROUP BY key, host, port
ORDER BY key;
