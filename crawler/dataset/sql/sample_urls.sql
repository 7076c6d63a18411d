-- The texts of the pages that are sampled, in a second reading of the dataset that looks at nothing
-- else. Pages of different origins may have the same hash, so their beginnings must agree, too.
-- Very many are found in several passes, each over a part of the hashes, to stay within memory.
INSERT INTO sampled_url
SELECT DISTINCT key, sample_hash, page, is_plain
FROM (
    SELECT
        without_fragment(url) AS page,
        (hash(page) >> 32)::UINTEGER AS sample_hash
    FROM source
) AS page
JOIN sampled_hash USING (sample_hash)
WHERE page.sample_hash % $passes = $pass AND sampled_hash.sample_hash % $passes = $pass
    AND CASE kind
        WHEN 'other' THEN page = prefix
        ELSE page = prefix OR starts_with(page, prefix || '/')
    END;
