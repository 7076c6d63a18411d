-- Step 1, once for each database: the tables that hold until the flagger is closed, and that the
-- flag cache stores (see tables.py). `verdict` is a number of `VerdictIds` everywhere.

-- Origins by key. `verdict` is the default one, of paths that match no pattern; NULL until it is
-- evaluated (`is_evaluated`), or if every path is evaluated by itself (`per_path_origin`).
-- `host_verdict` is that of rows that name the origin and no page; NULL if it is the default one.
-- `prefixes`: the first three characters of all paths that may get another verdict, concatenated.
-- `any_path`: any path may, whatever it begins with. `scheme_dependent`: under the other scheme the
-- key names another origin.
-- Where rows are asked about times (see as_of.py), an `origin` is a piece of the time line of one:
-- `since` is the millisecond from which it holds, `by_day` tells whether for whole days or for times.
CREATE TABLE origin (
    key VARCHAR,
    origin BIGINT,
    verdict INTEGER,
    host_verdict INTEGER,
    any_path BOOLEAN,
    prefixes VARCHAR,
    scheme_dependent BOOLEAN,
    is_evaluated BOOLEAN,
    by_day BOOLEAN,
    since BIGINT
);

-- The patterns of an origin, numbered from 1, with the form of the path that each is compared with
-- ('path', 'bare', 'lower'; see protocols/url_patterns.py). Origins with too many have none here.
CREATE TABLE url_pattern (origin BIGINT, n INTEGER, compared VARCHAR, pattern VARCHAR);
CREATE TABLE per_path_origin (origin BIGINT);

-- Verdicts other than the default: of pages with statements of their own, and of the sets of
-- patterns that a path may match ('1,3': numbers in ascending order; '/...': the path itself).
CREATE TABLE page_verdict (origin BIGINT, path VARCHAR, verdict INTEGER);
CREATE TABLE pattern_set_verdict (origin BIGINT, pattern_set VARCHAR, verdict INTEGER);

-- Verdicts that step 5 moves into `origin`.
CREATE TABLE new_default (origin BIGINT, verdict INTEGER, host_verdict INTEGER);

-- What a path must begin with to match a pattern: three characters of the text before the first
-- wildcard, without the backslash of an escape. If there are fewer, or the pattern is compared with
-- the path in lower case, any path may match.
CREATE OR REPLACE VIEW origin_prefixes AS
WITH path_start AS (
    SELECT
        origin,
        CASE WHEN compared <> 'lower' THEN left(
            regexp_replace(regexp_extract(pattern, '^(?:[^\\%_]|\\.)*'), '\\(.)', '\1', 'g'), 3
        ) ELSE '' END AS prefix,
        length(prefix) < 3 AS any_path
    FROM url_pattern
    UNION ALL
    SELECT origin, left(path, 3), false FROM page_verdict
    UNION ALL
    SELECT origin, '', true FROM per_path_origin
)

SELECT origin, bool_or(any_path) AS any_path, string_agg(DISTINCT prefix, '') AS prefixes
FROM path_start
GROUP BY origin;
