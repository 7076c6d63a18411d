-- The part of a row's text that decides its origin, told by SQL wherever a browser would not read
-- it differently. `source` (url and whatever else a row has) is the dataset; NULL is the empty text.

-- The authority of a URL ends at the third slash at the latest, a bare host at the first.
CREATE OR REPLACE MACRO lead_of(url) AS
CASE
    WHEN starts_with(url, 'https://') THEN 'https'
    WHEN starts_with(url, 'http://') THEN 'http'
    ELSE 'bare'
END;

CREATE OR REPLACE MACRO head_of(url) AS
CASE
    WHEN lead_of(url) <> 'bare' THEN split_part(url, '/', 3)
    ELSE coalesce(split_part(url, '/', 1), '')
END;

CREATE OR REPLACE VIEW split_url AS
SELECT
    * REPLACE (coalesce(url, '') AS url),
    lead_of(url) AS lead,
    head_of(url) AS head
FROM source;

-- The head stands for the whole text only where nothing after it, and no white space or slash
-- that a browser skips, can change the origin; every other text stands for itself. Of a URL with a
-- slash after its head, white space at the end of the head is not at the end of the text.
CREATE OR REPLACE MACRO kind_of(url, lead, head) AS
CASE
    WHEN strlen(url) >= 8192 THEN 'other'
    -- A letter of ASCII or a digit; texts compare faster than numbers.
    WHEN CASE
        WHEN head >= 'a' THEN head < '{'
        WHEN head >= 'A' THEN head < '['
        ELSE head >= '0' AND head < ':'
    END
        THEN CASE
            WHEN lead <> 'bare' AND strlen(url) > strlen(head) + 8 THEN lead
            WHEN head[-1] >= '!' AND head[-1] <= '~'  -- printable, no space
                AND (lead <> 'bare' OR NOT contains(head, ':'))
                THEN lead
            ELSE 'other'
        END
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
