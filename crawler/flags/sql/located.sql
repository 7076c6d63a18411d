-- Where each row of `split_url` (n, url, lead, head) belongs: to an origin that is known by the head
-- of its text, or to one that only Python can name. `verdict` is the usual one of the origin.
CREATE OR REPLACE VIEW housed AS
SELECT split_url.*, origin.origin, origin.verdict, origin.special, origin.marks
FROM split_url
LEFT JOIN origin
    ON NOT origin.ported
    AND origin.key = CASE
        WHEN strlen(url) < 8192 AND (lead <> 'bare' OR contains(head, '.')) THEN head
    END;

-- Where what follows the host begins.
CREATE OR REPLACE MACRO after_host(lead, head) AS
length(head) + CASE lead WHEN 'https' THEN 9 WHEN 'http' THEN 8 ELSE 1 END;

CREATE OR REPLACE VIEW begun AS
SELECT *, CASE WHEN marks <> '' THEN substr(url, after_host(lead, head), 3) END AS beginning
FROM housed;

-- The URL of a row is kept where somebody has to look at it: if all paths of its origin are told
-- apart or those that begin like its own; if the path may begin otherwise once it is in its normal
-- form; and if the text is no key of an origin and not plainly the name of another host.
CREATE OR REPLACE TABLE located AS
SELECT
    n,
    origin,
    verdict,
    CASE
        WHEN origin IS NULL THEN if(
            kind_of(url, lead, head) = 'other'
            OR contains(head, 'xn--')
            OR strlen(head) > 253
            OR NOT regexp_full_match(head, '(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9_-]{0,62}'),
            url,
            NULL
        )
        WHEN special THEN url
        WHEN marks = '' THEN NULL
        WHEN contains(marks, beginning)
            OR contains(url, '%')
            OR contains(url, '/.')
            OR contains(url, '\')
            OR contains(url, chr(9))
            OR contains(url, chr(10))
            OR contains(url, chr(13))
            OR NOT regexp_full_match(beginning, '/[A-Za-z0-9\-_~/!&()+,;=:@]{2}')
            THEN url
    END AS url
FROM begun;

-- What follows the host; the fragment is never asked for.
CREATE OR REPLACE VIEW rested AS
SELECT
    n,
    origin,
    url,
    substr(
        CASE WHEN contains(url, '#') THEN split_part(url, '#', 1) ELSE url END,
        after_host(lead_of(url), head_of(url))
    ) AS rest
FROM located
WHERE origin IS NOT NULL AND url IS NOT NULL;

-- Rows whose URL may be told apart, with their path if it is in its normal form, which it is if it
-- has these characters alone, no dot segments and no empty query.
CREATE OR REPLACE TABLE parted AS
SELECT
    n,
    origin,
    url,
    CASE
        WHEN regexp_full_match(
            rest,
            '(?:/(?:[A-Za-z0-9\-._~/!&()+,;=:@?]|%(?:[89A-F][0-9A-F]|2[0-9A-C]|3[B-F]|40|5[B-E]|60|7[B-D]))*)?'
        ) AND NOT contains(rest, '/.') AND NOT ends_with(rest, '?')
            THEN if(rest = '', '/', rest)
    END AS path
FROM rested;

-- Rows that Python has to name, by what it is given.
CREATE OR REPLACE TABLE strange AS
SELECT
    n,
    url,
    kind_of(url, lead_of(url), head_of(url)) AS kind,
    if(kind = 'other', url, head_of(url)) AS text
FROM located
WHERE origin IS NULL AND url IS NOT NULL;

-- Filled by Python: the key of the origin behind such a text, or the verdict if there is none.
CREATE OR REPLACE TABLE named (kind VARCHAR, text VARCHAR, key VARCHAR, verdict INTEGER);
