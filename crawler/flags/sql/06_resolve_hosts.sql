-- Step 6: join the origins that Python found, and collect the paths that it has to normalise.

-- `verdict` is that of the host or the default one of the origin; the number 0 is that of an origin
-- never asked. Of an authority with a path behind it, only the authority is the text that was parsed.
CREATE OR REPLACE TABLE parsed_row AS
SELECT
    n,
    origin,
    any_path OR prefixes <> '' AS has_patterns,
    is_host AND url = text AS names_host,
    url,
    coalesce(parsed_verdict, CASE WHEN names_host THEN host_verdict END, verdict, 0) AS verdict
FROM host_of_row;

CREATE OR REPLACE TABLE unnormalised_path AS
SELECT n, origin, url FROM row_path WHERE path IS NULL
UNION ALL
SELECT n, origin, url FROM parsed_row WHERE has_patterns AND NOT names_host;

-- Filled by `Flagger._normalise_paths`: the path as pages have it, and as patterns are compared.
CREATE OR REPLACE TABLE normalised_path (url VARCHAR, path VARCHAR, normal_path VARCHAR);
