-- The sampled pages in the order of origins and hashes. A page is `ready` if parsing it as a
-- browser does cannot change it and it is not the home page; the others are for Python.
CREATE TABLE sample AS
SELECT
    key,
    sample_hash,
    page,
    is_plain AND is_plain_page(page) AS ready
FROM sampled_url
ORDER BY key, sample_hash, page;

DROP TABLE sampled_url;
