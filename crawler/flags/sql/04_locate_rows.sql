-- Step 4: find the origin of each row of `url_parts` (n, url, scheme, authority), by its key where
-- the authority is the key (04_known_now.sql or 04_known_as_of.sql), else with the help of Python.

-- The position, counted from 1, at which the path begins.
CREATE OR REPLACE MACRO path_start(scheme, authority) AS
length(authority) + CASE scheme WHEN 'https' THEN 9 WHEN 'http' THEN 8 ELSE 1 END;

CREATE OR REPLACE VIEW url_prefix AS
SELECT *, CASE WHEN prefixes <> '' THEN substr(url, path_start(scheme, authority), 3) END AS prefix
FROM row_with_origin;

-- Most rows need no more than `verdict`; for those `url` is NULL, which keeps the table small. The
-- URL of a row is kept only where it is read again, and it names more than a host:
-- * no origin was found, and the authority is not plainly that of an unknown host;
-- * the path may get another verdict than the default;
-- * the path may begin with other characters once it is normalised.
CREATE OR REPLACE TABLE row_origin AS
SELECT
    n,
    origin,
    names_host,
    verdict,
    moment,
    CASE
        WHEN origin IS NULL THEN if(
            kind_of(url, scheme, authority) = 'other'
            OR contains(authority, ':')
            OR NOT is_plain_authority(authority),
            url,
            NULL
        )
        WHEN names_host THEN NULL
        WHEN any_path THEN url
        WHEN prefixes = '' THEN NULL
        -- `prefixes` is searched as one text: what matches across two of them only costs time.
        WHEN contains(prefixes, prefix)
            OR contains(url, '%')
            OR contains(url, '/.')
            OR contains(url, '\')
            OR contains(url, chr(9))
            OR contains(url, chr(10))
            OR contains(url, chr(13))
            OR NOT regexp_full_match(prefix, '/[A-Za-z0-9\-_~/!&()+,;=:@]{2}')
            THEN url
    END AS url
FROM url_prefix;

-- What follows the authority, without the fragment. `row_origin` has neither scheme nor authority:
-- few rows need them again.
CREATE OR REPLACE VIEW url_rest AS
SELECT
    n,
    origin,
    url,
    substr(without_fragment(url), path_start(scheme_of(url), authority_of(url))) AS rest
FROM row_origin
WHERE origin IS NOT NULL AND url IS NOT NULL;

-- Rows that may get another verdict than the default. `path` is NULL if only Python can normalise
-- it.
CREATE OR REPLACE TABLE row_path AS
SELECT
    n,
    origin,
    url,
    CASE WHEN is_normal_path(rest) THEN if(rest = '', '/', rest) END AS path
FROM url_rest;

-- Rows whose origin Python has to find, with the text that it parses.
CREATE OR REPLACE TABLE unparsed_host AS
SELECT
    n,
    url,
    moment,
    kind_of(url, scheme_of(url), authority_of(url)) AS kind,
    if(kind = 'other', url, authority_of(url)) AS text
FROM row_origin
WHERE origin IS NULL AND url IS NOT NULL;

-- Filled by `Flagger._parse_hosts`: the key of the origin, or the verdict where there is none, and
-- whether the text names a host and no page of it.
CREATE OR REPLACE TABLE parsed_host (
    kind VARCHAR,
    text VARCHAR,
    key VARCHAR,
    verdict INTEGER,
    is_host BOOLEAN
);
