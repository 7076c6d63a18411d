-- The part of a row's text that decides its origin, told by SQL wherever a browser would not read
-- it differently. `source` (url and whatever else a row has) is the dataset; NULL is the empty text.

-- The authority of a URL ends at the third slash at the latest, a bare host at the first.
CREATE OR REPLACE VIEW split_url AS
SELECT
    * REPLACE (coalesce(url, '') AS url),
    CASE
        WHEN starts_with(url, 'https://') THEN 'https'
        WHEN starts_with(url, 'http://') THEN 'http'
        ELSE 'bare'
    END AS lead,
    CASE
        WHEN starts_with(url, 'https://') OR starts_with(url, 'http://')
            THEN split_part(url, '/', 3)
        ELSE coalesce(split_part(url, '/', 1), '')
    END AS head
FROM source;

-- The head stands for the whole text only where nothing after it, and no white space or slash
-- that a browser skips, can change the origin; every other text stands for itself.
CREATE OR REPLACE MACRO kind_of(url, lead, head) AS
CASE
    WHEN strlen(url) < 8192
        -- The first of these holds for nearly every row, and texts compare faster than numbers.
        AND (
            (head >= 'a' AND head < '{')  -- a to z
            OR (head >= '0' AND head < ':')  -- 0 to 9
            OR (head >= 'A' AND head < '[')  -- A to Z
        )
        AND head[-1] >= '!' AND head[-1] <= '~'  -- printable, no space
        AND (lead <> 'bare' OR NOT contains(head, ':'))
        THEN lead
    ELSE 'other'
END;

-- What is asked for: the text without its fragment.
CREATE OR REPLACE MACRO page_of(url) AS
CASE WHEN contains(url, '#') THEN split_part(url, '#', 1) ELSE url END;

CREATE OR REPLACE VIEW marked AS
SELECT
    * EXCLUDE (lead, head),
    kind_of(url, lead, head) AS kind,
    CASE WHEN kind = 'other' THEN url ELSE head END AS text
FROM split_url;
