-- States at a time in the past, from the history that is stored. `as_of_instant` has the first and the
-- last moment that are meant (equal for a time), as times and as days since the beginning of time, and
-- the days that the last look may be away (NULL for any). SQLite and DuckDB both take this text, as views.sql.

-- The observations of looks that go on at the time that is meant, mostly none: what a look shows counts
-- from its first observation to its last (`evaluate.pieces`). Those of archives do not.
CREATE TEMP TABLE look_at_instant AS
SELECT o.id, look.begun, look.ended
FROM (
    SELECT o.origin, o.run, min(o.observed_at) AS begun, max(o.observed_at) AS ended
    FROM main.observation_row AS o
    WHERE o.run IN (
        SELECT id FROM main.run CROSS JOIN as_of_instant AS instant
        WHERE coalesce(run.settings ->> 'kind', '') <> 'import'
            AND run.started_at <= instant.covered AND coalesce(run.ended_at, '~') >= instant.first
    )
    GROUP BY o.origin, o.run
    HAVING min(o.observed_at) < max(o.observed_at)
) AS look
CROSS JOIN as_of_instant AS instant
CROSS JOIN main.observation_row AS o ON o.origin = look.origin AND o.run = look.run
WHERE look.begun <= instant.first AND look.ended > instant.first
    OR look.begun < instant.covered AND look.ended >= instant.covered
    OR look.begun <= instant.last AND look.ended > instant.last;
CREATE UNIQUE INDEX temp.look_at_instant_by_id ON look_at_instant (id);

-- Phases in which something was known. `lost`: when a free state was not vouched for any more. `begun` and
-- `ended` are of the look that showed a phase first, `confirmed_to` is when the last one ended.
CREATE TEMP VIEW known_phase AS
SELECT
    found.*,
    coalesce(first_look.begun, found.valid_from) AS begun,
    coalesce(first_look.ended, found.valid_from) AS ended,
    coalesce(last_look.ended, found.valid_to) AS confirmed_to,
    coalesce(lost_look.begun, found.lost) AS lost_begun,
    coalesce(lost_look.ended, found.lost) AS lost_ended
FROM (
    SELECT
        phase.origin, phase.rules, phase.purpose, phase.n, phase.state, phase.valid_from,
        phase.valid_to, phase.first, phase.last,
        phase.lost AS lost_by,
        (SELECT observed_at FROM main.observation_row WHERE id = phase.lost) AS lost
    FROM main.phase WHERE phase.state != 'unknown'
    UNION ALL
    SELECT
        steady.origin, part.rules, part.purpose, 1, part.state,
        steady.valid_from, steady.valid_to, steady.first, steady.last, NULL, NULL
    FROM main.steady
    JOIN main.conclusion_part AS part ON part.conclusion = steady.conclusion
    WHERE part.state != 'unknown'
) AS found
LEFT JOIN look_at_instant AS first_look ON first_look.id = found.first
LEFT JOIN look_at_instant AS last_look ON last_look.id = found.last
LEFT JOIN look_at_instant AS lost_look ON lost_look.id = found.lost_by;

-- For every origin that was looked at: the phase before, and those that may have begun meanwhile: all that
-- began in the day, and the first one behind it.
CREATE TEMP TABLE phase_before AS
-- Of each group the columns are those of the row with the greatest number (sqlite.org/lang_select.html).
SELECT
    origin, rules, purpose, max(n) AS n,
    /*! arg_max_null( */ state /*! , n) AS state */,
    /*! arg_max_null( */ valid_from /*! , n) AS valid_from */,
    /*! arg_max_null( */ valid_to /*! , n) AS valid_to */,
    /*! arg_max_null( */ confirmed_to /*! , n) AS confirmed_to */,
    /*! arg_max_null( */ lost_begun /*! , n) AS lost_begun */,
    /*! arg_max_null( */ lost_ended /*! , n) AS lost_ended */
FROM known_phase WHERE begun <= (SELECT first FROM as_of_instant)
GROUP BY origin, rules, purpose;
CREATE UNIQUE INDEX temp.phase_before_by_origin ON phase_before (origin, rules, purpose);

