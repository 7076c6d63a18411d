-- The number of texts that name another host than the first column of their row does. Rows are
-- grouped by the texts that decide their origins, so that hosts are compared once for each pair.
-- Where either names no host, nothing is counted.
WITH
pair AS (
    SELECT coalesce($first, '') AS first_url, $other AS other_url FROM main.dataset_rows
),

split AS (
    SELECT
        kind_of(first_url, scheme_of(first_url), authority_of(first_url)) AS first_kind,
        CASE WHEN first_kind = 'other' THEN first_url ELSE authority_of(first_url) END AS first_text,
        kind_of(other_url, scheme_of(other_url), authority_of(other_url)) AS other_kind,
        CASE WHEN other_kind = 'other' THEN other_url ELSE authority_of(other_url) END AS other_text
    FROM pair
    WHERE other_url IS NOT NULL
),

counted AS (
    SELECT first_kind, first_text, other_kind, other_text, count(*) AS rows
    FROM split
    GROUP BY ALL
)

SELECT coalesce(sum(counted.rows), 0)::BIGINT
FROM counted
JOIN $schemas_first.authority_with_origin AS a
    ON a.kind = counted.first_kind AND a.text = counted.first_text
JOIN $schemas_other.authority_with_origin AS b
    ON b.kind = counted.other_kind AND b.text = counted.other_text
WHERE a.host <> b.host;
