-- What `tdm-audit report` shows, as queries of the public views. Each begins with its name. `:dataset`,
-- `:purpose`, `:top`, `:sites` (all of the database) and `:unplanned` (resources that are no part of the
-- plan) are replaced by values, so that a query runs unchanged wherever it is pasted.
-- The order of the rows is whole, so that equal databases give equal reports.

-- name: bounds
SELECT purpose, unit, reserved_min, reserved_shown, reserved_max, unknown, total,
    1.0 * reserved_min / total AS share_min, 1.0 * reserved_shown / total AS share_shown,
    1.0 * reserved_max / total AS share_max, 1.0 * unknown / total AS share_unknown, rules
FROM dataset_bounds WHERE dataset = :dataset ORDER BY purpose, unit;

-- Only where a time in the past was chosen for the connection, which makes `history_as_of`.
-- name: bases
WITH told AS (
    SELECT coalesce(h.as_of_basis, 'never_asked') AS basis, 1 AS origins, d.rows AS rows
    FROM dataset_origin AS d JOIN origin AS o ON o.id = d.origin
    LEFT JOIN history_as_of AS h ON h.origin = o.url AND h.purpose = :purpose
        AND h.rules = (SELECT label FROM ruleset WHERE chosen = 1)
    WHERE d.dataset = :dataset
    UNION ALL
    SELECT 'never_asked', 0, unattributable FROM datasets WHERE dataset = :dataset
)
SELECT basis, sum(origins) AS origins, sum(rows) AS rows,
    1.0 * sum(rows) / (SELECT rows FROM datasets WHERE dataset = :dataset) AS share
FROM told GROUP BY basis ORDER BY basis;

-- name: decided
WITH amounts AS MATERIALIZED (
    SELECT protocol, tier, rows, weight, total_rows, total_weight FROM dataset_signals
    WHERE dataset = :dataset AND purpose = :purpose
)
SELECT * FROM (
    SELECT NULL AS protocol, tier, sum(rows) AS rows, sum(weight) AS weight,
        1.0 * sum(rows) / max(total_rows) AS share, sum(weight) / max(total_weight) AS weight_share
    FROM amounts WHERE tier IS NOT NULL GROUP BY tier
    UNION ALL
    SELECT protocol, NULL, sum(rows), sum(weight), 1.0 * sum(rows) / max(total_rows),
        sum(weight) / max(total_weight)
    FROM amounts WHERE protocol IS NOT NULL GROUP BY protocol
) ORDER BY tier, rows DESC, protocol;

-- name: states
SELECT purpose, state, origins, rows, weight, 1.0 * rows / total_rows AS share,
    weight / total_weight AS weight_share, total_rows, total_weight
FROM dataset_summary WHERE dataset = :dataset ORDER BY purpose, state;

-- name: readings
SELECT rules, purpose, state, rows, weight, 1.0 * rows / total_rows AS share,
    weight / total_weight AS weight_share, shown
FROM sensitivity WHERE dataset = :dataset AND purpose IN (:purpose, 'tdm')
ORDER BY rules, purpose, state;

-- name: coverage
WITH places AS MATERIALIZED (
    SELECT resource, sum(places) AS planned,
        sum(CASE WHEN presence = 'present' THEN places ELSE 0 END) AS present,
        sum(CASE WHEN presence = 'absent' THEN places ELSE 0 END) AS absent,
        sum(CASE WHEN presence = 'malformed' THEN places ELSE 0 END) AS malformed,
        sum(CASE WHEN presence = 'unseen' THEN places ELSE 0 END) AS unseen,
        min(first_at) AS first_at, max(last_at) AS last_at
    FROM coverage_summary GROUP BY resource
)
SELECT *, planned - unseen AS seen, 1.0 * (planned - unseen) / planned AS share FROM (
    SELECT * FROM places
    UNION ALL
    SELECT NULL, coalesce(sum(planned), 0), sum(present), sum(absent), sum(malformed),
        coalesce(sum(unseen), 0), min(first_at), max(last_at)
    FROM places WHERE resource NOT IN (:unplanned)
) ORDER BY resource IS NOT NULL, planned DESC, resource;

-- name: unseen
SELECT resource, outcome, status, places FROM (
    SELECT resource, last_outcome AS outcome, last_status AS status, count(*) AS places,
        row_number() OVER (
            PARTITION BY resource
            ORDER BY count(*) DESC, last_outcome, last_status
        ) AS nth
    FROM coverage WHERE presence = 'unseen' GROUP BY resource, last_outcome, last_status
) WHERE nth <= 3 ORDER BY resource, nth;

