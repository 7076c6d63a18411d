-- The texts of the pages that are drawn, in a second reading of the dataset that looks at nothing
-- else. Pages of different origins may have the same lot, so where a page begins must agree, too.
-- Very many are met in several turns, each of lots of its own, to stay within memory.
INSERT INTO met
SELECT DISTINCT key, lot, page, plain
FROM (SELECT page_of(url) AS page, (hash(page) >> 32)::UINTEGER AS lot FROM source) AS page
JOIN drawn USING (lot)
WHERE page.lot % $turns = $turn AND drawn.lot % $turns = $turn
    AND CASE kind
        WHEN 'other' THEN page = beginning
        ELSE page = beginning OR starts_with(page, beginning || '/')
    END;
