-- Step 6: join the origins that Python found, and collect the paths that it has to normalise.

-- `verdict` is that of the host or the default one of the origin; the number 0 is that of an origin
-- never asked. Of an authority with a path behind it, only the authority is the text that was parsed.
CREATE OR REPLACE TABLE parsed_row AS
SELECT
    unparsed_host.n,
    origin.origin,
    origin.any_path OR origin.prefixes <> '' AS has_patterns,
    parsed_host.is_host AND unparsed_host.url = unparsed_host.text AS names_host,
    unparsed_host.url,
    coalesce(
        parsed_host.verdict,
        CASE WHEN names_host THEN origin.host_verdict END,
        origin.verdict,
        0
    ) AS verdict
FROM unparsed_host
JOIN parsed_host USING (kind, text)
LEFT JOIN origin USING (key);

CREATE OR REPLACE TABLE unnormalised_path AS
SELECT n, origin, url FROM row_path WHERE path IS NULL
UNION ALL
SELECT n, origin, url FROM parsed_row WHERE has_patterns AND NOT names_host;

-- Filled by `Flagger._normalise_paths`: the path as pages have it, and as patterns are compared.
CREATE OR REPLACE TABLE normalised_path (url VARCHAR, path VARCHAR, normal_path VARCHAR);
