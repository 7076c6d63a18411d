-- Step 10, only for rows with several texts: the strictest verdict of each row, and its texts by state.
-- `n` is the number of the row times `texts_per_row` and the place of the text in it; place 0 is
-- that of a row without texts. Table `verdict_rank` has the strictness of each verdict, 0 first.
CREATE OR REPLACE VIEW text_verdict AS
SELECT
    row_origin.n // getvariable('texts_per_row') AS row,
    row_origin.n % getvariable('texts_per_row') AS place,
    coalesce(row_verdict.verdict, row_origin.verdict, 0) AS verdict
FROM row_origin
LEFT JOIN row_verdict USING (n);

-- Rank, place and verdict are parts of one number, so that the least has the strictest and of equal
-- ones the first: 24 bits for a place, 32 for a verdict.
CREATE OR REPLACE VIEW verdict_of_row AS
SELECT
    row,
    (least_text & 4294967295)::INTEGER AS verdict,
    (least_text >> 32) & 16777215 AS place,
    * EXCLUDE (row, least_text)
FROM (
    SELECT
        row,
        min((((rank << 24) | place) << 32) | verdict) AS least_text,
        count(*) FILTER (place > 0)::INTEGER AS urls,
        count(*) FILTER (place > 0 AND rank = 0)::INTEGER AS rank_0,
        count(*) FILTER (place > 0 AND rank = 1)::INTEGER AS rank_1,
        count(*) FILTER (place > 0 AND rank = 2)::INTEGER AS rank_2,
        count(*) FILTER (place > 0 AND rank = 3)::INTEGER AS rank_3,
        count(*) FILTER (place > 0 AND rank = 4)::INTEGER AS rank_4,
        count(*) FILTER (place > 0 AND rank = 5)::INTEGER AS rank_5,
        count(*) FILTER (place > 0 AND rank = 6)::INTEGER AS rank_6
    FROM text_verdict
    JOIN verdict_rank USING (verdict)
    GROUP BY row
);
