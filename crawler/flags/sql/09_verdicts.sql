-- Step 9: verdicts of the rows that the `verdict` of `row_origin` does not answer, each row once,
-- in any order. The most specific wins: that of the page, then of the patterns that its path
-- matches, then of the origin that Python found, then that which was evaluated in step 5.
CREATE OR REPLACE VIEW row_verdict AS
SELECT n, min_by(verdict, rank)::INTEGER AS verdict
FROM (
    SELECT n, verdict, 1 AS rank FROM row_page
    UNION ALL
    SELECT row_pattern_set.n, pattern_set_verdict.verdict, 2
    FROM row_pattern_set
    JOIN pattern_set_verdict USING (origin, pattern_set)
    UNION ALL
    SELECT n, verdict, 3 FROM parsed_row
    UNION ALL
    SELECT
        row_origin.n,
        if(
            row_origin.names_host,
            coalesce(origin.host_verdict, origin.verdict),
            origin.verdict
        ),
        4
    FROM row_origin
    JOIN origin USING (origin)
    WHERE row_origin.verdict IS NULL
)
WHERE verdict IS NOT NULL
GROUP BY n;
