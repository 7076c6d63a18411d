-- Where each row of `split_url` (n, url, lead, head) belongs: to an origin that is known by the head
-- of its text, or to one that only Python can name. `verdict` is the usual one of the origin.
CREATE OR REPLACE VIEW known AS
SELECT
    split_url.*,
    origin.origin,
    origin.verdict,
    origin.special,
    origin.marks,
    -- What follows the host begins here.
    length(head) + CASE lead WHEN 'https' THEN 9 WHEN 'http' THEN 8 ELSE 1 END AS after
FROM split_url
LEFT JOIN origin
    ON NOT origin.ported
    AND origin.key = CASE
        WHEN strlen(url) < 8192 AND (lead <> 'bare' OR contains(head, '.')) THEN head
    END;

-- A row is looked at if all paths of its origin are told apart or those that begin like its own,
-- and where a path may begin otherwise once it is in its normal form.
CREATE OR REPLACE VIEW sorted_out AS
SELECT
    *,
    coalesce(special OR (marks <> '' AND (
        contains(marks, substr(url, after, 3))
        OR contains(url, '%')
        OR contains(url, '/.')
        OR contains(url, '\')
        OR contains(url, chr(9))
        OR contains(url, chr(10))
        OR contains(url, chr(13))
        OR NOT regexp_full_match(substr(url, after, 3), '/[A-Za-z0-9\-_~/!&()+,;=:@]{2}')
    )), false) AS apart
FROM known;

-- What follows the host, where URLs are told apart; the fragment is never asked for.
CREATE OR REPLACE VIEW parted AS
SELECT
    *,
    CASE WHEN apart THEN substr(
        CASE WHEN contains(url, '#') THEN split_part(url, '#', 1) ELSE url END, after
    ) END AS rest,
    -- Of these characters alone, and without dot segments, a path is in its normal form.
    CASE WHEN apart THEN regexp_full_match(
        rest,
        '(?:/(?:[A-Za-z0-9\-._~/!&()+,;=:@?]|%(?:[89A-F][0-9A-F]|2[0-9A-C]|3[B-F]|40|5[B-E]|60|7[B-D]))*)?'
    ) AND NOT contains(rest, '/.') END AS normal
FROM sorted_out;

-- A row is kept with its path where that matters, and with its URL where Python has to read it.
CREATE OR REPLACE TABLE located AS
SELECT
    n,
    origin,
    verdict,
    CASE WHEN origin IS NULL THEN kind_of(url, lead, head) END AS kind,
    CASE WHEN origin IS NULL THEN if(kind = 'other', url, head) END AS text,
    CASE WHEN origin IS NULL OR (apart AND NOT normal) THEN url END AS url,
    CASE WHEN normal THEN if(rest = '', '/', rest) END AS path
FROM parted;

-- Texts that are no key of an origin as they stand, and are not plainly the name of another host.
CREATE OR REPLACE TABLE stray AS
SELECT DISTINCT kind, text
FROM located
WHERE origin IS NULL
    AND (
        kind = 'other'
        OR contains(text, 'xn--')
        OR strlen(text) > 253
        OR NOT regexp_full_match(text, '(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9_-]{0,62}')
    );

-- Filled by Python: the key of the origin behind such a text, or the verdict if there is none.
CREATE OR REPLACE TABLE named (kind VARCHAR, text VARCHAR, key VARCHAR, verdict INTEGER);
