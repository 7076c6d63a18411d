-- Step 5, last, where rows are asked about times: what paths of the origins that were evaluated must
-- begin with to get another verdict. Until then any path may.
UPDATE origin
SET any_path = false, prefixes = ''
WHERE origin IN (SELECT origin FROM new_default WHERE verdict IS NOT NULL);

UPDATE origin
SET any_path = origin.verdict IS NULL OR found.any_path, prefixes = found.prefixes
FROM (FROM origin_prefixes WHERE origin IN (SELECT origin FROM new_default)) AS found
WHERE found.origin = origin.origin;
