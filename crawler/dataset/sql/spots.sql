-- Rows of `marked` gathered by the part of their text that decides the origin, before any of it is
-- parsed, and the pages that are drawn from each.

-- The lot of a page is half of its hash, so that it does not depend on the order of the rows
-- (another version of DuckDB may have another hash; runs say which version they had). Home pages
-- have none: a text that is a head and at most a slash is one; other ways of writing that are left
-- out when the origins are read.
CREATE VIEW drawable AS
SELECT
    kind,
    text,
    weight,
    page_of(url) AS page,
    CASE
        WHEN $shares > 0 AND CASE
            WHEN strlen(page) > strlen(text) + 9 THEN true  -- nearly all
            ELSE strlen(page) > strlen(text)
                + CASE kind WHEN 'https' THEN 9 WHEN 'http' THEN 8 ELSE 1 END
                OR contains(text, '?')
                OR kind = 'other'
        END THEN (hash(page) >> 32)::UINTEGER
    END AS lot
FROM marked;

-- Four numbers, as far from each other as may be. The lots nearest to each and farthest from each
-- are drawn, by the bits in which they differ: of few pages this finds nearly all, of many any, and
-- a page in many rows does not push others out. Ten numbers are all that has to be remembered of
-- any number of rows, in a form that can be spilled. Where more pages are wanted, they are first
-- dealt out into shares.
CREATE TABLE part AS
SELECT
    kind,
    text,
    CASE WHEN $shares > 1 THEN lot % greatest($shares, 1) END AS share,
    count(*) AS rows,
    sum(weight) AS weight,
    list_sort(list_distinct([
        min(lot),
        max(lot),
        xor(min(xor(lot, 2654435769::UINTEGER)), 2654435769::UINTEGER),
        xor(max(xor(lot, 2654435769::UINTEGER)), 2654435769::UINTEGER),
        xor(min(xor(lot, 1013904242::UINTEGER)), 1013904242::UINTEGER),
        xor(max(xor(lot, 1013904242::UINTEGER)), 1013904242::UINTEGER),
        xor(min(xor(lot, 1518500249::UINTEGER)), 1518500249::UINTEGER),
        xor(max(xor(lot, 1518500249::UINTEGER)), 1518500249::UINTEGER),
        -- Of three the one between the lowest and the highest, where it is near none of these.
        CASE WHEN count(lot) = 3 THEN xor(bit_xor(lot), xor(min(lot), max(lot))) END
    ]))[:$drawn] AS lots
FROM drawable
GROUP BY kind, text, share;

-- Plain names need no parsing: lower case, a dot, a last label that is no number (so no IPv4
-- address), no A-label to be validated, and lengths within RFC 1035, 2.3.4.
CREATE TABLE spot AS
SELECT
    kind,
    text,
    sum(rows)::BIGINT AS rows,
    sum(weight) AS weight,
    kind <> 'other'
    AND regexp_full_match(
        text, '(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9_-]{0,62}(?::[1-9][0-9]{0,3})?'
    )
    AND strlen(split_part(text, ':', 1)) <= 253
    AND NOT contains(text, 'xn--') AS plain
FROM part
GROUP BY kind, text;

CREATE TABLE hard_spot AS
SELECT kind, text
FROM spot
WHERE NOT plain
ORDER BY ALL;

-- Filled by Python: where a hard spot is, or why it is nowhere. A default port is no port.
CREATE TABLE place (
    kind VARCHAR,
    text VARCHAR,
    scheme VARCHAR,
    host VARCHAR,
    port INTEGER,
    reject VARCHAR
);

CREATE MACRO port_of(kind, text) AS
nullif(
    try_cast(nullif(split_part(text, ':', 2), '') AS INTEGER),
    CASE kind WHEN 'http' THEN 80 ELSE 443 END
);

-- Spots with a name, and what rows are joined by: host, and port if not the default.
CREATE VIEW named AS
SELECT
    kind,
    text,
    rows,
    weight,
    kind AS scheme,
    split_part(text, ':', 1) AS host,
    port_of(kind, text) AS port,
    host || coalesce(':' || port, '') AS key,
    plain
FROM spot
WHERE plain
UNION ALL
SELECT
    kind,
    text,
    rows,
    weight,
    scheme,
    host,
    port,
    host || coalesce(':' || port, '') AS key,
    plain
FROM place
JOIN spot USING (kind, text)
WHERE reject IS NULL;
