-- Step 5, first, where rows are asked about times: the rows whose origin Python found, with the piece
-- of its time line (see 04_known_as_of.sql).
CREATE OR REPLACE VIEW host_of_row AS
SELECT
    parsed.n,
    parsed.url,
    parsed.text,
    parsed.is_host,
    parsed.verdict AS parsed_verdict,
    origin.* EXCLUDE (key)
FROM (FROM unparsed_host JOIN parsed_host USING (kind, text)) AS parsed
ASOF LEFT JOIN origin
    ON parsed.key = origin.key
    AND (parsed.moment & 1)::BOOLEAN = origin.by_day
    AND (parsed.moment >> 1) >= origin.since;
