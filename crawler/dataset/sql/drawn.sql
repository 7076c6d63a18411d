-- The pages that are drawn from each spot, by their lots and by where they begin. Of a plain name,
-- nearly all pages are in the form they are asked for.
CREATE TABLE drawn AS
SELECT
    key,
    kind,
    page_of(
        CASE WHEN kind IN ('http', 'https') THEN kind || '://' || text ELSE text END
    ) AS beginning,
    plain AND kind IN ('http', 'https') AND NOT contains(text, ':') AS plain,
    unnest(lots) AS lot
FROM part
JOIN named USING (kind, text);

CREATE TABLE met (key VARCHAR, lot UINTEGER, page VARCHAR, plain BOOLEAN);
