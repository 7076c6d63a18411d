-- The pages that are sampled from each authority, by their hashes and by what their URLs begin with.
-- Of a plain name, nearly all pages are written as they are requested.
CREATE TABLE sampled_hash AS
SELECT
    key,
    kind,
    without_fragment(
        CASE WHEN kind IN ('http', 'https') THEN kind || '://' || text ELSE text END
    ) AS prefix,
    is_plain AND kind IN ('http', 'https') AND NOT contains(text, ':') AS is_plain,
    unnest(sample_hashes) AS sample_hash
FROM authority_share
JOIN authority_with_origin USING (kind, text);

CREATE TABLE sampled_url (
    key VARCHAR,
    sample_hash UINTEGER,
    page VARCHAR,
    is_plain BOOLEAN
);