CREATE TEMP TABLE phase_after AS
WITH later AS (
    SELECT
        known_phase.*,
        CASE WHEN known_phase.ended <= instant.last THEN 1 ELSE 0 END AS is_within,
        -- What follows a phase that lasted beyond the day says nothing about the day.
        lag(
            CASE
                WHEN known_phase.ended <= instant.last
                    AND known_phase.confirmed_to < instant.covered THEN 1 ELSE 0
            END, 1, 1
        ) OVER (PARTITION BY origin, rules, purpose ORDER BY n) AS follows
    FROM known_phase
    JOIN as_of_instant AS instant ON known_phase.begun > instant.first
)
SELECT
    origin, rules, purpose, min(first_state) AS state, min(valid_from) AS valid_from,
    min(reserves) AS all_reserve, max(reserves) AS any_reserves,
    count(*) FILTER (WHERE state != first_state) AS others
FROM (
    SELECT
        later.*,
        CASE WHEN instr(ruleset.reserved_states, '"' || later.state || '"') > 0 THEN 1 ELSE 0 END
            AS reserves,
        first_value(later.state) OVER (
            PARTITION BY later.origin, later.rules, later.purpose ORDER BY later.n
        ) AS first_state
    FROM later
    JOIN main.ruleset ON ruleset.label = later.rules
    WHERE later.is_within = 1 OR later.follows = 1
) AS judged
GROUP BY origin, rules, purpose;
CREATE UNIQUE INDEX temp.phase_after_by_origin ON phase_after (origin, rules, purpose);

CREATE TEMP TABLE state_as_of AS
WITH evaluated AS (
    SELECT DISTINCT origin, rules, purpose FROM main.phase
    UNION ALL
    SELECT steady.origin, part.rules, part.purpose
    FROM main.steady
    JOIN main.conclusion_part AS part ON part.conclusion = steady.conclusion
),
based AS (
    SELECT
        evaluated.*, before.state AS state_before, before.valid_from, before.valid_to,
        after.state AS state_after, after.valid_from AS gone_by, after.others,
        CASE WHEN instr(ruleset.reserved_states, '"' || before.state || '"') > 0 THEN 1 ELSE 0 END
            AS reserves,
        after.all_reserve, after.any_reserves,
        CASE
            WHEN instant.day > julianday(before.valid_to)
                THEN instant.day - julianday(before.valid_to) ELSE 0.0
        END AS distance,
        CASE
            WHEN before.state IS NULL THEN 'unknown_at_collection'
            WHEN before.confirmed_to >= instant.covered THEN 'seen'
            WHEN after.state IS NOT NULL THEN 'changed_between'
            WHEN before.lost_begun <= instant.first OR before.lost_ended <= instant.last
                THEN 'unknown_at_collection'
            WHEN instant.day - julianday(before.valid_to) > instant.max_distance
                THEN 'unknown_at_collection'
            ELSE 'before_only'
        END AS basis
    FROM evaluated
    CROSS JOIN as_of_instant AS instant
    JOIN main.ruleset ON ruleset.label = evaluated.rules
    LEFT JOIN phase_before AS before USING (origin, rules, purpose)
    LEFT JOIN phase_after AS after USING (origin, rules, purpose)
)
SELECT
    origin, rules, purpose, basis, state_before, valid_from, valid_to, state_after, gone_by,
    CASE WHEN valid_to IS NOT NULL THEN round(distance, 4) END AS distance,
    CASE
        WHEN basis IN ('seen', 'before_only') THEN state_before
        WHEN basis = 'changed_between'
            AND (state_before = state_after AND others = 0 OR reserves = 1 AND all_reserve = 1)
            THEN state_before
        ELSE 'unknown'
    END AS state,
    CASE
        WHEN basis IN ('seen', 'before_only') THEN reserves
        WHEN basis = 'changed_between' AND reserves = 1 AND all_reserve = 1 THEN 1
        WHEN basis = 'changed_between' AND reserves = 0 AND any_reserves = 0 THEN 0
    END AS reserved
