-- The pages that are drawn. The lots of `part` already say which; this fetches their texts, in a
-- second reading of the dataset that looks at nothing else.

-- Where every share has a page, one from each of the first shares is enough.
CREATE TABLE drawn AS
WITH kept AS (
    SELECT kind, text, lowest, highest, shares = $shares AS many
    FROM part
    JOIN spot USING (kind, text)
    WHERE share < $drawn OR shares < $shares
)

SELECT kind, text, lowest AS lot FROM kept
UNION ALL
SELECT kind, text, highest AS lot FROM kept WHERE highest > lowest AND NOT many;

-- Pages of different origins may have the same lot, so where a page begins must agree, too.
CREATE TABLE sample AS
WITH page AS (
    SELECT page_of(url) AS page, hash(page) AS lot FROM source
),

found AS (
    SELECT DISTINCT kind, text, page, lot
    FROM page
    JOIN drawn USING (lot)
    WHERE CASE kind
        WHEN 'other' THEN starts_with(text, page)
        WHEN 'bare' THEN starts_with(page, text)
        ELSE starts_with(page, kind || '://' || text)
    END
)

SELECT key, page, lot
FROM found
JOIN named USING (kind, text)
ORDER BY key, lot, page;
