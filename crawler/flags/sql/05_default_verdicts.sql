-- Step 5, after `tables.evaluate_new_origins` has filled `new_default`: take over its verdicts.
-- An origin without one has no path that matches no pattern: each of its paths is evaluated.
UPDATE origin
SET
    verdict = new_default.verdict,
    host_verdict = new_default.host_verdict,
    is_evaluated = true
FROM new_default
WHERE new_default.origin = origin.origin;

INSERT INTO per_path_origin
SELECT origin FROM new_default WHERE verdict IS NULL;

DELETE FROM url_pattern
WHERE origin IN (SELECT origin FROM new_default WHERE verdict IS NULL);
