-- Rows of `row_authority` grouped by the text that decides their origin, before any of it is
-- parsed, with the hashes of the pages that are sampled from each. `$values` are the values of facets
-- as columns `value_0` and so on, each with a comma behind it; empty without facets.

-- The hash of a page is half of what DuckDB computes, and does not depend on the order of the rows
-- (another version of DuckDB may have another hash; runs say which version they had). Home pages
-- have none: a text that is an authority and at most a slash is one; other spellings of it are
-- left out when the origins are read.
CREATE VIEW row_sample_hash AS
SELECT
    kind,
    text,
    weight,
    $values
    without_fragment(url) AS page,
    CASE
        WHEN $shares > 0 AND CASE
            WHEN strlen(page) > strlen(text) + 9 THEN true  -- nearly all
            ELSE strlen(page) > strlen(text)
                + CASE kind WHEN 'https' THEN 9 WHEN 'http' THEN 8 ELSE 1 END
                OR contains(text, '?')
                OR kind = 'other'
        END THEN (hash(page) >> 32)::UINTEGER
    END AS sample_hash
FROM row_authority;

-- A sample of bounded size that does not depend on the order of the rows. The hashes nearest to and
-- farthest from each of four numbers are taken (0, and three that are spread by the golden ratio),
-- by the bits in which they differ. Of few pages this finds nearly all, of many any, and a page in
-- many rows does not push others out. An aggregate remembers ten numbers for any number of rows,
-- which DuckDB can spill; a sorted list of hashes could not be. Where more pages are wanted, they
-- are first divided into shares.
--
-- With facets this is a table, which has a row for each combination of values, too: to group by them
-- here costs less than to read the texts of all rows again. Without facets it is a view.
CREATE $relation authority_group AS
SELECT
    $grouped
    kind,
    text,
    CASE WHEN $shares > 1 THEN sample_hash % greatest($shares, 1) END AS share,
    count(*) AS rows,
    sum(weight) AS weight,
    min(sample_hash) AS min_0,
    max(sample_hash) AS max_0,
    min(xor(sample_hash, 2654435769::UINTEGER)) AS min_1,
    max(xor(sample_hash, 2654435769::UINTEGER)) AS max_1,
    min(xor(sample_hash, 1013904242::UINTEGER)) AS min_2,
    max(xor(sample_hash, 1013904242::UINTEGER)) AS max_2,
    min(xor(sample_hash, 1518500249::UINTEGER)) AS min_3,
    max(xor(sample_hash, 1518500249::UINTEGER)) AS max_3,
    count(sample_hash) AS hashes,
    bit_xor(sample_hash) AS all_hashes
FROM row_sample_hash
GROUP BY $grouped kind, text, share;

CREATE TABLE authority_share AS
SELECT
    kind,
    text,
    share,
    rows,
    weight,
    list_sort(list_distinct([
        min_0,
        max_0,
        xor(min_1, 2654435769::UINTEGER),
        xor(max_1, 2654435769::UINTEGER),
        xor(min_2, 1013904242::UINTEGER),
        xor(max_2, 1013904242::UINTEGER),
        xor(min_3, 1518500249::UINTEGER),
        xor(max_3, 1518500249::UINTEGER),
        -- Of three the one between the lowest and the highest, where it is near none of these.
        CASE WHEN hashes = 3 THEN xor(all_hashes, xor(min_0, max_0)) END
    ]))[:$hashes] AS sample_hashes
FROM $authorities;

CREATE TABLE authority_text AS
SELECT
    kind,
    text,
    sum(rows)::BIGINT AS rows,
    sum(weight) AS weight,
    kind <> 'other' AND is_plain_authority(text) AS is_plain
FROM authority_share
GROUP BY kind, text;

CREATE TABLE unparsed_authority AS
SELECT kind, text
FROM authority_text
WHERE NOT is_plain
ORDER BY ALL;

-- Filled by Python: the origin of an unparsed authority, or the reason why it has none. A default
-- port is no port.
CREATE TABLE parsed_authority (
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

-- Authorities that have an origin, and the key that rows are joined by: host, and port if it is not
-- the default one.
CREATE VIEW authority_with_origin AS
SELECT
    kind,
    text,
    rows,
    weight,
    kind AS scheme,
    split_part(text, ':', 1) AS host,
    port_of(kind, text) AS port,
    host || coalesce(':' || port, '') AS key,
    is_plain
FROM authority_text
WHERE is_plain
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
    is_plain
FROM parsed_authority
JOIN authority_text USING (kind, text)
WHERE reject IS NULL;
