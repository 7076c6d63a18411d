-- The pages of each origin whose text has the smallest MD5: the same ones whatever the order
-- of the rows, and as good as drawn by lot. Fragments are not part of what is asked for.
-- A text that is a head of `spots.sql` and at most a slash is the home page; other ways of writing
-- that are left out when the origins are read.
CREATE TABLE sample AS
WITH visited AS (
    SELECT
        kind,
        text,
        CASE WHEN contains(url, '#') THEN split_part(url, '#', 1) ELSE url END AS page
    FROM marked
),

page AS (
    SELECT DISTINCT key, page
    FROM visited
    JOIN place USING (kind, text)
    WHERE reject IS NULL
        AND (
            kind = 'other'
            OR contains(text, '?')
            OR strlen(page) > strlen(text)
                + CASE kind WHEN 'https' THEN 9 WHEN 'http' THEN 8 ELSE 1 END
        )
)

SELECT key, page, md5_number(page) AS lot
FROM page
QUALIFY row_number() OVER (PARTITION BY key ORDER BY md5_number(page)) <= $drawn
ORDER BY key, lot;
