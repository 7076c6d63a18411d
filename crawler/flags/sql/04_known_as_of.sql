-- Step 4, first, where rows are asked about times: the rows of `url_parts` with the piece of the time
-- line of their origin. `moment` is the number of an instant (see instants.py): twice its
-- millisecond, and one more for a whole day; NULL is a row without a time.

-- `names_host` is as in 04_known_now.sql.
CREATE OR REPLACE VIEW row_with_origin AS
SELECT
    keyed.* EXCLUDE (key),
    origin.origin,
    if(names_host, coalesce(origin.host_verdict, origin.verdict), origin.verdict) AS verdict,
    origin.any_path,
    origin.prefixes
FROM (
    SELECT
        url_parts.*,
        scheme = 'bare' AND url = authority AS names_host,
        -- Of a text without scheme and dot only Python can tell whether it names a host.
        CASE
            WHEN strlen(url) < 8192 AND (scheme <> 'bare' OR contains(authority, '.')) THEN authority
        END AS key
    FROM url_parts
) AS keyed
ASOF LEFT JOIN (FROM origin WHERE NOT scheme_dependent) AS origin
    ON keyed.key = origin.key
    AND (keyed.moment & 1)::BOOLEAN = origin.by_day
    AND (keyed.moment >> 1) >= origin.since;
