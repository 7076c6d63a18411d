-- Step 4, first: the rows of `url_parts` with the origin whose key is their authority.

-- `names_host`: the row is the key of an origin, and so names a host and no page of it, as
-- crawler.urls.canonical.names_whole_origin has it. `verdict` is that of all such rows, of others
-- the default one of the origin.
CREATE OR REPLACE VIEW row_with_origin AS
SELECT
    url_parts.*,
    scheme = 'bare' AND url = authority AS names_host,
    origin.origin,
    if(names_host, coalesce(origin.host_verdict, origin.verdict), origin.verdict) AS verdict,
    origin.any_path,
    origin.prefixes,
    NULL::BIGINT AS moment
FROM url_parts
LEFT JOIN origin
    ON NOT origin.scheme_dependent
    AND origin.key = CASE
        -- Of a text without scheme and dot only Python can tell whether it names a host.
        WHEN strlen(url) < 8192 AND (scheme <> 'bare' OR contains(authority, '.')) THEN authority
    END;