-- name: signals
SELECT protocol, title, tier, reserving_sites, reserving_origins,
    1.0 * reserving_sites / :sites AS share
FROM protocols WHERE reserving_sites > 0 ORDER BY reserving_sites DESC, protocol;

-- name: sites_in_all
SELECT count(*) AS sites FROM sites;

-- name: agents
SELECT s.agent, a.operator, count(DISTINCT s.site) AS sites,
    1.0 * count(DISTINCT s.site) / :sites AS share
FROM statements AS s LEFT JOIN agents AS a ON a.token = s.agent
WHERE s.protocol = 'robots_txt' AND s.purpose = :purpose AND s.stance = 'reserved'
    AND s.counts = 1 AND s.agent != '*'
GROUP BY s.agent, a.operator ORDER BY sites DESC, s.agent LIMIT 12;

-- name: leverage
WITH ranked AS (
    SELECT rank, site, rows, weight, partial_rows, share, cumulative_share, unit, total, unknown
    FROM leverage WHERE dataset = :dataset AND purpose = :purpose
), many AS (SELECT max(rank) AS n FROM ranked)
SELECT ranked.* FROM ranked, many
WHERE rank <= 30 OR rank IN (100, 300, 1000, 3000, 10000, 30000, 100000) OR rank = n
    OR rank % CASE WHEN n < 240 THEN 1 ELSE CAST((n - n % 120) / 120 AS INTEGER) END = 0
ORDER BY rank;

-- name: sites
SELECT site, origins, rows, weight, tdm, ai_train, genai_train, ai_input, search
FROM dataset_sites WHERE dataset = :dataset
ORDER BY coalesce(weight, rows) DESC, rows DESC, site LIMIT :top;

-- name: named
WITH share AS MATERIALIZED (SELECT * FROM named_share WHERE dataset = :dataset)
SELECT 'named' AS who, sites_named AS sites, 1.0 * sites_named / nullif(sites, 0) AS sites_share,
    rows_named AS rows, 1.0 * rows_named / nullif(rows, 0) AS rows_share,
    weight_named / nullif(weight, 0) AS weight_share
FROM share
UNION ALL
SELECT 'nobody', sites - sites_named, 1.0 * (sites - sites_named) / nullif(sites, 0),
    rows - rows_named, 1.0 * (rows - rows_named) / nullif(rows, 0),
    (weight - weight_named) / nullif(weight, 0)
FROM share;

-- name: conflicts
SELECT kind, purpose, count(DISTINCT origin) AS origins, min(origin) AS example
FROM conflicts GROUP BY kind, purpose ORDER BY origins DESC, kind, purpose LIMIT 12;

-- name: prose
SELECT location, kind, count(DISTINCT site) AS sites FROM candidates
WHERE strength = 'candidate' GROUP BY location, kind ORDER BY sites DESC, location, kind LIMIT 12;

-- name: dataset
SELECT path, digest, format, url_column, weight_column, rows, weight, origins, unattributable
FROM datasets WHERE dataset = :dataset;

-- name: datasets_in_all
SELECT count(*) AS datasets FROM datasets;

-- The newest run; of an audit in parts that of each part, added up. Each part counts its own runs, with its
-- number above their 32 lower bits. `runs` are those of the part with most.
-- name: runs
SELECT
    max(run - ((run >> 32) << 32)) AS run, min(started_at) AS started_at, max(ended_at) AS ended_at,
    CASE
        WHEN count(ended) < count(*) THEN NULL WHEN min(ended) = max(ended) THEN min(ended)
        WHEN count(CASE WHEN ended = 'stopped' THEN 1 END) > 0 THEN 'stopped' ELSE 'budget'
    END AS ended,
    iif(min(version) = max(version), '', min(version) || ' to ') || max(version) AS version,
    CASE count(DISTINCT user_agent)
        WHEN 1 THEN max(user_agent) WHEN 2 THEN min(user_agent) || ' and ' || max(user_agent)
        ELSE min(user_agent) || ', others and ' || max(user_agent)
    END AS user_agent,
    iif(min(suffix_list) = max(suffix_list), '', min(suffix_list) || ' to ') || max(suffix_list)
        AS suffix_list,
    iif(min(catalogue) = max(catalogue), '', min(catalogue) || ' to ') || max(catalogue)
        AS catalogue,
    sum(origins) AS origins, sum(observations) AS observations,
    (SELECT max(n) FROM (SELECT count(*) AS n FROM runs GROUP BY run >> 32)) AS runs,
    count(*) AS parts
FROM runs WHERE run IN (SELECT max(run) FROM runs GROUP BY run >> 32);
