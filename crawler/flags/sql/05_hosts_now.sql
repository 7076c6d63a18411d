-- Step 5, first: the rows whose origin Python found, with that origin.
CREATE OR REPLACE VIEW host_of_row AS
SELECT
    unparsed_host.n,
    unparsed_host.url,
    unparsed_host.text,
    parsed_host.is_host,
    parsed_host.verdict AS parsed_verdict,
    origin.* EXCLUDE (key)
FROM unparsed_host
JOIN parsed_host USING (kind, text)
LEFT JOIN origin USING (key);