FROM based;
CREATE UNIQUE INDEX temp.state_as_of_by_origin ON state_as_of (origin, rules, purpose);

-- What hides the findings of today from the views that are made of states alone.
CREATE TEMP TABLE finding AS
SELECT
    origin, rules, purpose, state, 0 AS conflict,
    CASE WHEN state != 'unknown' THEN 1 ELSE 0 END AS complete,
    CASE
        WHEN row_number() OVER (
            PARTITION BY origin, rules ORDER BY state.rank, purpose.rank
        ) = 1 THEN 1 ELSE 0
    END AS headline,
    basis AS detail, '[]' AS exceptions, 0 AS malformed, 0 AS stale,
    CAST(NULL AS TEXT) AS reading, CAST(NULL AS INTEGER) AS n, CAST(NULL AS INTEGER) AS observation,
    CAST(NULL AS TEXT) AS observed_at, CAST(NULL AS TEXT) AS since,
    CAST(NULL AS INTEGER) AS candidate
FROM state_as_of
JOIN main.state ON state.name = state_as_of.state
JOIN main.purpose ON purpose.name = state_as_of.purpose;
CREATE UNIQUE INDEX temp.finding_by_origin ON finding (origin, rules, purpose);
CREATE INDEX temp.finding_as_of_by_state ON finding (rules, purpose, state, origin);

-- And the sets of these states, by the number of their first origin; see `store.summaries`.
CREATE TEMP TABLE graded_finding AS
SELECT
    finding.origin, finding.rules, finding.purpose,
    CASE WHEN state.rank = 6 THEN 4 WHEN state.rank > 3 THEN state.rank + 1 ELSE state.rank END
        || finding.state AS state
FROM finding JOIN main.state ON state.name = finding.state
ORDER BY finding.origin, finding.rules, finding.purpose;
CREATE TEMP TABLE origin_summary AS
SELECT
    told.origin, min(told.origin) OVER (PARTITION BY told.parts) AS state_set, today.place_set,
    today.first_at, today.last_at
FROM (
    SELECT
        origin,
        group_concat(rules || ' ' || purpose || ' ' || state, ';' /*! ORDER BY rules, purpose */)
            AS parts
    FROM graded_finding GROUP BY origin
) AS told
LEFT JOIN main.origin_summary AS today ON today.origin = told.origin;
CREATE UNIQUE INDEX temp.origin_summary_by_origin ON origin_summary (origin);
CREATE TEMP TABLE state_set AS
SELECT
    origin AS number, rules,
    max(CASE WHEN purpose = 'tdm' THEN state END) AS tdm,
    max(CASE WHEN purpose = 'ai_train' THEN state END) AS ai_train,
    max(CASE WHEN purpose = 'genai_train' THEN state END) AS genai_train,
    max(CASE WHEN purpose = 'ai_input' THEN state END) AS ai_input,
    max(CASE WHEN purpose = 'search' THEN state END) AS search
FROM graded_finding WHERE origin IN (SELECT state_set FROM origin_summary)
GROUP BY origin, rules
UNION ALL
SELECT number, rules, tdm, ai_train, genai_train, ai_input, search
FROM main.state_set WHERE number = 0;
CREATE UNIQUE INDEX temp.state_set_by_number ON state_set (number, rules);

CREATE TEMP VIEW history_as_of AS
SELECT
    origin.url AS origin, origin.site AS site, state_as_of.purpose AS purpose,
    state_as_of.rules AS rules,
    (SELECT named FROM as_of_instant) AS as_of,
    state_as_of.basis AS as_of_basis, state_as_of.state AS state, state_as_of.reserved AS reserved,
    state_as_of.state_before AS state_before, state_as_of.valid_from AS valid_from,
    state_as_of.valid_to AS valid_to, state_as_of.distance AS distance_days,
    state_as_of.state_after AS state_after, state_as_of.gone_by AS gone_by
FROM state_as_of JOIN origin ON origin.id = state_as_of.origin;
