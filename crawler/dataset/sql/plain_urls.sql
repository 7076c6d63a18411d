-- Authorities and paths that need no parser: SQL accepts only what Python would leave unchanged.
-- Every other text is handed to Python, so these expressions may be too strict, never too lax.
-- This is the one place in SQL where they are written down.

-- Must agree with crawler.urls.canonical.origin_of, which keeps such a host as it is: lower case, a
-- dot, a last label that is no number (so no IPv4 address), no A-label to validate, and lengths
-- within RFC 1035, 2.3.4. A port has at most four digits, so it is a valid one.
-- Held by tests/dataset/test_plain_urls.py.
CREATE OR REPLACE MACRO is_plain_authority(authority) AS
regexp_full_match(
    authority, '(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9_-]{0,62}(?::[1-9][0-9]{0,3})?'
)
AND strlen(split_part(authority, ':', 1)) <= 253
AND NOT contains(authority, 'xn--');

-- Must agree with crawler.urls.canonical.page_url, which keeps such a URL as it is: nothing to
-- encode, no dot segments to resolve (%2E is a dot, too); and it is not the home page. Only for a
-- URL whose authority is plain and has no port.
-- Held by tests/dataset/test_plain_urls.py.
CREATE OR REPLACE MACRO is_plain_page(page) AS
NOT contains(page, '/.')
AND regexp_full_match(
    page,
    'https?://[^/]*/'
    || '(?:[a-zA-Z0-9._~/!&()+,;=:@?-]|%(?:[013-9a-fA-F][0-9a-fA-F]|2[0-9a-dfA-DF]))+'
);

-- Must agree with crawler.urls.canonical.path_of and, after it, with path_forms of
-- crawler.protocols.url_patterns, which both keep such a path as it is. It has, besides, no escape
-- of a character that rules of robots.txt compare unescaped (RFC 9309, 2.2.2). The empty path is
-- plain. Held by tests/dataset/test_plain_urls.py.
CREATE OR REPLACE MACRO is_normal_path(path) AS
regexp_full_match(
    path,
    '(?:/(?:[A-Za-z0-9\-._~/!&()+,;=:@?]|'
    || '%(?:[89A-F][0-9A-F]|2[0-9A-C]|3[B-F]|40|5[B-E]|60|7[B-D]))*)?'
)
AND NOT contains(path, '/.');
