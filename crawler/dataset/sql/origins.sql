-- Origins, one for each key: the sums of their authorities, and how many rows each scheme has.
CREATE TABLE origin_rows AS
SELECT
    key,
    any_value(host) AS host,
    any_value(port) AS port,
    sum(rows)::BIGINT AS rows,
    sum(weight)::DOUBLE AS weight,
    coalesce(sum(rows) FILTER (scheme = 'https'), 0)::BIGINT AS https,
    coalesce(sum(rows) FILTER (scheme = 'http'), 0)::BIGINT AS http
FROM authority_with_origin
GROUP BY key
ORDER BY key;
