-- The pages that are drawn, in the order of origins and lots. A page is `ready` if
-- reading it as a browser does cannot change it: nothing to encode, no dot segments to resolve; and
-- if it is not the home page.
CREATE TABLE sample AS
SELECT
    key,
    lot,
    page,
    plain
    AND NOT contains(page, '/.')
    AND NOT ends_with(page, '?')
    AND regexp_full_match(
        page,
        'https?://[^/]*/'
        || '(?:[a-zA-Z0-9._~/!&()+,;=:@?-]|%(?:[013-9a-fA-F][0-9a-fA-F]|2[0-9a-dfA-DF]))+'
    ) AS ready
FROM met
ORDER BY key, lot, page;

DROP TABLE met;
