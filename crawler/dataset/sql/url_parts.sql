-- The part of a row's text that decides its origin, found by SQL wherever a browser would not read
-- it differently. `source` (url and whatever else a row has) is the dataset; NULL is the empty text.

-- 'https' or 'http' as it is written, else 'bare': a text without a scheme, or with another one.
CREATE OR REPLACE MACRO scheme_of(url) AS
CASE
    WHEN starts_with(url, 'https://') THEN 'https'
    WHEN starts_with(url, 'http://') THEN 'http'
    ELSE 'bare'
END;

-- The authority of a URL ends at the third slash at the latest, a bare host at the first.
CREATE OR REPLACE MACRO authority_of(url) AS
CASE
    WHEN scheme_of(url) <> 'bare' THEN split_part(url, '/', 3)
    ELSE coalesce(split_part(url, '/', 1), '')
END;

CREATE OR REPLACE VIEW url_parts AS
SELECT
    * REPLACE (coalesce(url, '') AS url),
    scheme_of(url) AS scheme,
    authority_of(url) AS authority
FROM source;

-- How the origin of a text is found. 'https', 'http' and 'bare': by its authority under that scheme,
-- so that all texts with the same authority are parsed once. 'other': by the whole text.
-- The authority is enough only where nothing after it, and no white space or slash that a browser
-- skips, can change the origin. Of a URL with a slash after its authority, white space at the end of
-- the authority is not at the end of the text.
CREATE OR REPLACE MACRO kind_of(url, scheme, authority) AS
CASE
    WHEN strlen(url) >= 8192 THEN 'other'
    -- A letter of ASCII or a digit; texts compare faster than numbers.
    WHEN CASE
        WHEN authority >= 'a' THEN authority < '{'
        WHEN authority >= 'A' THEN authority < '['
        ELSE authority >= '0' AND authority < ':'
    END
        THEN CASE
            WHEN scheme <> 'bare' AND strlen(url) > strlen(authority) + 8 THEN scheme
            WHEN authority[-1] >= '!' AND authority[-1] <= '~'  -- printable, no space
                AND (scheme <> 'bare' OR NOT contains(authority, ':'))
                THEN scheme
            ELSE 'other'
        END
    ELSE 'other'
END;

-- The part of a URL that a client requests (RFC 9110, 4.2.5).
CREATE OR REPLACE MACRO without_fragment(url) AS
CASE WHEN contains(url, '#') THEN split_part(url, '#', 1) ELSE url END;

-- Rows with the text that is parsed for their origin: the authority, or all of it.
CREATE OR REPLACE VIEW row_authority AS
SELECT
    * EXCLUDE (scheme, authority),
    kind_of(url, scheme, authority) AS kind,
    CASE WHEN kind = 'other' THEN url ELSE authority END AS text
FROM url_parts;
