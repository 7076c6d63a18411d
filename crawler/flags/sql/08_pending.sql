-- Step 8: the pattern sets without a verdict, each with a path that stands for all that match it.
-- `Flagger._evaluate_pending` adds their verdicts to `pattern_set_verdict`. A page that was requested
-- has its own verdict, and stands for no other path: what other pages say does not apply to it.
CREATE OR REPLACE TABLE pending_pattern_set AS
SELECT row_pattern_set.origin, row_pattern_set.pattern_set, min(row_pattern_set.path) AS path
FROM row_pattern_set
ANTI JOIN pattern_set_verdict USING (origin, pattern_set)
ANTI JOIN row_page USING (n)
GROUP BY row_pattern_set.origin, row_pattern_set.pattern_set;
