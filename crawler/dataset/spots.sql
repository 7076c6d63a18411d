-- Rows of `marked` gathered by the part of their text that decides the origin, before any of it is
-- parsed.

CREATE TABLE spot AS
SELECT kind, text, count(*) AS rows, sum(weight) AS weight
FROM marked
GROUP BY kind, text;

-- Names that need no parsing: lower case, a dot, a last label that is no number (so no IPv4
-- address), no A-label to be validated, and lengths within RFC 1035, 2.3.4.
CREATE VIEW clean_spot AS
SELECT
    kind,
    text,
    split_part(text, ':', 1) AS host,
    try_cast(nullif(split_part(text, ':', 2), '') AS INTEGER) AS port
FROM spot
WHERE kind <> 'other'
    AND regexp_full_match(
        text, '(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9_-]{0,62}(?::[1-9][0-9]{0,3})?'
    )
    AND strlen(split_part(text, ':', 1)) <= 253
    AND NOT contains(text, 'xn--');

-- One row for each spot: where it is, or why it is nowhere. A default port is no port.
CREATE TABLE place (
    kind VARCHAR,
    text VARCHAR,
    scheme VARCHAR,
    host VARCHAR,
    port INTEGER,
    reject VARCHAR,
    key VARCHAR AS (host || coalesce(':' || port, ''))
);

INSERT INTO place (kind, text, scheme, host, port, reject)
SELECT
    kind,
    text,
    kind,
    host,
    CASE WHEN port = CASE kind WHEN 'http' THEN 80 ELSE 443 END THEN NULL ELSE port END,
    NULL
FROM clean_spot;

CREATE TABLE hard_spot AS
SELECT kind, text
FROM spot
ANTI JOIN clean_spot USING (kind, text)
ORDER BY ALL;
