-- The public views. Their names and columns are a promise; the tables that they read are private.
-- The comment above a view and behind each column is its description in the database
-- (table `description`) and in docs/reference/data.md. All views are replaced whenever this file has changed.
-- A view without a comment right above it is private.
-- DuckDB makes them as well (store/duckdb_views.py says what may stand here): GROUP BY is complete, and a
-- truth value is neither multiplied nor shown.

-- Observations, whole: those that are as an earlier one was have what they do not say from that. Each
-- value is looked up by itself, so that a query pays for the columns that it reads and no others.

CREATE VIEW observation AS
SELECT
    o.id, o.run, o.origin, o.resource, o.asked, o.hop,
    CASE WHEN o.base IS NULL OR o.url <> '' THEN o.url ELSE (SELECT b.url FROM observation_row AS b WHERE b.id = o.base) END AS url,
    o.outcome, o.status,
    CASE WHEN o.base IS NULL OR NOT json_valid(o.headers) THEN o.headers ELSE (
        SELECT substr(b.headers, 1, o.headers ->> 0) || (o.headers ->> 2)
            || substr(b.headers, length(b.headers) + 1 - (o.headers ->> 1))
        FROM observation_row AS b WHERE b.id = o.base
    ) END AS headers,
    CASE WHEN o.base IS NULL OR o.digest IS NOT NULL THEN o.digest ELSE (SELECT b.digest FROM observation_row AS b WHERE b.id = o.base) END AS digest,
    CASE WHEN o.base IS NULL OR o.stored IS NOT NULL THEN o.stored ELSE (SELECT b.stored FROM observation_row AS b WHERE b.id = o.base) END AS stored,
    o.size, o.truncated, o.observed_at, o.elapsed_ms,
    CASE WHEN o.base IS NULL OR o.address <> '' THEN o.address ELSE (SELECT b.address FROM observation_row AS b WHERE b.id = o.base) END AS address,
    CASE WHEN o.base IS NULL OR o.note <> '' THEN o.note ELSE (SELECT b.note FROM observation_row AS b WHERE b.id = o.base) END AS note,
    CASE WHEN o.base IS NULL OR o.tls_version <> '' THEN o.tls_version ELSE (SELECT b.tls_version FROM observation_row AS b WHERE b.id = o.base) END AS tls_version,
    CASE WHEN o.base IS NULL OR o.tls_certificate <> '' THEN o.tls_certificate ELSE (SELECT b.tls_certificate FROM observation_row AS b WHERE b.id = o.base) END AS tls_certificate,
    CASE WHEN o.base IS NULL OR o.tls_verified <> '' THEN o.tls_verified ELSE (SELECT b.tls_verified FROM observation_row AS b WHERE b.id = o.base) END AS tls_verified,
    o.confirms
FROM observation_row AS o;

-- Of the rows of all versions of datasets, those that count. `IN` is asked once, a join for each row.

CREATE VIEW dataset_origin AS
SELECT * FROM version_origin WHERE dataset IN (SELECT id FROM dataset WHERE counts);

CREATE VIEW dataset_reject AS
SELECT * FROM version_reject WHERE dataset IN (SELECT id FROM dataset WHERE counts);

-- What a dataset has, by the states of its origins: numbers of `state_set`, 0 for what was not judged. Few
-- states occur, so that origins are read once, and all else is counted by numbers.

CREATE VIEW held_sets AS
SELECT
    d.dataset AS dataset, coalesce(s.state_set, 0) AS state_set, count(*) AS origins,
    sum(d.rows) AS rows, sum(d.weight) AS weight
FROM dataset_origin AS d LEFT JOIN origin_summary AS s ON s.origin = d.origin
GROUP BY d.dataset, coalesce(s.state_set, 0);

-- The same of each site, and how many sites have which numbers, as JSON.

CREATE VIEW held_states AS
SELECT
    d.dataset AS dataset, origin.site AS site, coalesce(s.state_set, 0) AS state_set,
    count(*) AS origins, sum(d.rows) AS rows, sum(d.weight) AS weight
FROM dataset_origin AS d
JOIN origin ON origin.id = d.origin
LEFT JOIN origin_summary AS s ON s.origin = d.origin
GROUP BY d.dataset, origin.site, coalesce(s.state_set, 0);

CREATE VIEW held_mixtures AS
SELECT dataset AS dataset, sets AS sets, count(*) AS sites
FROM (
    SELECT dataset, site, json_group_array(state_set) AS sets FROM held_states
    GROUP BY dataset, site
)
GROUP BY dataset, sets;

-- The rule set that is shown; empty before anything was judged.

CREATE VIEW shown_rules AS
SELECT coalesce((SELECT label FROM ruleset WHERE chosen = 1), '') AS label;

-- What the numbers mean: number × rule set × purpose, with the state.

CREATE VIEW state_of_set AS
SELECT
    state_set.number AS state_set, state_set.rules AS rules, purpose.name AS purpose,
    substr(CASE purpose.name
        WHEN 'tdm' THEN state_set.tdm WHEN 'ai_train' THEN state_set.ai_train
        WHEN 'genai_train' THEN state_set.genai_train WHEN 'ai_input' THEN state_set.ai_input
        ELSE state_set.search END, 2) AS state
FROM state_set CROSS JOIN purpose;

-- Since when a finding reserves: the first of the looks that showed a reservation, without one in between
-- that showed none, and the last look before them. Both are times of 24 characters, one after the other.

CREATE VIEW reserved_since AS
SELECT
    steady.origin, part.rules, part.purpose, steady.valid_from AS since
FROM steady
JOIN conclusion_part AS part ON part.conclusion = steady.conclusion
WHERE part.state IN ('reserved', 'conditional', 'partial')
UNION ALL
SELECT
    phase.origin, phase.rules, phase.purpose,
    phase.valid_from || coalesce(phase.not_before, '')
FROM phase
WHERE phase.state IN ('reserved', 'conditional', 'partial')
AND phase.n = 1 + (
    SELECT coalesce(max(free.n), 0) FROM phase AS free
    WHERE free.origin = phase.origin AND free.rules = phase.rules AND free.purpose = phase.purpose
    AND free.state NOT IN ('reserved', 'conditional', 'partial')
);

-- A crawl: when, what for, with which versions and settings, and how it ended.
CREATE VIEW runs AS
SELECT
    run.id AS run,  -- number of the run
    run.started_at AS started_at,  -- UTC, milliseconds
    run.ended_at AS ended_at,  -- UTC; NULL while it runs or if it was killed
    run.ended AS ended,  -- finished, stopped (signal) or budget; NULL: unfinished, `crawl` continues it
    run.command AS command,  -- the command as given
    run.version AS version,  -- version of tdm-audit
    run.versions AS versions,  -- JSON: versions of Python and the libraries that matter
    run.settings AS settings,  -- JSON: the settings of the crawl
    run.user_agent AS user_agent,  -- how the client identified itself
    run.suffix_list AS suffix_list,  -- version of the public suffix list that groups hosts into sites
    run.catalogue AS catalogue,  -- version of the catalogue of agents
    coalesce(
        run_counts.origins, (SELECT count(*) FROM visit WHERE visit.run = run.id)
    ) AS origins,  -- origins visited whole
    coalesce(
        run_counts.observations,
        (SELECT count(*) FROM observation WHERE observation.run = run.id)
    ) AS observations,  -- attempts recorded, withheld ones included
    coalesce(run_counts.outcomes, (
        SELECT json_group_object(outcome, n) FROM (
            SELECT outcome, count(*) AS n FROM observation
            WHERE observation.run = run.id GROUP BY outcome ORDER BY outcome
        )
    )) AS outcomes  -- JSON: attempts by outcome
FROM run
LEFT JOIN run_counts ON run_counts.run = run.id;

-- A version of an ingested dataset, with the rows that name no origin that could be asked. Of the
-- versions of a name one counts: other views weigh by its rows alone, and show what it consists of.
CREATE VIEW datasets AS
SELECT
    dataset.id AS dataset,  -- number of the dataset in this version
    dataset.name AS name,  -- name that was given, else the path; its versions share it
    dataset.version AS version,  -- number of the version, from 1; another one whenever bytes or columns are others
    dataset.counts AS counts,  -- 1 for the version that counts, the one read last; 0 for older ones, which are history
    dataset.path AS path,  -- files as given
    dataset.digest AS digest,  -- SHA-256 of the file, or of the list of the files' digests
    (SELECT count(*) FROM dataset_file WHERE dataset_file.dataset = dataset.id) AS files,  -- number of files
    dataset.bytes AS bytes,  -- size of all files
    dataset.format AS format,  -- csv, tsv, jsonl, json, parquet, arrow, warc, cdx, tar or text
    dataset.url_column AS url_column,  -- column that was read as URL, as a path (meta.url, images[].url); of several each with its role
    nullif(dataset.column_choice, '') AS column_choice,  -- how it was chosen: given, by its name, or by its values; NULL: not stored
    nullif(dataset.weight_column, '') AS weight_column,  -- column that was added up as weight; NULL if none
    dataset.records AS records,  -- rows in the files
    dataset.rows AS rows,  -- their URLs: as many as rows, unless the column is in lists or there are several columns
    (SELECT sum(v.weight) FROM version_origin AS v WHERE v.dataset = dataset.id) AS weight,  -- weight of the rows that name an origin; NULL without a weight column
    (SELECT count(*) FROM version_origin AS v WHERE v.dataset = dataset.id) AS origins,  -- distinct origins
    (
        SELECT coalesce(sum(r.rows), 0) FROM version_reject AS r WHERE r.dataset = dataset.id
    ) AS unattributable,  -- rows without a usable URL
    (
        SELECT json_group_object(reason, json_object('rows', rows, 'example', example))
        FROM version_reject AS reject WHERE reject.dataset = dataset.id
    ) AS reasons,  -- JSON: those rows by reason, with an example
    (
        SELECT json_group_object(value ->> 0, value ->> 1) FROM json_each(dataset.facets)
    ) AS facets,  -- JSON: facets by which rows are counted in `dataset_facets`, and their columns
    dataset.collected_from AS collected_from,  -- first day, month or year of collection, as given or as a column says; NULL if not given
    dataset.collected_to AS collected_to,  -- last one, likewise
    nullif(dataset.upstream, '') AS upstream,  -- who collected the rows, as given; NULL if not given
    nullif(dataset.crawler, '') AS crawler,  -- product token of the crawler that collected them, as given; NULL if not given
    dataset.ingested_at AS ingested_at  -- UTC
FROM dataset;

-- Dataset × role, where the columns with URLs have roles (page, asset), in the version that counts.
CREATE VIEW dataset_roles AS
SELECT
    dataset_role.dataset AS dataset,  -- number of the dataset, in `datasets`
    dataset_role.role AS role,  -- role of the column
    dataset_role.position AS position,  -- place of the role among those given, from 1
    dataset_role.url_column AS url_column,  -- column that was read as URL
    dataset_role.rows AS rows,  -- URLs of the column, and rows in which it has none
    (
        SELECT count(*) FROM dataset_role_origin AS o
        WHERE o.dataset = dataset_role.dataset AND o.role = dataset_role.role
    ) AS origins,  -- distinct origins
    (
        SELECT coalesce(sum(r.rows), 0) FROM dataset_role_reject AS r
        WHERE r.dataset = dataset_role.dataset AND r.role = dataset_role.role
    ) AS unattributable,  -- of `rows`, those without a usable URL
    (
        SELECT json_group_object(r.reason, json_object('rows', r.rows, 'example', r.example))
        FROM dataset_role_reject AS r
        WHERE r.dataset = dataset_role.dataset AND r.role = dataset_role.role
    ) AS reasons,  -- JSON: those by reason, with an example
    dataset_role.other_hosts AS other_hosts  -- URLs on another host than the first role's in the same row: what is reserved at one place does not follow copies; NULL where the first role has lists
FROM dataset_role
WHERE dataset_role.dataset IN (SELECT id FROM dataset WHERE counts);

-- Dataset × role × purpose × state under the rule set chosen last.
CREATE VIEW role_summary AS
WITH
found AS (
    SELECT
        part.dataset, part.role, purpose.name AS purpose,
        coalesce(finding.state, 'unknown') AS state, count(*) AS origins, sum(part.rows) AS rows
    FROM dataset_role_origin AS part
    CROSS JOIN purpose
    LEFT JOIN finding
        ON finding.origin = part.origin AND finding.purpose = purpose.name
        AND finding.rules = (SELECT label FROM ruleset WHERE chosen = 1)
    WHERE part.dataset IN (SELECT id FROM dataset WHERE counts)
    GROUP BY part.dataset, part.role, purpose.name, coalesce(finding.state, 'unknown')
    UNION ALL
    SELECT r.dataset, r.role, purpose.name, 'unknown', 0, sum(r.rows)
    FROM dataset_role_reject AS r CROSS JOIN purpose
    WHERE r.dataset IN (SELECT id FROM dataset WHERE counts)
    GROUP BY r.dataset, r.role, purpose.name
)
SELECT
    found.dataset AS dataset,  -- number of the dataset, in `datasets`
    found.role AS role,  -- role of the column
    found.purpose AS purpose,  -- {purpose}
    found.state AS state,  -- {state}
    sum(found.origins) AS origins,  -- origins in that state
    sum(found.rows) AS rows,  -- URLs of the column from them; those that name no origin are among `unknown`
    round(1.0 * sum(found.rows) / dataset_role.rows, 6) AS share,  -- share of all URLs of the column
    dataset_role.rows AS total_rows,  -- all URLs of the column: the whole of `share`
    (SELECT label FROM ruleset WHERE chosen = 1) AS rules  -- rule set and version
FROM found
JOIN dataset_role ON dataset_role.dataset = found.dataset AND dataset_role.role = found.role
GROUP BY found.dataset, found.role, found.purpose, found.state, dataset_role.rows;

-- A version of a dataset whose rows were removed by `tdm-audit forget`. Evidence is never removed.
CREATE VIEW forgotten_datasets AS
SELECT
    forgotten.dataset AS dataset,  -- number that it had; no other dataset gets it
    forgotten.name AS name,  -- name of the dataset
    forgotten.version AS version,  -- number of the version
    forgotten.path AS path,  -- files as given
    forgotten.digest AS digest,  -- SHA-256, as in `datasets`
    forgotten.rows AS rows,  -- rows that it had
    forgotten.origins AS origins,  -- distinct origins that it had
    forgotten.ingested_at AS ingested_at,  -- UTC
    forgotten.forgotten_at AS forgotten_at,  -- UTC
    forgotten.command AS command  -- the command as given
FROM forgotten;

-- A list of URLs to request one by one (`tdm-audit crawl --ask`), and what came of them.
CREATE VIEW request_lists AS
SELECT
    request_list.id AS list,  -- number of the list
    request_list.path AS path,  -- files as given
    request_list.digest AS digest,  -- SHA-256 of the file, or of the list of the files' digests
    request_list.url_column AS url_column,  -- column that was read as URL, as in `datasets`
    request_list.rows AS rows,  -- rows in the files
    (
        SELECT coalesce(sum(CAST(value AS INTEGER)), 0) FROM json_each(request_list.unusable)
    ) AS unattributable,  -- rows without a usable URL
    request_list.unusable AS reasons,  -- JSON: those rows by reason
    coalesce(u.urls, 0) AS urls,  -- their URLs, each once
    coalesce(u.origins, 0) AS origins,  -- distinct origins
    coalesce(u.answered, 0) AS answered,  -- URLs whose last attempt was answered
    coalesce(u.withheld, 0) AS withheld,  -- URLs that were not requested, as by robots.txt; `request_outcomes` says why
    coalesce(u.failed, 0) AS failed,  -- URLs whose last attempt got no answer
    coalesce(u.waiting, 0) AS waiting,  -- URLs that were never asked
    coalesce(u.erased, 0) AS erased,  -- URLs that were erased before they were asked
    request_list.read_at AS read_at,  -- UTC
    u.first_asked_at AS first_asked_at,  -- UTC, of the last attempts the first; NULL if nothing was asked
    u.last_asked_at AS last_asked_at  -- UTC, of the last attempts the last
FROM request_list
LEFT JOIN (
    SELECT
        list, count(*) AS urls, count(DISTINCT origin) AS origins,
        count(*) FILTER (WHERE outcome IN ('responded', 'too_large')) AS answered,
        count(*) FILTER (WHERE outcome = 'withheld') AS withheld,
        count(*) FILTER (WHERE outcome NOT IN ('responded', 'too_large', 'withheld')) AS failed,
        count(*) FILTER (WHERE outcome IS NULL AND erased = 0) AS waiting,
        count(*) FILTER (WHERE outcome IS NULL AND erased = 1) AS erased,
        min(asked_at) AS first_asked_at, max(asked_at) AS last_asked_at
    FROM requested_url GROUP BY list
) AS u ON u.list = request_list.id;

-- List × URL: what was asked by which list, when, and what came of it.
CREATE VIEW requested_urls AS
SELECT
    u.list AS list,  -- number of the list, in `request_lists`
    u.n + 1 AS place,  -- place of the URL among the usable ones of the list, from 1
    origin.url AS origin,  -- key
    origin.url || u.path AS url,  -- URL as it is requested
    u.asked_at AS asked_at,  -- UTC, of the last attempt, by whichever list or crawl; NULL if it was never asked
    u.outcome AS outcome,  -- what became of it: {outcome}; NULL if it was never asked
    observation.status AS status,  -- HTTP status; NULL without an answer
    nullif(observation.note, '') AS note,  -- why it was withheld or failed; NULL if there is nothing to say
    u.observation AS observation,  -- key of the attempt, in `observations`
    u.erased AS erased  -- 1 if the path was erased by `tdm-audit redact`
FROM requested_url AS u
JOIN origin ON origin.id = u.origin
LEFT JOIN observation ON observation.id = u.observation;

-- List × outcome × reason: how many URLs of a list were answered, withheld, failed or are left, and why.
CREATE VIEW request_outcomes AS
SELECT
    list AS list,  -- number of the list, in `request_lists`
    outcome AS outcome,  -- {outcome}; NULL: never asked
    status AS status,  -- HTTP status; NULL without an answer
    note AS note,  -- why; NULL if there is nothing to say
    count(*) AS urls,  -- number of URLs
    count(DISTINCT origin) AS origins,  -- distinct origins
    min(url) AS example  -- one of the URLs
FROM requested_urls
GROUP BY list, outcome, status, note;

-- A request list that was removed by `tdm-audit forget`. What was observed is never removed.
CREATE VIEW forgotten_lists AS
SELECT
    forgotten_list.list AS list,  -- number that it had; no other list gets it
    forgotten_list.path AS path,  -- files as given
    forgotten_list.digest AS digest,  -- SHA-256, as in `request_lists`
    forgotten_list.rows AS rows,  -- rows that it had
    forgotten_list.urls AS urls,  -- URLs that it had
    forgotten_list.read_at AS read_at,  -- UTC
    forgotten_list.forgotten_at AS forgotten_at,  -- UTC
    forgotten_list.command AS command  -- the command as given
FROM forgotten_list;

-- What was erased by `tdm-audit redact`, and why. Digests, times, outcomes and statuses stay.
CREATE VIEW redactions AS
SELECT
    redaction.id AS redaction,  -- key
    redaction.reason AS reason,  -- the reason as given
    redaction.redacted_at AS redacted_at,  -- UTC
    (
        SELECT count(*) FROM withheld_body
        WHERE withheld_body.redaction = redaction.id AND size IS NOT NULL
    ) AS bodies,  -- bodies whose bytes were erased
    (
        SELECT count(*) FROM withheld_row
        WHERE withheld_row.redaction = redaction.id AND observation IS NOT NULL
    ) AS observations,  -- observations whose URLs and header fields were erased
    (
        SELECT count(*) FROM withheld_row
        WHERE withheld_row.redaction = redaction.id AND dataset IS NOT NULL
    ) AS samples,  -- sampled URLs of datasets that were erased
    (
        SELECT count(*) FROM withheld_row
        WHERE withheld_row.redaction = redaction.id AND list IS NOT NULL
    ) AS requested  -- URLs of request lists that were erased
FROM redaction;

-- What was erased by `tdm-audit prune` because it had not been seen for long. Policy files never are.
CREATE VIEW prunings AS
SELECT
    pruning.id AS pruning,  -- key
    pruning.what AS what,  -- page_bodies, contacts or media
    pruning.before AS before,  -- UTC; what was last seen before this time was erased
    pruning.items AS items,  -- bodies or contacts that were erased
    pruning.pruned_at AS pruned_at  -- UTC
FROM pruning;

-- Why nothing may be erased: while one hold is not released, `redact`, `prune` and `forget` refuse.
CREATE VIEW holds AS
SELECT
    hold.id AS hold,  -- number, for `tdm-audit hold release`
    hold.reason AS reason,  -- the reason as given
    hold.added_at AS added_at,  -- UTC
    hold_release.released_at AS released_at  -- UTC; NULL while it stands
FROM hold
LEFT JOIN hold_release ON hold_release.hold = hold.id;

-- Time stamps of manifests by authorities (RFC 3161); `tdm-audit verify --stamps` verifies them.
CREATE VIEW stamps AS
SELECT
    manifest.n AS manifest,  -- number of the manifest
    stamp.manifest AS digest,  -- SHA-256 of the manifest, which the token is about
    stamp.authority AS authority,  -- URL that was asked
    stamp.received_at AS received_at,  -- UTC, by the clock of this machine; the token has that of the authority
    hex(stamp.token) AS token  -- the token as received, hexadecimal DER
FROM stamp
JOIN manifest ON manifest.digest = stamp.manifest;

-- Bodies whose bytes are here.

CREATE VIEW kept_body AS
-- Of its length alone: `serve` refuses statements that read more of it.
SELECT digest FROM body WHERE length(content) > 0;

CREATE VIEW withheld_bytes AS
SELECT
    w.digest AS digest,
    coalesce(redaction.redacted_at, pruning.pruned_at) AS erased_at,
    coalesce(redaction.reason, 'pruned, ' || replace(pruning.what, '_', ' ')) AS erased_because
FROM withheld_body AS w
LEFT JOIN redaction ON redaction.id = w.redaction
LEFT JOIN pruning ON pruning.id = w.pruning
WHERE w.id = (SELECT max(id) FROM withheld_body WHERE withheld_body.digest = w.digest)
    -- What was pruned is stored again when it is sent again.
    AND NOT EXISTS (SELECT 1 FROM kept_body WHERE kept_body.digest = w.digest);

CREATE VIEW redacted_observation AS
SELECT
    withheld_row.observation AS observation,
    redaction.redacted_at AS erased_at,
    redaction.reason AS erased_because
FROM withheld_row
JOIN redaction ON redaction.id = withheld_row.redaction;

-- An origin's latest findings under the rule set chosen last: the table to open first.
CREATE VIEW reservations AS
SELECT
    origin.url AS origin,  -- scheme, host and port that were asked
    origin.host AS host,  -- host name as A-labels, or address
    origin.site AS site,  -- registrable domain, private suffixes included
    (SELECT coalesce(sum(rows), 0) FROM dataset_origin WHERE origin = origin.id) AS rows,  -- rows of all datasets that come from here
    (SELECT sum(weight) FROM dataset_origin WHERE origin = origin.id) AS weight,  -- weight of those rows; NULL without a weight column
    substr(states.tdm, 2) AS tdm,  -- state for any text and data mining
    substr(states.ai_train, 2) AS ai_train,  -- state for training any model
    substr(states.genai_train, 2) AS genai_train,  -- state for training generative models
    substr(states.ai_input, 2) AS ai_input,  -- state for use as input of a model (RAG, grounding)
    substr(states.search, 2) AS search,  -- state for building a search index
    (SELECT protocol FROM reading WHERE reading.id = headline.reading) AS basis,  -- protocol of the statement that decided the strongest finding
    coalesce(
        (
            SELECT tier FROM statement
            WHERE statement.reading = headline.reading AND statement.n = headline.n
        ), 4 + 0 * headline.candidate
    ) AS tier,  -- how explicit that statement is for Art. 4, 1 most to 4 least; prose is 4
    (
        SELECT nullif(policy, '') FROM statement
        WHERE statement.reading = headline.reading AND statement.n = headline.n
    ) AS policy_url,  -- policy or licence that it names, as written
    (
        SELECT max(conflict) FROM finding AS f WHERE f.origin = origin.id AND f.rules = headline.rules
    ) AS conflict,  -- 1 if statements of different protocols disagree; the stricter decides
    headline.complete AS complete,  -- 1 if everything planned was seen, and recently enough for the rule set
    headline.exceptions AS exceptions,  -- JSON: agents that the strongest finding does not cover: let in or permitted by name
    (
        SELECT max(malformed) FROM finding AS f WHERE f.origin = origin.id AND f.rules = headline.rules
    ) AS malformed,  -- 1 if a reservation was attempted that does not count, since only a lenient reading yields it
    (
        SELECT max(stale) FROM finding AS f WHERE f.origin = origin.id AND f.rules = headline.rules
    ) AS stale,  -- 1 if a finding rests on evidence that the last attempt could not renew
    (
        SELECT max(CASE WHEN EXISTS (
            SELECT 1 FROM observation_reading
            CROSS JOIN candidate ON candidate.reading = observation_reading.reading
            WHERE observation_reading.observation = answer.id AND candidate.strength = 'candidate'
        ) THEN 1 ELSE 0 END)
        FROM resource_evidence
        JOIN observation AS answer ON answer.id = resource_evidence.observation
        WHERE resource_evidence.origin = headline.origin
        AND resource_evidence.resource IN (
            'robots_txt', 'home', 'page', 'terms', 'ai_txt', 'trust_txt', 'llms_txt',
            'ai_txt_well_known'
        )
        AND answer.stored IS NOT NULL AND answer.status NOT IN (204, 404, 410)
        AND (answer.status BETWEEN 200 AND 299 OR answer.confirms IS NOT NULL)
    ) AS textual_candidate,  -- 1 if natural language was found that may reserve, in `candidates`; NULL: no text was read
    headline.observed_at AS observed_at,  -- UTC time of the evidence that decided, or of the newest evidence
    (
        SELECT looked_at FROM evaluated_visit WHERE evaluated_visit.origin = origin.id
    ) AS last_looked_at,  -- UTC time of the last attempt at the origin
    (
        SELECT nullif(outcome, '') FROM evaluated_visit WHERE evaluated_visit.origin = origin.id
    ) AS last_outcome,  -- why that attempt failed (timed_out, answered 403); responded if all was answered
    headline.rules AS rules  -- rule set and version
FROM origin  -- or SQLite would begin with the index of findings, which has five for each origin
CROSS JOIN origin_summary ON origin_summary.origin = origin.id
CROSS JOIN state_set AS states
    ON states.number = origin_summary.state_set
    AND states.rules = (SELECT label FROM ruleset WHERE chosen = 1)
CROSS JOIN finding AS headline
    ON headline.origin = origin.id AND headline.rules = states.rules AND headline.headline = 1;

-- Origin × purpose × rule set, with what decided.
CREATE VIEW findings AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    finding.purpose AS purpose,  -- {purpose}
    finding.rules AS rules,  -- rule set and version
    finding.state AS state,  -- {state}
    nullif(finding.detail, '') AS detail,  -- which part is reserved, who is excepted, what was not seen, what is malformed
    finding.exceptions AS exceptions,  -- JSON: agents that a state for everybody does not cover: let in or permitted by name
    finding.conflict AS conflict,  -- 1 if statements of different protocols disagree
    finding.complete AS complete,  -- 1 if everything planned was seen, and recently enough for the rule set
    finding.malformed AS malformed,  -- 1 if a reservation was attempted that does not count, since only a lenient reading yields it
    finding.stale AS stale,  -- 1 if it rests on evidence that the last attempt could not renew
    page_share.reserving AS pages_reserving,  -- of a state partial by pages: sampled pages and media files that reserve for themselves
    page_share.seen AS pages_seen,  -- of how many sampled ones that were seen; the home page is not counted
    page_share.low AS pages_share_min,  -- lower bound of the share of such pages, 0 to 1, at 95 % (Wilson)
    page_share.high AS pages_share_max,  -- upper bound of that share
    reading.protocol AS protocol,  -- protocol of the deciding statement, in `protocols`; NULL if nothing speaks
    coalesce(statement.rule, 'textual.' || candidate.kind) AS rule,  -- dotted name of the rule that read it
    coalesce(statement.tier, 4 + 0 * finding.candidate) AS tier,  -- explicitness for Art. 4, 1 to 4; prose is 4
    finding.reading || '.' || finding.n AS statement,  -- key of the deciding statement in `statements`
    finding.reading || '.c' || finding.candidate AS candidate,  -- key in `candidates`, where a rule set lets prose decide
    finding.observation AS observation,  -- key of the response it stood in, in `observations`
    finding.observed_at AS observed_at,  -- UTC time of that response, or of the newest evidence
    finding.since AS since  -- UTC time of the first look that showed the same, without another content in between
FROM finding
JOIN origin ON origin.id = finding.origin
LEFT JOIN page_share ON page_share.origin = finding.origin AND page_share.rules = finding.rules
    AND page_share.purpose = finding.purpose
LEFT JOIN statement ON statement.reading = finding.reading AND statement.n = finding.n
LEFT JOIN candidate ON candidate.reading = finding.reading AND candidate.n = finding.candidate
LEFT JOIN reading ON reading.id = finding.reading;

-- One parsed signal in the current evidence, with its place.
CREATE VIEW statements AS
SELECT
    statement.reading || '.' || statement.n AS statement,  -- key of the statement
    origin.url AS origin,  -- scheme, host and port it was read from
    origin.site AS site,  -- registrable domain
    reading.protocol AS protocol,  -- protocol that read it, in `protocols`
    observation.resource AS resource,  -- kind of resource it was found in: {resource}
    observation.url AS url,  -- URL that answered
    statement.place AS place,  -- place in that resource
    statement.line AS line,  -- line, from 1; NULL where there are none
    statement.agent_line AS agent_line,  -- line that names the agent, from 1; NULL where none does
    statement.raw AS raw,  -- the text as written
    statement.agent AS agent,  -- product token addressed, * for everybody
    nullif(statement.path, '') AS path,  -- path pattern it is limited to; NULL: none
    nullif(statement.media, '') AS media,  -- file extension it is limited to; NULL: none
    statement.purpose AS purpose,  -- {purpose}; NULL for a refusal of access
    nullif(statement.use, '') AS use,  -- part of the purpose it speaks of; NULL: all of it
    statement.stance AS stance,  -- {stance}
    statement.tier AS tier,  -- explicitness for Art. 4, 1 most to 4 least
    statement.declared_by AS declared_by,  -- where it was made, never who holds the rights: {declared_by}
    nullif(statement.policy, '') AS policy,  -- policy or licence named, as written; NULL: none
    statement.reads AS reads,  -- reading that yields it: {reads}
    statement.counts AS counts,  -- 1 if it takes part in findings, 0 if it is only shown
    statement.rule AS rule,  -- dotted name of the rule that read it
    statement.clause AS clause,  -- clause of the specification
    observation.stored AS stored,  -- SHA-256 of the bytes kept, which `tdm-audit explain --body` prints
    observation.observed_at AS observed_at,  -- UTC
    observation.id AS observation  -- key in `observations`
FROM observation_reading
JOIN observation ON observation.id = observation_reading.observation
JOIN origin ON origin.id = observation.origin
JOIN reading ON reading.id = observation_reading.reading
JOIN statement ON statement.reading = reading.id;

-- Text that breaks its grammar, or that different parsers read differently.
CREATE VIEW issues AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    reading.protocol AS protocol,  -- protocol that read it
    issue.code AS code,  -- dotted code; internal.crash is a fault of this program
    issue.line AS line,  -- line, from 1; NULL where there are none
    nullif(issue.excerpt, '') AS excerpt,  -- the text, or what was wrong with it
    observation.url AS url,  -- URL that answered
    observation.observed_at AS observed_at,  -- UTC
    observation.id AS observation  -- key in `observations`
FROM observation_reading
JOIN observation ON observation.id = observation_reading.observation
JOIN origin ON origin.id = observation.origin
JOIN reading ON reading.id = observation_reading.reading
JOIN issue ON issue.reading = reading.id;

-- Passages of natural language in the current evidence; never statements: courts differ on their worth.
CREATE VIEW candidates AS
SELECT
    reading.id || '.c' || candidate.n AS candidate,  -- key of the passage
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    resource_evidence.resource AS resource,  -- what was asked for: {resource}
    observation.url AS url,  -- URL that answered
    candidate.strength AS strength,  -- candidate: may reserve; mention: only speaks of it
    candidate.kind AS kind,  -- reservation, anti_scraping, or template: a text that a service supplies
    candidate.location AS location,  -- robots_comment, page or legal_page
    candidate.language AS language,  -- language of the pattern, ISO 639-1
    candidate.pattern AS pattern,  -- entry of the list of patterns that matched
    candidate.line AS line,  -- line it begins on, from 1
    candidate.snippet AS snippet,  -- the passage as written, up to 300 characters
    reading.protocol AS protocol,  -- protocol that read it
    reading.version AS protocol_version,  -- version of the code and of the list of patterns
    reading.document AS document,  -- SHA-256 of the bytes it was read from: the body, or the extract of a page
    observation.digest AS digest,  -- SHA-256 of the body as received
    observation.stored AS stored,  -- SHA-256 of the bytes kept
    observation.observed_at AS observed_at,  -- UTC
    observation.id AS observation  -- key in `observations`
FROM candidate  -- the smallest table, so the joins begin there
CROSS JOIN reading ON reading.id = candidate.reading
CROSS JOIN observation_reading ON observation_reading.reading = candidate.reading
CROSS JOIN observation ON observation.id = observation_reading.observation
CROSS JOIN resource_evidence ON resource_evidence.origin = observation.origin AND resource_evidence.observation = observation.id
JOIN origin ON origin.id = resource_evidence.origin;

-- One attempt to fetch, or one that was withheld; never deleted, and changed by `tdm-audit redact` alone.
CREATE VIEW observations AS
SELECT
    observation.id AS observation,  -- key
    observation.run AS run,  -- run, in `runs`
    origin.url AS origin,  -- origin on whose behalf it was asked
    observation.resource AS resource,  -- {resource}
    observation.asked AS asked,  -- URL asked for first
    observation.hop AS hop,  -- redirects followed to get here
    observation.url AS url,  -- URL of this attempt
    observation.outcome AS outcome,  -- what came of it: {outcome}
    observation.status AS status,  -- HTTP status, where there was an answer
    observation.headers AS headers,  -- JSON: header lines in order, as [name, value]
    observation.digest AS digest,  -- SHA-256 of the body as received
    observation.stored AS stored,  -- SHA-256 of what was kept of it: the body, or a page's head extract
    observation.size AS size,  -- octets received after decompression; none for a 304
    observation.truncated AS truncated,  -- 1 if more would have come
    observation.observed_at AS observed_at,  -- UTC, milliseconds
    observation.elapsed_ms AS elapsed_ms,  -- milliseconds
    nullif(observation.address, '') AS address,  -- address connected to; NULL: none
    nullif(observation.note, '') AS note,  -- why, in a few words
    nullif(observation.tls_version, '') AS tls_version,  -- version of TLS; NULL for plain http
    nullif(observation.tls_certificate, '') AS tls_certificate,  -- SHA-256 of the server's certificate
    nullif(observation.tls_verified, '') AS tls_verified,  -- ok, or why the certificate did not verify; NULL for plain http
    observation.confirms AS confirms,  -- key of the earlier observation that a 304 confirms, whose body it refers to
    coalesce(redacted.erased_at, withheld_bytes.erased_at) AS erased_at,  -- UTC time at which what was kept of it was erased; NULL: it is there
    coalesce(redacted.erased_because, withheld_bytes.erased_because) AS erased_because,  -- why it was erased
    origin.key || ' ' || observation.resource || ' ' || observation.hop || ' '
        || observation.observed_at || ' ' || observation.asked AS natural_key  -- what it is known by in every database that has it: origin, resource, hop, time, URL asked for; exports have it in place of numbers
FROM observation
JOIN origin ON origin.id = observation.origin
LEFT JOIN redacted_observation AS redacted ON redacted.observation = observation.id
LEFT JOIN withheld_bytes ON withheld_bytes.digest = observation.stored;

CREATE VIEW never_visited AS
SELECT
    origin.url AS origin, origin.site AS site, failure.failed_at AS failed_at,
    nullif(failure.note, '') AS note
FROM local_failure AS failure
JOIN origin ON origin.id = failure.origin
WHERE failure.run = (SELECT max(run) FROM local_failure WHERE origin = failure.origin)
    AND NOT EXISTS (SELECT 1 FROM visit WHERE visit.origin = failure.origin);

-- Origin × planned resource: what is known of it, and what the last attempt brought. An origin that
-- could not be visited because of the machine that crawls has one row, with outcome local_failure; it
-- is due.
CREATE VIEW coverage AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    resource_evidence.resource AS resource,  -- planned resource: {resource}
    resource_evidence.path AS path,  -- path and query asked for
    resource_evidence.presence AS presence,  -- {presence}
    observation.outcome AS outcome,  -- outcome of the current evidence: {outcome}; local_failure also without any, by a fault of the machine that crawls
    observation.status AS status,  -- HTTP status of it
    observation.observed_at AS observed_at,  -- UTC time of it
    last.outcome AS last_outcome,  -- outcome of the last attempt
    last.status AS last_status,  -- HTTP status of the last attempt
    last.observed_at AS last_at,  -- UTC time of the last attempt
    nullif(last.note, '') AS note,  -- why, in a few words
    resource_evidence.since AS since,  -- UTC time of the first look that showed the same, without another content in between
    observation.id AS observation,  -- key of the current evidence, in `observations`; NULL without any
    coalesce(redacted.erased_at, withheld_bytes.erased_at) AS erased_at,  -- UTC time at which it was erased; NULL: it is there
    coalesce(redacted.erased_because, withheld_bytes.erased_because) AS erased_because  -- why it was erased
FROM resource_evidence
JOIN origin ON origin.id = resource_evidence.origin
JOIN observation ON observation.id = resource_evidence.observation
JOIN observation AS last ON last.id = resource_evidence.last
LEFT JOIN redacted_observation AS redacted ON redacted.observation = observation.id
LEFT JOIN withheld_bytes ON withheld_bytes.digest = observation.stored
UNION ALL
SELECT
    origin, site, 'robots_txt', '/robots.txt', 'unseen', 'local_failure', NULL, failed_at,
    'local_failure', NULL, failed_at, note, failed_at, NULL, NULL, NULL
FROM never_visited;

-- Resource × presence: how many planned places there are, of all origins. The places are in `coverage`.
CREATE VIEW coverage_summary AS
SELECT
    counted.resource AS resource,  -- planned resource: {resource}
    counted.presence AS presence,  -- {presence}
    sum(counted.places) AS places,  -- planned places with it
    min(counted.first_at) AS first_at,  -- UTC time of the oldest current evidence of origins with such a place
    max(counted.last_at) AS last_at  -- UTC time of the last attempt at one of them
FROM (
    SELECT
        part.resource, part.presence, part.places * looked.origins AS places, looked.first_at,
        looked.last_at
    FROM (
        SELECT
            s.place_set, count(*) AS origins, min(s.first_at) AS first_at,
            max(s.last_at) AS last_at
        FROM origin_summary AS s JOIN origin ON origin.id = s.origin GROUP BY s.place_set
    ) AS looked
    JOIN place_set AS part ON part.number = looked.place_set
    UNION ALL
    SELECT 'robots_txt', 'unseen', 1, failed_at, failed_at FROM never_visited
) AS counted
GROUP BY counted.resource, counted.presence;

-- Origin: how many of its planned places were seen. The places are in `coverage`.
CREATE VIEW coverage_by_origin AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    (
        SELECT coalesce(sum(part.places), 0) FROM place_set AS part
        WHERE part.number = s.place_set
    ) AS planned,  -- planned places
    (
        SELECT coalesce(sum(part.places), 0) FROM place_set AS part
        WHERE part.number = s.place_set AND part.presence <> 'unseen'
    ) AS seen,  -- those that were seen: they are present, absent or malformed
    (
        SELECT coalesce(sum(part.places), 0) FROM place_set AS part
        WHERE part.number = s.place_set AND part.resource = 'page'
            AND part.presence IN ('present', 'absent')
    ) AS pages_seen,  -- sampled pages that were seen; the home page is not counted
    s.first_at AS first_at,  -- UTC time of the oldest current evidence
    s.last_at AS last_at  -- UTC time of the last attempt
FROM origin_summary AS s
JOIN origin ON origin.id = s.origin
UNION ALL
SELECT origin, site, 1, 0, 0, failed_at, failed_at FROM never_visited;

-- Pairs of statements of different protocols that disagree; both stand, the stricter decides.
CREATE VIEW conflicts AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    disagreement.purpose AS purpose,  -- purpose they disagree about: {purpose}
    r1.protocol || ' / ' || r2.protocol AS kind,  -- protocol that reserves / protocol that permits
    s1.place AS reserving_place,  -- place of the statement that reserves
    s1.raw AS reserving,  -- its text
    s2.place AS permitting_place,  -- place of the statement that permits
    s2.raw AS permitting,  -- its text
    disagreement.reserving_reading || '.' || disagreement.reserving_n AS reserving_statement,  -- key in `statements`
    disagreement.permitting_reading || '.' || disagreement.permitting_n AS permitting_statement  -- key in `statements`
FROM disagreement
JOIN origin ON origin.id = disagreement.origin
JOIN reading AS r1 ON r1.id = disagreement.reserving_reading
JOIN statement AS s1
    ON s1.reading = disagreement.reserving_reading AND s1.n = disagreement.reserving_n
JOIN reading AS r2 ON r2.id = disagreement.permitting_reading
JOIN statement AS s2
    ON s2.reading = disagreement.permitting_reading AND s2.n = disagreement.permitting_n;

-- The strongest states among the origins of each site, and how many reserve which purpose.

CREATE VIEW states_of_site AS
SELECT
    origin.site, (SELECT label FROM ruleset WHERE chosen = 1) AS rules, count(*) AS origins,
    min(graded.tdm) AS tdm, min(graded.ai_train) AS ai_train,
    min(graded.genai_train) AS genai_train, min(graded.ai_input) AS ai_input,
    min(graded.search) AS search,
    count(CASE WHEN graded.tdm < '3' THEN 1 END) AS n1,
    count(CASE WHEN graded.ai_train < '3' THEN 1 END) AS n2,
    count(CASE WHEN graded.genai_train < '3' THEN 1 END) AS n3,
    count(CASE WHEN graded.ai_input < '3' THEN 1 END) AS n4,
    count(CASE WHEN graded.search < '3' THEN 1 END) AS n5
FROM origin
CROSS JOIN origin_summary AS s ON s.origin = origin.id
CROSS JOIN state_set AS graded
    ON graded.number = s.state_set
    AND graded.rules = (SELECT label FROM shown_rules)
GROUP BY origin.site;

-- Roll-up by registrable domain: the strongest state among its origins.
CREATE VIEW sites AS
WITH
-- DuckDB works this out once; a view that correlated subqueries refer to it works out again.
strongest AS (SELECT * FROM states_of_site)
SELECT
    strongest.site AS site,  -- registrable domain, private suffixes included
    strongest.origins AS origins,  -- origins of the datasets that belong to it
    (
        SELECT coalesce(sum(d.rows), 0) FROM origin AS o
        CROSS JOIN dataset_origin AS d ON d.origin = o.id WHERE o.site = strongest.site
    ) AS rows,  -- rows of all datasets that come from it
    (
        SELECT sum(d.weight) FROM origin AS o
        CROSS JOIN dataset_origin AS d ON d.origin = o.id WHERE o.site = strongest.site
    ) AS weight,  -- weight of those rows; NULL without a weight column
    substr(strongest.tdm, 2) AS tdm,  -- strongest state for any text and data mining ({state}); unknown if an origin is unknown and none is stronger than permitted
    substr(strongest.ai_train, 2) AS ai_train,  -- likewise for training any model
    substr(strongest.genai_train, 2) AS genai_train,  -- likewise for training generative models
    substr(strongest.ai_input, 2) AS ai_input,  -- likewise for input of a model
    substr(strongest.search, 2) AS search,  -- likewise for search
    CASE
        WHEN n1 >= n2 AND n1 >= n3 AND n1 >= n4 AND n1 >= n5 THEN n1
        WHEN n2 >= n3 AND n2 >= n4 AND n2 >= n5 THEN n2
        WHEN n3 >= n4 AND n3 >= n5 THEN n3
        WHEN n4 >= n5 THEN n4
        ELSE n5
    END AS origins_reserving,  -- most origins that reserve a purpose, wholly or in part
    strongest.rules AS rules  -- rule set and version
FROM strongest;

-- Dataset × purpose × state under the rule set chosen last: the whole vector of states.
CREATE VIEW dataset_summary AS
WITH
by_set AS MATERIALIZED (SELECT * FROM held_sets),
-- Sites whose origins have the same sets of states are counted together.
mixture AS MATERIALIZED (SELECT * FROM held_mixtures),
total AS MATERIALIZED (
    SELECT
        by_set.dataset, sum(by_set.origins) AS origins, sum(by_set.weight) AS weight,
        (SELECT sum(mixture.sites) FROM mixture WHERE mixture.dataset = by_set.dataset) AS sites
    FROM by_set GROUP BY by_set.dataset
),
counted AS (
    SELECT
        by_set.dataset, told.purpose, told.state, sum(by_set.origins) AS origins, 0 AS sites,
        sum(by_set.rows) AS rows, sum(by_set.weight) AS weight
    FROM by_set JOIN state_of_set AS told ON told.state_set = by_set.state_set
    WHERE told.rules = (SELECT label FROM shown_rules)
    GROUP BY by_set.dataset, told.purpose, told.state
    UNION ALL
    SELECT dataset, purpose, state, 0, sum(sites), 0, NULL
    FROM (
        SELECT DISTINCT mixture.dataset, mixture.sets, mixture.sites, told.purpose, told.state
        FROM mixture, json_each(mixture.sets) AS each
        JOIN state_of_set AS told ON told.state_set = CAST(each.value AS BIGINT)
        WHERE told.rules = (SELECT label FROM shown_rules)
    )
    GROUP BY dataset, purpose, state
    UNION ALL
    SELECT dataset, purpose.name, 'unknown', 0, 0, sum(rows), NULL
    FROM dataset_reject CROSS JOIN purpose GROUP BY dataset, purpose.name
)
SELECT
    counted.dataset AS dataset,  -- number of the dataset, in `datasets`
    counted.purpose AS purpose,  -- {purpose}
    counted.state AS state,  -- {state}
    sum(counted.origins) AS origins,  -- origins in that state
    sum(counted.sites) AS sites,  -- sites with an origin in that state
    sum(counted.rows) AS rows,  -- rows from them; rows that name no origin are among `unknown`
    sum(counted.weight) AS weight,  -- weight of those rows; NULL without a weight column
    round(1.0 * sum(counted.rows) / dataset.rows, 6) AS share,  -- share of all rows of the dataset
    round(sum(counted.weight) / total.weight, 6) AS weight_share,  -- share of the weight of all rows that name an origin
    round(1.0 * sum(counted.origins) / total.origins, 6) AS origin_share,  -- share of its origins
    round(1.0 * sum(counted.sites) / total.sites, 6) AS site_share,  -- share of its sites; a site can be in several states
    dataset.rows AS total_rows,  -- all rows of the dataset: the whole of `share`
    total.weight AS total_weight,  -- weight of all rows that name an origin: the whole of `weight_share`
    coalesce(total.origins, 0) AS total_origins,  -- all its origins: the whole of `origin_share`
    coalesce(total.sites, 0) AS total_sites,  -- all its sites: the whole of `site_share`
    (SELECT label FROM ruleset WHERE chosen = 1) AS rules  -- rule set and version
FROM counted
JOIN dataset ON dataset.id = counted.dataset
LEFT JOIN total ON total.dataset = counted.dataset
GROUP BY
    counted.dataset, counted.purpose, counted.state, dataset.rows, total.weight, total.origins,
    total.sites;

-- Dataset × purpose × unit: how much is reserved in the narrowest reading, in the one shown and in the widest,
-- and of how much. Of any evidence the three are in this order.
CREATE VIEW dataset_bounds AS
WITH
labels AS (
    SELECT
        (SELECT label FROM shown_rules) AS shown,
        (SELECT label FROM ruleset WHERE id = 'strict' ORDER BY version DESC LIMIT 1) AS strict,
        (SELECT label FROM ruleset WHERE id = 'inclusive' ORDER BY version DESC LIMIT 1)
            AS inclusive
),
by_set AS MATERIALIZED (SELECT * FROM held_sets),
-- Sites whose origins have the same sets of states are counted together.
mixture AS MATERIALIZED (SELECT * FROM held_mixtures),
-- What a set of states is in each reading.
marked AS (
    SELECT
        told.state_set, told.purpose,
        max(CASE WHEN told.rules = labels.strict
            AND told.state IN ('reserved', 'conditional') THEN 1 ELSE 0 END) AS wholly,
        max(CASE WHEN told.rules = labels.shown
            AND told.state IN ('reserved', 'conditional', 'partial') THEN 1 ELSE 0 END) AS shown,
        max(CASE WHEN told.rules = labels.shown AND told.state = 'unknown' THEN 1 ELSE 0 END)
            AS unknown
    FROM labels
    JOIN state_of_set AS told ON told.rules IN (labels.strict, labels.shown, labels.inclusive)
    WHERE told.state IN ('reserved', 'conditional', 'partial', 'unknown')
    GROUP BY told.state_set, told.purpose
),
-- An origin that one of the readings reserves or does not know is in the widest of them. In the
-- narrowest it is if `strict` reserves it wholly, and it is shown as reserved as well.
bounded AS MATERIALIZED (
    SELECT state_set, purpose, wholly * shown AS narrowest, shown, unknown
    FROM marked
),
of_sites AS MATERIALIZED (
    SELECT
        dataset, purpose, sum(sites * narrowest) AS sites_1, sum(sites * shown) AS sites_2,
        sum(sites) AS sites_3, sum(sites * unknown) AS sites_4
    FROM (
        SELECT
            mixture.dataset, mixture.sets, mixture.sites, bounded.purpose,
            max(bounded.narrowest) AS narrowest, max(bounded.shown) AS shown,
            max(bounded.unknown) AS unknown
        FROM mixture, json_each(mixture.sets) AS each
        JOIN bounded ON bounded.state_set = CAST(each.value AS BIGINT)
        GROUP BY mixture.dataset, mixture.sets, mixture.sites, bounded.purpose
    )
    GROUP BY dataset, purpose
),
summed AS MATERIALIZED (
    SELECT
        by_set.dataset, bounded.purpose,
        sum(by_set.rows * narrowest) AS rows_1, sum(by_set.rows * shown) AS rows_2,
        sum(by_set.rows) AS rows_3, sum(by_set.rows * unknown) AS rows_4,
        sum(CASE WHEN narrowest = 1 THEN by_set.weight ELSE 0.0 END) AS weight_1,
        sum(CASE WHEN shown = 1 THEN by_set.weight ELSE 0.0 END) AS weight_2,
        sum(by_set.weight) AS weight_3,
        sum(CASE WHEN unknown = 1 THEN by_set.weight ELSE 0.0 END) AS weight_4,
        sum(by_set.origins * narrowest) AS origins_1, sum(by_set.origins * shown) AS origins_2,
        sum(by_set.origins) AS origins_3, sum(by_set.origins * unknown) AS origins_4
    FROM by_set JOIN bounded ON bounded.state_set = by_set.state_set
    GROUP BY by_set.dataset, bounded.purpose
),
total AS MATERIALIZED (
    SELECT
        by_set.dataset, sum(by_set.origins) AS origins, sum(by_set.weight) AS weight,
        (SELECT sum(mixture.sites) FROM mixture WHERE mixture.dataset = by_set.dataset) AS sites
    FROM by_set GROUP BY by_set.dataset
),
whole AS MATERIALIZED (
    SELECT
        dataset.id AS dataset, dataset.rows, total.weight, coalesce(total.origins, 0) AS origins,
        coalesce(total.sites, 0) AS sites,
        (
            SELECT coalesce(sum(dataset_reject.rows), 0) FROM dataset_reject
            WHERE dataset_reject.dataset = dataset.id
        ) AS rejected
    FROM dataset LEFT JOIN total ON total.dataset = dataset.id
),
bounds AS (
    SELECT
        whole.dataset, purpose.name AS purpose, 'rows' AS unit, rows_1 AS narrowest, rows_2 AS shown,
        coalesce(rows_3, 0) + rejected AS widest, coalesce(rows_4, 0) + rejected AS unknown,
        rows AS total
    FROM whole
    CROSS JOIN purpose
    LEFT JOIN summed ON summed.dataset = whole.dataset AND summed.purpose = purpose.name
    UNION ALL
    SELECT
        whole.dataset, purpose.name, 'weight', coalesce(weight_1, 0.0), coalesce(weight_2, 0.0),
        coalesce(weight_3, 0.0), coalesce(weight_4, 0.0), weight
    FROM whole
    CROSS JOIN purpose
    LEFT JOIN summed ON summed.dataset = whole.dataset AND summed.purpose = purpose.name
    WHERE weight IS NOT NULL
    UNION ALL
    SELECT
        whole.dataset, purpose.name, 'origins', origins_1, origins_2, origins_3, origins_4, origins
    FROM whole
    CROSS JOIN purpose
    LEFT JOIN summed ON summed.dataset = whole.dataset AND summed.purpose = purpose.name
    UNION ALL
    SELECT whole.dataset, purpose.name, 'sites', sites_1, sites_2, sites_3, sites_4, sites
    FROM whole
    CROSS JOIN purpose
    LEFT JOIN of_sites ON of_sites.dataset = whole.dataset AND of_sites.purpose = purpose.name
)
SELECT
    bounds.dataset AS dataset,  -- number of the dataset, in `datasets`
    bounds.purpose AS purpose,  -- {purpose}
    bounds.unit AS unit,  -- rows, weight (with a weight column only), origins or sites
    coalesce(bounds.narrowest, 0) AS reserved_min,  -- narrowest: reserved wholly under `strict`, by signals that name mining or training, and reserved as shown
    coalesce(bounds.shown, 0) AS reserved_shown,  -- shown: reserved wholly, on terms or in part under the rule set chosen last
    coalesce(bounds.widest, 0) AS reserved_max,  -- widest: the same under `inclusive`, which counts refusals and prose, and all that is unknown
    coalesce(bounds.unknown, 0) AS unknown,  -- what is unknown as shown; a site is, if one of its origins is
    bounds.total AS total,  -- the whole: all rows, the weight of the rows that name an origin, all origins, or all sites
    round(1.0 * coalesce(bounds.narrowest, 0) / bounds.total, 6) AS share_min,  -- `reserved_min` of `total`
    round(1.0 * coalesce(bounds.shown, 0) / bounds.total, 6) AS share_shown,  -- `reserved_shown` of `total`
    round(1.0 * coalesce(bounds.widest, 0) / bounds.total, 6) AS share_max,  -- `reserved_max` of `total`
    round(1.0 * coalesce(bounds.unknown, 0) / bounds.total, 6) AS share_unknown,  -- `unknown` of `total`
    (SELECT label FROM ruleset WHERE chosen = 1) AS rules  -- rule set shown and its version
FROM bounds;

-- Dataset × site: what the dataset has from a site, and the strongest state among those of its origins
-- that the dataset names.
CREATE VIEW dataset_sites AS
WITH
strongest AS (
    SELECT
        held.dataset, held.site, sum(held.origins) AS origins, sum(held.rows) AS rows,
        sum(held.weight) AS weight,
        sum(CASE WHEN graded.tdm < '3' OR graded.ai_train < '3' OR graded.genai_train < '3'
            OR graded.ai_input < '3' OR graded.search < '3' THEN held.origins ELSE 0 END) AS reserving,
        min(graded.tdm) AS tdm, min(graded.ai_train) AS ai_train,
        min(graded.genai_train) AS genai_train, min(graded.ai_input) AS ai_input,
        min(graded.search) AS search
    FROM held_states AS held
    CROSS JOIN state_set AS graded
        ON graded.number = held.state_set
        AND graded.rules = (SELECT label FROM shown_rules)
    GROUP BY held.dataset, held.site
)
SELECT
    strongest.dataset AS dataset,  -- number of the dataset, in `datasets`
    strongest.site AS site,  -- registrable domain, private suffixes included (blog.github.io)
    coalesce(site_domain.domain, strongest.site) AS domain,  -- registrable domain under the suffixes of ICANN alone (github.io)
    strongest.origins AS origins,  -- its origins that the dataset names
    strongest.rows AS rows,  -- rows of the dataset from them
    strongest.weight AS weight,  -- weight of those rows; NULL without a weight column
    substr(strongest.tdm, 2) AS tdm,  -- strongest state for any text and data mining ({state}); unknown if an origin is unknown and none is stronger than permitted
    substr(strongest.ai_train, 2) AS ai_train,  -- likewise for training any model
    substr(strongest.genai_train, 2) AS genai_train,  -- likewise for training generative models
    substr(strongest.ai_input, 2) AS ai_input,  -- likewise for input of a model
    substr(strongest.search, 2) AS search,  -- likewise for search
    strongest.reserving AS origins_reserving,  -- those of the origins that reserve a purpose, wholly or in part
    (SELECT label FROM ruleset WHERE chosen = 1) AS rules  -- rule set and version
FROM strongest
LEFT JOIN site_domain ON site_domain.site = strongest.site;

-- Dataset × purpose × protocol × tier: of what is reserved under the rule set chosen last, how much each kind
-- of signal decided. An origin is in one line for each purpose.
CREATE VIEW dataset_signals AS
WITH
total AS MATERIALIZED (
    SELECT dataset, sum(weight) AS weight, sum(origins) AS origins
    FROM held_sets GROUP BY dataset
),
decided AS (
    SELECT
        d.dataset, finding.purpose, reading.protocol,
        coalesce(statement.tier, 4 + 0 * finding.candidate) AS tier,
        count(*) AS origins, sum(d.rows) AS rows, sum(d.weight) AS weight
    FROM purpose
    CROSS JOIN state ON state.name IN ('reserved', 'conditional', 'partial')
    CROSS JOIN finding
        ON finding.rules = (SELECT label FROM ruleset WHERE chosen = 1)
        AND finding.purpose = purpose.name AND finding.state = state.name
    CROSS JOIN dataset_origin AS d ON d.origin = finding.origin
    LEFT JOIN reading ON reading.id = finding.reading
    LEFT JOIN statement ON statement.reading = finding.reading AND statement.n = finding.n
    GROUP BY 1, 2, 3, 4
)
SELECT
    decided.dataset AS dataset,  -- number of the dataset, in `datasets`
    decided.purpose AS purpose,  -- {purpose}
    decided.protocol AS protocol,  -- protocol of the statements that decided, in `protocols`
    decided.tier AS tier,  -- how explicit they are for Art. 4, 1 most to 4 least; prose is 4
    decided.origins AS origins,  -- origins that they reserve wholly, on terms or in part
    decided.rows AS rows,  -- rows from those origins
    decided.weight AS weight,  -- weight of those rows; NULL without a weight column
    round(1.0 * decided.rows / dataset.rows, 6) AS share,  -- share of all rows of the dataset
    round(decided.weight / total.weight, 6) AS weight_share,  -- share of the weight of all rows that name an origin
    dataset.rows AS total_rows,  -- all rows of the dataset: the whole of `share`
    total.weight AS total_weight,  -- weight of all rows that name an origin: the whole of `weight_share`
    total.origins AS total_origins,  -- all origins of the dataset
    (SELECT label FROM ruleset WHERE chosen = 1) AS rules  -- rule set and version
FROM decided
JOIN dataset ON dataset.id = decided.dataset
JOIN total ON total.dataset = decided.dataset;

-- How much of a dataset the sites that reserve would take with them, the largest first. They reserve
-- in a state that the rule set chosen last counts as reserved; size is weight, or rows without one.
CREATE VIEW leverage AS
WITH
chosen AS (SELECT label, reserved_states FROM ruleset WHERE chosen = 1),
total AS (
    SELECT
        dataset.id AS dataset, iif(sum(d.weight) IS NULL, 'rows', 'weight') AS unit,
        coalesce(sum(d.weight), max(dataset.rows)) AS size
    FROM dataset LEFT JOIN dataset_origin AS d ON d.dataset = dataset.id GROUP BY dataset.id
),
-- Rows that name no origin are unknown, and have no weight.
unseen AS MATERIALIZED (
    SELECT dataset, purpose, sum(weight) AS weight, sum(rows) AS rows
    FROM (
        SELECT held.dataset, told.purpose, held.rows, held.weight
        FROM held_sets AS held CROSS JOIN state_of_set AS told ON told.state_set = held.state_set
        WHERE told.rules = (SELECT label FROM shown_rules) AND told.state = 'unknown'
        UNION ALL
        SELECT dataset, purpose.name, rows, NULL FROM dataset_reject CROSS JOIN purpose
    )
    GROUP BY dataset, purpose
),
reserving AS MATERIALIZED (
    SELECT state_set, purpose, state FROM state_of_set
    WHERE rules = (SELECT label FROM shown_rules)
    AND instr((SELECT reserved_states FROM chosen), '"' || state || '"') > 0
),
taken AS (
    SELECT
        held.dataset, told.purpose, held.site, sum(held.origins) AS origins, sum(held.rows) AS rows,
        sum(CASE WHEN told.state = 'partial' THEN held.rows ELSE 0 END) AS partial_rows,
        sum(held.weight) AS weight, coalesce(sum(held.weight), sum(held.rows)) AS size
    FROM held_states AS held
    CROSS JOIN reserving AS told ON told.state_set = held.state_set
    GROUP BY held.dataset, told.purpose, held.site
)
SELECT
    taken.dataset AS dataset,  -- number of the dataset, in `datasets`
    taken.purpose AS purpose,  -- {purpose}
    row_number() OVER larger AS rank,  -- 1 for the site that would take most
    taken.site AS site,  -- registrable domain, private suffixes included
    taken.origins AS origins,  -- origins of the site that reserve
    taken.rows AS rows,  -- rows of the dataset from those origins
    taken.partial_rows AS partial_rows,  -- of those, rows of origins that reserve some of their URLs only; `flag` tells which
    taken.weight AS weight,  -- weight of those rows; NULL without a weight column
    total.unit AS unit,  -- what the shares are of: weight, or rows without a weight column
    total.size AS total,  -- the whole in that unit
    CASE WHEN total.unit = 'rows' THEN coalesce(unseen.rows, 0) ELSE coalesce(unseen.weight, 0.0) END AS unknown,  -- what is unknown of the whole for this purpose; it is in no share
    round(1.0 * taken.size / total.size, 6) AS share,  -- share of the whole: of the weight of all rows that name an origin, or of all rows
    round(1.0 * sum(taken.size) OVER larger / total.size, 6) AS cumulative_share,  -- share of this site and all larger ones together
    (SELECT label FROM chosen) AS rules  -- rule set and version
FROM taken
JOIN total ON total.dataset = taken.dataset
LEFT JOIN unseen ON unseen.dataset = taken.dataset AND unseen.purpose = taken.purpose
WINDOW larger AS (
    PARTITION BY taken.dataset, taken.purpose ORDER BY taken.size DESC, taken.site
    ROWS UNBOUNDED PRECEDING
);

-- Dataset × purpose × state × rule set: how much depends on the reading. Of every rule set judged.
CREATE VIEW sensitivity AS
WITH
judged AS (
    SELECT label FROM ruleset
    WHERE EXISTS (SELECT 1 FROM finding WHERE finding.rules = ruleset.label)
),
by_set AS MATERIALIZED (SELECT * FROM held_sets),
total AS MATERIALIZED (
    SELECT dataset, sum(origins) AS origins, sum(rows) AS rows, sum(weight) AS weight
    FROM by_set GROUP BY dataset
),
found AS MATERIALIZED (
    SELECT
        by_set.dataset, part.purpose, part.rules, part.state,
        sum(by_set.origins) AS origins, sum(by_set.rows) AS rows, sum(by_set.weight) AS weight
    FROM by_set JOIN state_of_set AS part ON part.state_set = by_set.state_set
    GROUP BY by_set.dataset, part.rules, part.purpose, part.state
),
counted AS (
    SELECT dataset, purpose, rules, state, origins, rows, weight FROM found
    UNION ALL
    -- What is left was not judged under that rule set.
    SELECT
        total.dataset, purpose.name, judged.label, 'unknown',
        total.origins - coalesce(sum(found.origins), 0),
        total.rows - coalesce(sum(found.rows), 0),
        total.weight - coalesce(sum(found.weight), 0.0)
    FROM total
    CROSS JOIN purpose
    CROSS JOIN judged
    LEFT JOIN found
        ON found.dataset = total.dataset AND found.purpose = purpose.name
        AND found.rules = judged.label
    GROUP BY
        total.dataset, purpose.name, judged.label, total.origins, total.rows, total.weight
    HAVING total.origins > coalesce(sum(found.origins), 0)
    UNION ALL
    SELECT dataset, purpose.name, judged.label, 'unknown', 0, sum(rows), NULL
    FROM dataset_reject CROSS JOIN purpose CROSS JOIN judged
    GROUP BY dataset, purpose.name, judged.label
)
SELECT
    counted.dataset AS dataset,  -- number of the dataset, in `datasets`
    counted.purpose AS purpose,  -- {purpose}
    counted.state AS state,  -- state under that rule set: {state}
    counted.rules AS rules,  -- rule set and version
    sum(counted.origins) AS origins,  -- origins in that state
    sum(counted.rows) AS rows,  -- rows from them; rows that name no origin are among `unknown`
    sum(counted.weight) AS weight,  -- weight of those rows; NULL without a weight column
    round(1.0 * sum(counted.rows) / dataset.rows, 6) AS share,  -- share of all rows of the dataset
    round(sum(counted.weight) / total.weight, 6) AS weight_share,  -- share of the weight of all rows that name an origin
    dataset.rows AS total_rows,  -- all rows of the dataset: the whole of `share`
    total.weight AS total_weight,  -- weight of all rows that name an origin: the whole of `weight_share`
    CAST(counted.rules = (SELECT label FROM ruleset WHERE chosen = 1) AS INTEGER) AS shown  -- 1 for the rule set that the other views show
FROM counted
JOIN dataset ON dataset.id = counted.dataset
LEFT JOIN total ON total.dataset = counted.dataset
GROUP BY
    counted.dataset, counted.purpose, counted.state, counted.rules, dataset.rows, total.weight;

-- Dataset × facet value × purpose × state under the rule set chosen last: how the rows with a value
-- divide. Only for datasets that were read with `--facet`, in the version that counts.
CREATE VIEW dataset_facets AS
WITH
by_set AS MATERIALIZED (
    SELECT
        f.dataset, f.value, coalesce(s.state_set, 0) AS state_set, count(*) AS origins,
        sum(f.rows) AS rows, sum(f.weight) AS weight
    FROM facet_origin AS f LEFT JOIN origin_summary AS s ON s.origin = f.origin
    WHERE f.dataset IN (SELECT id FROM dataset WHERE counts)
    GROUP BY f.dataset, f.value, coalesce(s.state_set, 0)
),
counted AS (
    SELECT
        by_set.dataset, by_set.value, told.purpose, told.state, sum(by_set.origins) AS origins,
        sum(by_set.rows) AS rows, sum(by_set.weight) AS weight
    FROM by_set JOIN state_of_set AS told ON told.state_set = by_set.state_set
    WHERE told.rules = (SELECT label FROM shown_rules)
    GROUP BY by_set.dataset, by_set.value, told.purpose, told.state
),
attributed AS MATERIALIZED (
    SELECT dataset, value, sum(rows) AS rows, sum(weight) AS weight
    FROM by_set GROUP BY dataset, value
),
divided AS (
    SELECT * FROM counted
    UNION ALL
    SELECT
        t.dataset, t.value, purpose.name, 'unknown', 0, t.rows - coalesce(attributed.rows, 0), NULL
    FROM facet_total AS t
    CROSS JOIN purpose
    LEFT JOIN attributed ON attributed.dataset = t.dataset AND attributed.value = t.value
    WHERE t.rows > coalesce(attributed.rows, 0)
    AND t.dataset IN (SELECT id FROM dataset WHERE counts)
)
SELECT
    divided.dataset AS dataset,  -- number of the dataset, in `datasets`
    facet_value.facet AS facet,  -- facet, as named by `--facet`
    facet_value.value AS value,  -- value; empty for rows without one, `other` for the values beyond the 200 most frequent ones
    divided.purpose AS purpose,  -- purpose
    divided.state AS state,  -- state
    sum(divided.origins) AS origins,  -- origins in that state with rows of that value
    sum(divided.rows) AS rows,  -- rows of that value from them; rows that name no origin are among `unknown`
    sum(divided.weight) AS weight,  -- weight of those rows; NULL without a weight column
    round(1.0 * sum(divided.rows) / t.rows, 6) AS share,  -- share of all rows with that value
    round(sum(divided.weight) / attributed.weight, 6) AS weight_share,  -- share of the weight of all rows with that value that name an origin
    (SELECT label FROM ruleset WHERE chosen = 1) AS rules  -- rule set and version
FROM divided
JOIN facet_value ON facet_value.id = divided.value
JOIN facet_total AS t ON t.dataset = divided.dataset AND t.value = divided.value
LEFT JOIN attributed ON attributed.dataset = divided.dataset AND attributed.value = divided.value
GROUP BY
    divided.dataset, divided.value, divided.purpose, divided.state, facet_value.facet,
    facet_value.value, t.rows, attributed.weight;

-- Dataset × origin, for datasets read with `--crawler`: what the origin tells the crawler that collected
-- the rows, by the current evidence and the rule set chosen last. At that time it may have told it something else.
CREATE VIEW collector_answers AS
SELECT
    d.dataset AS dataset,  -- number of the dataset, in `datasets`
    dataset.crawler AS crawler,  -- product token of the crawler that collected its rows
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    d.rows AS rows,  -- rows of the dataset from the origin
    d.weight AS weight,  -- weight of those rows; NULL without a weight column
    coalesce(a.access, 'unknown') AS access,  -- refused: robots.txt would turn it away from everything; partly: from some paths; admitted; unknown
    coalesce(a.tdm, 'unknown') AS tdm,  -- state for any text and data mining, as this crawler is told
    coalesce(a.ai_train, 'unknown') AS ai_train,  -- likewise for training any model
    coalesce(a.genai_train, 'unknown') AS genai_train,  -- likewise for training generative models
    coalesce(a.ai_input, 'unknown') AS ai_input,  -- likewise for input of a model
    coalesce(a.search, 'unknown') AS search,  -- likewise for search
    a.observed_at AS observed_at  -- UTC time of the newest evidence of the origin; NULL if there is none
FROM dataset
CROSS JOIN dataset_origin AS d ON d.dataset = dataset.id
CROSS JOIN origin ON origin.id = d.origin
LEFT JOIN agent_answer AS a ON a.origin = d.origin AND a.agent = dataset.crawler
WHERE dataset.crawler != '';

-- Dataset × access, for datasets read with `--crawler`: would the crawler that collected the rows be
-- refused by robots.txt today, and from how many rows?
CREATE VIEW dataset_collection AS
SELECT
    answer.dataset AS dataset,  -- number of the dataset, in `datasets`
    answer.crawler AS crawler,  -- product token of the crawler that collected the rows
    nullif(dataset.upstream, '') AS upstream,  -- who collected them, as given; NULL if not given
    dataset.collected_from AS collected_from,  -- when they were collected, as in `datasets`
    dataset.collected_to AS collected_to,  -- likewise
    answer.access AS access,  -- refused: turned away from everything; partly: from some paths, so that some of the rows may be; admitted; unknown
    sum(answer.origins) AS origins,  -- origins that answer so
    sum(answer.rows) AS rows,  -- rows from them; rows that name no origin are among `unknown`
    sum(answer.weight) AS weight,  -- weight of those rows; NULL without a weight column
    round(1.0 * sum(answer.rows) / dataset.rows, 6) AS share,  -- share of all rows of the dataset
    min(answer.observed_at) AS oldest_observed_at,  -- UTC time of the oldest of the answers
    max(answer.observed_at) AS newest_observed_at  -- UTC time of the newest one
FROM (
    SELECT
        dataset, crawler, access, count(DISTINCT origin) AS origins, sum(rows) AS rows,
        sum(weight) AS weight, min(observed_at) AS observed_at
    FROM collector_answers GROUP BY dataset, crawler, access
    UNION ALL
    SELECT
        dataset, crawler, access, 0, 0, NULL, max(observed_at)
    FROM collector_answers GROUP BY dataset, crawler, access
    UNION ALL
    SELECT
        dataset_reject.dataset, min(dataset.crawler), 'unknown', 0, sum(dataset_reject.rows), NULL,
        NULL
    FROM dataset_reject JOIN dataset ON dataset.id = dataset_reject.dataset AND dataset.crawler != ''
    GROUP BY dataset_reject.dataset
) AS answer
JOIN dataset ON dataset.id = answer.dataset
GROUP BY
    answer.dataset, answer.access, answer.crawler, dataset.upstream, dataset.collected_from,
    dataset.collected_to, dataset.rows;

-- Origin × party that a current document of the origin names, or a list names for its domain, with its role; personal data are left out.
CREATE VIEW parties AS
WITH
named_party AS MATERIALIZED (
    SELECT
        party.*, observation.id AS observation, observation.url, observation.observed_at,
        observation.stored, reading.document, origin.url AS origin, origin.site,
        CASE WHEN origin.host LIKE 'www.%' THEN substr(origin.host, 5) ELSE origin.host END AS host
    FROM party
    CROSS JOIN reading ON reading.id = party.reading
    CROSS JOIN observation_reading ON observation_reading.reading = party.reading
    CROSS JOIN observation ON observation.id = observation_reading.observation
    CROSS JOIN resource_evidence
        ON resource_evidence.origin = observation.origin AND resource_evidence.observation = observation.id
    JOIN origin ON origin.id = resource_evidence.origin
),
claim AS MATERIALIZED (
    SELECT DISTINCT
        host, uid, CASE role WHEN 'controller' THEN 'controlled' ELSE 'controller' END AS answers
    FROM named_party WHERE role IN ('controller', 'controlled') AND uid != host
)
SELECT
    named_party.origin AS origin,  -- scheme, host and port of the origin whose document names it
    named_party.site AS site,  -- registrable domain of that origin
    named_party.role AS role,  -- {party_role}
    nullif(named_party.name, '') AS name,  -- name as the source gives it; NULL where none is given, and where it is that of a person or may be one
    nullif(named_party.name_key, '') AS compared_as,  -- that name without case, accents, punctuation and legal form
    nullif(named_party.uid, '') AS uid,  -- identifier, page or domain it is known by
    nullif(named_party.identifiers, '[]') AS identifiers,  -- JSON: identifiers of registers, such as lei:…, isni:…, wikidata:… or vat:…; NULL without one
    CASE WHEN claim.host IS NULL THEN named_party.confidence ELSE 'high' END AS confidence,  -- high: named for licences, or both sides say so; medium: named as holder; low: anything weaker
    named_party.source AS source,  -- what in the document names it
    nullif(named_party.place, '') AS place,  -- where in the document; NULL where it is not known
    nullif(coalesce(party_page.licence_page, named_party.licence_page), '') AS licence_page,  -- page of a licence
    nullif(coalesce(party_page.contact_page, named_party.contact_page), '') AS contact_page,  -- page to ask at
    nullif(named_party.mailbox, '') AS mailbox,  -- mailbox of an office; those of persons are left out
    nullif(named_party.duties, '') AS duties,  -- duties under which use is offered
    nullif(named_party.offers, '[]') AS offers,  -- JSON: terms of an offer ({offer}); NULL where none is known
    nullif(named_party.uses, '[]') AS uses,  -- JSON: purposes that it offers ({purpose}); NULL for all of them, or where none is known
    party_group.party_group AS party_group,  -- group that it belongs to, as in `rights_holders`; NULL for a role that names no holder
    named_party.url AS url,  -- URL of the document; of a list, its file
    named_party.document AS document,  -- SHA-256 of the bytes that were read: the body, the extract of a page or file, or the list
    named_party.stored AS stored,  -- SHA-256 of the bytes kept, which `tdm-audit explain --body` prints; NULL for a list
    named_party.observed_at AS observed_at,  -- UTC time of the answer; of a list, when it was imported
    named_party.observation AS observation  -- key in `observations`; NULL for a list
FROM named_party
LEFT JOIN party_page
    ON party_page.observation = named_party.observation AND party_page.reading = named_party.reading
    AND party_page.n = named_party.n
LEFT JOIN claim
    ON claim.host = named_party.uid AND claim.uid = named_party.host AND claim.answers = named_party.role
LEFT JOIN party_group
    ON party_group.site = named_party.site
    AND party_group.party = coalesce(nullif(named_party.name_key, ''), named_party.uid)
    AND named_party.role IN ('holder', 'publisher', 'offers_licence', 'controller')
UNION ALL
SELECT
    origin.url, origin.site, 'holder', nullif(entry.name, ''), nullif(entry.name_key, ''), NULL,
    nullif(entry.identifiers, '[]'), 'medium', 'list', 'row ' || entry.line, NULL, NULL, NULL, NULL, NULL, NULL,
    party_group.party_group, list.file, list.digest, NULL, list.imported_at, NULL
FROM party_list_entry AS entry
JOIN party_list AS list ON list.id = entry.list
JOIN origin ON origin.key IN (entry.domain, 'www.' || entry.domain) OR origin.site = entry.domain
LEFT JOIN party_group ON party_group.site = origin.site AND party_group.party = entry.name_key
WHERE entry.name != '' OR entry.identifiers != '[]';

-- Dataset: how many of its rows come from origins for which a source names a rights holder, and how
-- many of its sites have such an origin. The rest has no name.
CREATE VIEW named_share AS
WITH
-- Only those who are named as holders have a group.
named AS MATERIALIZED (
    SELECT DISTINCT origin.id AS origin
    FROM parties JOIN origin ON origin.url = parties.origin
    WHERE parties.party_group IS NOT NULL
),
counted AS MATERIALIZED (
    SELECT
        d.dataset, count(*) AS origins, count(DISTINCT origin.site) AS sites,
        sum(d.rows) AS rows, sum(d.weight) AS weight
    FROM named
    CROSS JOIN dataset_origin AS d ON d.origin = named.origin
    CROSS JOIN origin ON origin.id = d.origin
    GROUP BY d.dataset
),
total AS MATERIALIZED (
    SELECT dataset, sum(origins) AS origins, sum(weight) AS weight
    FROM held_sets GROUP BY dataset
),
in_sites AS MATERIALIZED (
    SELECT dataset, sum(sites) AS sites FROM held_mixtures GROUP BY dataset
)
SELECT
    dataset.id AS dataset,  -- number of the dataset, in `datasets`
    coalesce(total.origins, 0) AS origins,  -- origins of its rows
    coalesce(counted.origins, 0) AS origins_named,  -- origins for which a source names a rights holder
    dataset.rows AS rows,  -- all rows, also those that name no origin
    coalesce(counted.rows, 0) AS rows_named,  -- rows from the origins named
    round(1.0 * coalesce(counted.rows, 0) / nullif(dataset.rows, 0), 6) AS rows_share,  -- share of all rows for which a holder is named
    total.weight AS weight,  -- weight of the rows that name an origin; NULL without a weight column
    CASE WHEN total.weight IS NOT NULL THEN coalesce(counted.weight, 0.0) END AS weight_named,  -- weight of the rows named; likewise
    round(coalesce(counted.weight, 0) / nullif(total.weight, 0), 6) AS weight_share,  -- share of that weight for which a holder is named; likewise
    coalesce(in_sites.sites, 0) AS sites,  -- sites (registrable domains) of those origins
    coalesce(counted.sites, 0) AS sites_named,  -- sites with an origin for which a source names a rights holder
    round(1.0 * coalesce(counted.sites, 0) / nullif(in_sites.sites, 0), 6) AS sites_share  -- share of the sites; NULL without one
FROM dataset
LEFT JOIN total ON total.dataset = dataset.id
LEFT JOIN in_sites ON in_sites.dataset = dataset.id
LEFT JOIN counted ON counted.dataset = dataset.id
WHERE dataset.counts;

-- Groups of parties that a source names as rights holder, one row for each; and each site for which no
-- source names one (named = 0), with other contacts if there are any. Parties of two sites are one group
-- by an identifier or a name that is equal and that both sites, an authority or a list confirm; never by a
-- domain. What is equal and not confirmed has another row (grouped = 'low'), in addition to the rows of
-- its parts. Rows overlap, so add up `rows_once` and `weight_once`.
CREATE VIEW rights_holders AS
WITH
everybody AS MATERIALIZED (
    SELECT
        parties.site, parties.role, parties.confidence, parties.source, parties.url,
        parties.licence_page, parties.contact_page, parties.mailbox, parties.duties,
        parties.observed_at, parties.uid, parties.identifiers, parties.compared_as,
        origin.id AS origin_id, parties.party_group,
        coalesce(parties.name, parties.uid) AS holder, parties.name IS NOT NULL AS has_name,
        coalesce(parties.compared_as, parties.uid) AS party,
        parties.party_group IS NOT NULL AS named, 0 AS is_low
    FROM parties
    JOIN origin ON origin.url = parties.origin
),
-- Those who are named as holders, in their groups and again in the low groups that they are in.
grouped AS MATERIALIZED (
    SELECT
        e.site, e.role, e.confidence, e.source, e.url, e.licence_page, e.contact_page, e.mailbox,
        e.duties, e.observed_at, e.uid, e.identifiers, e.compared_as, e.origin_id,
        CASE WHEN kind.is_low = 0 THEN e.party_group ELSE low.low_group END AS party_group,
        e.holder, e.has_name, e.party, e.named, kind.is_low
    -- `everybody` stands here once: `serve` limits the calls of functions in a statement, with those of
    -- a view for each time that it is named.
    FROM everybody AS e
    CROSS JOIN (SELECT 0 AS is_low UNION ALL SELECT 1) AS kind
    LEFT JOIN party_low_group AS low
        ON kind.is_low = 1 AND low.site = e.site AND low.party = e.party
    WHERE e.named AND (kind.is_low = 0 OR low.low_group IS NOT NULL)
),
spoken_for AS MATERIALIZED (
    SELECT DISTINCT party_group, origin_id FROM grouped
),
-- The one group that the rows of an origin are counted for where several are named there.
counted_for AS MATERIALIZED (
    SELECT origin_id, party_group FROM (
        SELECT
            origin_id, party_group, row_number() OVER (
                PARTITION BY origin_id ORDER BY
                    CASE confidence WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
                    role, party_group
            ) AS n
        FROM everybody WHERE named
    ) WHERE n = 1
),
-- What a group is called: by the name that most of its rows have.
wordings AS (
    SELECT
        party_group, holder, compared_as, row_number() OVER (
            PARTITION BY party_group ORDER BY has_name DESC, count(*) DESC, holder
        ) AS n
    FROM grouped
    GROUP BY party_group, holder, has_name, compared_as
),
spellings AS (
    SELECT party_group, json_group_array(holder) AS names
    FROM (SELECT DISTINCT party_group, holder FROM grouped ORDER BY 1, 2)
    GROUP BY party_group
),
by_purpose AS (
    SELECT
        spoken_for.party_group, finding.purpose,
        CASE
            WHEN min(state.rank) > 3 AND max(state.rank) = 6 THEN 6 ELSE min(state.rank)
        END AS rank,
        min(CASE WHEN state.rank <= 2 THEN coalesce(steady.valid_from, (
            SELECT phase.valid_from || coalesce(phase.not_before, '') FROM phase
            WHERE phase.origin = finding.origin AND phase.rules = finding.rules
            AND phase.purpose = finding.purpose
            AND phase.n = 1 + (
                SELECT coalesce(max(free.n), 0) FROM phase AS free
                WHERE free.origin = phase.origin AND free.rules = phase.rules
                AND free.purpose = phase.purpose
                AND free.state NOT IN ('reserved', 'conditional', 'partial')
            )
        )) END) AS since
    FROM spoken_for
    CROSS JOIN finding
        ON finding.origin = spoken_for.origin_id
        AND finding.rules = (SELECT label FROM ruleset WHERE chosen = 1)
    CROSS JOIN state ON state.name = finding.state
    LEFT JOIN steady ON steady.origin = finding.origin
    GROUP BY spoken_for.party_group, finding.purpose
),
states AS (
    SELECT
        party_group, max(CASE purpose WHEN 'tdm' THEN state.name END) AS tdm,
        max(CASE purpose WHEN 'ai_train' THEN state.name END) AS ai_train,
        max(CASE purpose WHEN 'genai_train' THEN state.name END) AS genai_train,
        max(CASE purpose WHEN 'ai_input' THEN state.name END) AS ai_input,
        max(CASE purpose WHEN 'search' THEN state.name END) AS search,
        min(CASE WHEN purpose IN ('tdm', 'ai_train', 'genai_train') THEN since END) AS since
    FROM by_purpose JOIN state ON state.rank = by_purpose.rank
    GROUP BY party_group
),
places AS (
    SELECT
        party_group, json_group_array(url) AS origins, count(DISTINCT site) AS sites,
        sum(rows) AS rows, sum(weight) AS weight,
        sum(CASE WHEN is_counted THEN rows ELSE 0 END) AS rows_once,
        CASE WHEN sum(weight) IS NOT NULL
            THEN coalesce(sum(CASE WHEN is_counted THEN weight END), 0.0) END AS weight_once
    FROM (
        SELECT
            spoken_for.party_group, origin.url, origin.site,
            counted_for.party_group IS NOT NULL AS is_counted,
            (
                SELECT coalesce(sum(rows), 0) FROM dataset_origin
                WHERE dataset_origin.origin = origin.id
            ) AS rows,
            (
                SELECT sum(weight) FROM dataset_origin
                WHERE dataset_origin.origin = origin.id
            ) AS weight
        FROM spoken_for JOIN origin ON origin.id = spoken_for.origin_id
        LEFT JOIN counted_for
            ON counted_for.origin_id = spoken_for.origin_id
            AND counted_for.party_group = spoken_for.party_group
        ORDER BY spoken_for.party_group, origin.url
    )
    GROUP BY party_group
),
membership AS (
    SELECT
        party_group, json_group_array(json(member)) AS members,
        CASE max(CASE confidence WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 END)
            WHEN 1 THEN 'high' WHEN 2 THEN 'medium' WHEN 3 THEN 'low' END AS grouped
    FROM (
        SELECT
            member.party_group, member.confidence, json_object(
                'site', member.site, 'party', member.party, 'confidence', member.confidence,
                'link', member.link, 'sources', json(of_member.sources)
            ) AS member
        FROM (
            SELECT party_group, site, party, confidence, link FROM party_group
            UNION ALL
            SELECT low_group, site, party, 'low', link FROM party_low_group
        ) AS member
        JOIN (
            SELECT site, party, json_group_array(source) AS sources
            FROM (SELECT DISTINCT site, party, source FROM everybody WHERE named ORDER BY 1, 2, 3)
            GROUP BY site, party
        ) AS of_member
            ON of_member.site = member.site AND of_member.party = member.party
        ORDER BY member.party_group, member.site, member.party
    )
    GROUP BY party_group
),
parts AS (
    SELECT low_group AS party_group, json_group_array(party_group) AS parts
    FROM (SELECT DISTINCT low_group, party_group FROM party_low_group ORDER BY 1, 2)
    GROUP BY low_group
),
registered AS (
    SELECT party_group, json_group_array(identifier) AS identifiers
    FROM (
        SELECT DISTINCT grouped.party_group, each.value AS identifier
        FROM grouped, json_each(grouped.identifiers) AS each
        WHERE grouped.identifiers IS NOT NULL ORDER BY 1, 2
    )
    GROUP BY party_group
),
described AS MATERIALIZED (
    SELECT
        party_group, scope, named,
        group_concat(DISTINCT source /*! ORDER BY source, role */) AS source,
        group_concat(DISTINCT role /*! ORDER BY source, role */) AS role,
        min(CASE confidence WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END) AS confidence,
        min(url) AS source_url, min(uid) AS uid, min(licence_page) AS licence_page,
        min(contact_page) AS contact_page, min(mailbox) AS mailbox,
        min(duties) AS duties, min(observed_at) AS named_at
    FROM (
        SELECT
            party_group, CASE WHEN named THEN '' ELSE site END AS scope,
            named, source, role, CASE WHEN is_low = 1 THEN 'low' ELSE confidence END AS confidence,
            url, uid, licence_page, contact_page, mailbox, duties, observed_at
        FROM (
            SELECT * FROM grouped
            UNION ALL
            SELECT * FROM everybody WHERE NOT named AND role != 'controlled'
        )
        ORDER BY 1, 2, source, role
    )
    GROUP BY party_group, scope, named
),
-- Contacts of sites where no party is named; as TEXT, so that SQLite finds rows by site.
hint AS MATERIALIZED (
    SELECT CAST(scope AS TEXT) AS site, described.* FROM described WHERE NOT named
),
-- Of sites: since when they reserve (see `reserved_since`), their origins, and the rows from there.
begun AS MATERIALIZED (
    SELECT origin.site, min(r.since) AS since
    FROM origin
    CROSS JOIN reserved_since AS r
        ON r.origin = origin.id AND r.rules = (SELECT label FROM ruleset WHERE chosen = 1)
    WHERE r.purpose IN ('tdm', 'ai_train', 'genai_train')
    GROUP BY origin.site
),
of_site AS MATERIALIZED (
    SELECT site, json_group_array(url) AS origins
    FROM (SELECT site, url FROM origin ORDER BY site, url /*-*/)
    GROUP BY site
),
held_of_site AS MATERIALIZED (
    SELECT origin.site, sum(d.rows) AS rows, sum(d.weight) AS weight
    FROM dataset_origin AS d JOIN origin ON origin.id = d.origin
    GROUP BY origin.site
),
share AS MATERIALIZED (
    SELECT
        round(1.0 * coalesce(sum(CASE WHEN is_named THEN rows END), 0) / nullif(
            (SELECT sum(rows) FROM dataset WHERE counts), 0
        ), 6) AS rows_share,
        round(coalesce(sum(CASE WHEN is_named THEN weight END), 0) / nullif(sum(weight), 0), 6)
            AS weight_share
    FROM (
        SELECT rows, weight, origin IN (SELECT origin_id FROM spoken_for) AS is_named
        FROM dataset_origin
    )
),
wording AS (
    SELECT 1 AS n, 'high' AS word UNION ALL SELECT 2, 'medium' UNION ALL SELECT 3, 'low'
)
SELECT
    wordings.holder AS holder,  -- name as the source gives it, else its identifier; the site where no party is named
    1 AS named,  -- 1 if a source names a party, 0 if only a site is known
    described.uid AS uid,  -- identifier, page or domain it is known by; the first in the alphabet if several
    described.source AS source,  -- sources that name it, as in `parties`; of a site, what else there is
    described.role AS role,  -- roles in which it is named, as in `parties`
    wording.word AS confidence,  -- of the most reliable source: high, medium or low; low for a low group; not verified
    described.source_url AS source_url,  -- URL of the source; the first in the alphabet if several
    described.licence_page AS licence_page,  -- page of a licence that is named with it; likewise
    described.contact_page AS contact_page,  -- page to ask at; likewise
    described.mailbox AS mailbox,  -- mailbox of an office; those of persons are left out
    described.duties AS duties,  -- duties under which use is offered
    described.party_group AS party_group,  -- key of the group, as in `parties`, or of the low group; NULL where no party is named
    spellings.names AS names,  -- JSON: its names as written, else its identifiers; NULL where no party is named
    wordings.compared_as AS compared_as,  -- the name as it is compared
    registered.identifiers AS identifiers,  -- JSON: identifiers of registers that are named with it; NULL without one
    places.sites AS sites,  -- sites whose documents name it; 1 where no party is named
    membership.grouped AS grouped,  -- weakest link between its sites: high, medium or low; NULL for a group of one site. The parts of a low group have rows of their own
    parts.parts AS parts,  -- JSON: of a low group, the groups that may be one party; else NULL
    membership.members AS members,  -- JSON: for each of its sites the party as compared, the sources that name it, and the link to other sites with its confidence
    places.origins AS origins,  -- JSON: the origins whose documents name it, or that belong to the site
    places.rows AS rows,  -- rows of all datasets from there
    places.weight AS weight,  -- weight of those rows; NULL without a weight column
    places.rows_once AS rows_once,  -- rows to add up: those of the origins that no other row of this view counts here; 0 for a low group
    places.weight_once AS weight_once,  -- likewise their weight; NULL without a weight column
    states.tdm AS tdm,  -- strongest state for text and data mining among them; unknown if one is unknown and none is stronger than permitted
    states.ai_train AS ai_train,  -- likewise for training any model
    states.genai_train AS genai_train,  -- likewise for training generative models
    states.ai_input AS ai_input,  -- likewise for input of a model
    states.search AS search,  -- likewise for search
    substr(states.since, 1, 24) AS since,  -- UTC time of the first look that showed a reservation of mining or training that holds to this day, whatever its wording was; the earliest among the origins; NULL if nothing is reserved. It may have been made earlier
    nullif(substr(states.since, 25), '') AS not_before,  -- UTC time of the last look before that showed none; NULL: there was no earlier look, so it may be older than all of them
    described.named_at AS named_at,  -- UTC time of the oldest current evidence that names it
    share.rows_share AS named_rows_share,  -- share of the rows of all datasets for which any party is named; equal in all rows of this view
    share.weight_share AS named_weight_share  -- likewise of their weight; NULL without a weight column
FROM described
CROSS JOIN share
JOIN wordings ON wordings.party_group = described.party_group AND wordings.n = 1
JOIN spellings ON spellings.party_group = described.party_group
JOIN membership ON membership.party_group = described.party_group
JOIN wording ON wording.n = described.confidence
JOIN places ON places.party_group = described.party_group
LEFT JOIN parts ON parts.party_group = described.party_group
LEFT JOIN registered ON registered.party_group = described.party_group
LEFT JOIN states ON states.party_group = described.party_group
WHERE described.named
UNION ALL
SELECT
    strongest.site, 0, NULL, hint.source, hint.role,
    (SELECT word FROM wording WHERE n = hint.confidence),
    hint.source_url, hint.licence_page, hint.contact_page, hint.mailbox, NULL,
    NULL, NULL, NULL, NULL, 1, NULL, NULL, NULL,
    of_site.origins,
    coalesce(held.rows, 0), held.weight, coalesce(held.rows, 0), held.weight,
    substr(strongest.tdm, 2), substr(strongest.ai_train, 2), substr(strongest.genai_train, 2),
    substr(strongest.ai_input, 2), substr(strongest.search, 2),
    substr(begun.since, 1, 24), nullif(substr(begun.since, 25), ''),
    hint.named_at, share.rows_share, share.weight_share
FROM states_of_site AS strongest
CROSS JOIN share
JOIN of_site ON of_site.site = strongest.site
LEFT JOIN held_of_site AS held ON held.site = strongest.site
LEFT JOIN begun ON begun.site = strongest.site AND n1 + n2 + n3 + n4 + n5 > 0
LEFT JOIN hint ON hint.site = strongest.site
WHERE strongest.site NOT IN (SELECT site FROM everybody WHERE named);

-- Origin × address to ask at for a licence: whom, where and on which terms, as its documents say it.
CREATE VIEW how_to_license AS
WITH
-- Under the rule set chosen last: the policies that current statements name, resolved.
policies AS (
    SELECT
        origin, policy_url, min(basis) AS basis, min(observed_at) AS observed_at,
        json_group_array(purpose) AS uses
    FROM (
        SELECT
            origin, policy_url, purpose, min(basis) AS basis, min(observed_at) AS observed_at
        FROM verdict
        WHERE rules = (SELECT label FROM ruleset WHERE chosen = 1) AND agent = ''
        AND policy_url IS NOT NULL
        GROUP BY origin, policy_url, purpose
    )
    GROUP BY origin, policy_url
),
asked AS (
    SELECT
        origin.url AS origin, origin.site, 'policy' AS channel, policy_url AS address, NULL AS name,
        NULL AS party_group, NULL AS offers, NULL AS duties, uses, basis AS source,
        NULL AS role, 'high' AS confidence, NULL AS place, NULL AS url, observed_at
    FROM policies JOIN origin ON origin.id = policies.origin
    UNION ALL
    SELECT
        origin, site, 'policy', url, name, party_group, offers, duties, uses, source, role,
        confidence, place, url, observed_at
    FROM parties WHERE source = 'tdm_policy.assigner'
    UNION ALL
    SELECT
        origin, site,
        CASE source WHEN 'rsl.server' THEN 'rsl_server' WHEN 'rsl.custom' THEN 'custom_offer'
            ELSE 'licence_page' END,
        licence_page, name, party_group, offers, duties, uses, source, role, confidence, place, url,
        observed_at
    FROM parties WHERE licence_page IS NOT NULL
    UNION ALL
    SELECT
        origin, site, 'contact_page', contact_page, name, party_group, offers, duties, uses, source,
        role, confidence, place, url, observed_at
    FROM parties WHERE contact_page IS NOT NULL AND source NOT LIKE 'security_txt.%'
    UNION ALL
    SELECT
        origin, site, 'mailbox', mailbox, name, party_group, offers, duties, uses, source, role,
        confidence, place, url, observed_at
    FROM parties WHERE mailbox IS NOT NULL AND source NOT LIKE 'security_txt.%'
)
SELECT
    origin AS origin,  -- scheme, host and port
    site AS site,  -- registrable domain
    channel AS channel,  -- kind of address: policy, rsl_server, custom_offer, licence_page, contact_page or mailbox
    address AS address,  -- URL or mailbox to ask at
    name AS name,  -- party that is named with it, as written; NULL where none is
    party_group AS party_group,  -- its group, as in `rights_holders`
    offers AS offers,  -- JSON: terms that are offered ({offer}); NULL where none are known
    duties AS duties,  -- terms as the document writes them; NULL where it gives none
    uses AS uses,  -- JSON: purposes that are offered or that the policy is for ({purpose}); NULL for all of them, or where none is known
    source AS source,  -- what names the address: a source as in `parties`, or the protocol of the statement with the policy
    role AS role,  -- role of the party, as in `parties`; NULL for a statement
    confidence AS confidence,  -- high, medium or low, as in `parties`; not verified
    place AS place,  -- where in the document
    url AS url,  -- URL of the document; NULL for a statement, which `statements` has
    observed_at AS observed_at  -- UTC time of the answer
FROM asked;

-- Under the rule set chosen last: from a finding to its statement, its document and its response: any number back to bytes.
CREATE VIEW trail AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    finding.purpose AS purpose,  -- {purpose}
    finding.rules AS rules,  -- rule set and version
    finding.state AS state,  -- state of the finding: {state}
    reading.protocol AS protocol,  -- protocol of the deciding statement
    reading.version AS protocol_version,  -- version of the code that read it
    coalesce(statement.rule, 'textual.' || candidate.kind) AS rule,  -- dotted name of the rule
    coalesce(statement.clause, candidate.pattern) AS clause,  -- clause of the specification; of prose the pattern that found it
    coalesce(
        statement.place, replace(candidate.location, '_', ' ') || ' line ' || candidate.line
    ) AS place,  -- place in the document
    coalesce(statement.raw, candidate.snippet) AS raw,  -- the text as written
    reading.id || '.' || statement.n AS statement,  -- key in `statements`; NULL where prose decided
    observation.id AS observation,  -- key in `observations`
    observation.url AS url,  -- URL that answered
    observation.status AS status,  -- HTTP status
    observation.observed_at AS observed_at,  -- UTC
    nullif(observation.address, '') AS address,  -- address connected to; NULL: none
    observation.digest AS digest,  -- SHA-256 of the body as received
    observation.stored AS stored  -- SHA-256 of the bytes kept, which `tdm-audit explain --body` prints
FROM finding
JOIN origin ON origin.id = finding.origin
JOIN reading ON reading.id = finding.reading
LEFT JOIN statement ON statement.reading = finding.reading AND statement.n = finding.n
LEFT JOIN candidate ON candidate.reading = finding.reading AND candidate.n = finding.candidate
JOIN observation ON observation.id = finding.observation
WHERE finding.rules = (SELECT label FROM ruleset WHERE chosen = 1);

-- The catalogue of agents that robots.txt groups are compared with.
CREATE VIEW agents AS
SELECT
    agent.token AS token,  -- product token
    agent.operator AS operator,  -- who runs it
    agent.agent_class AS class,  -- what it is for: {agent_class}
    agent.note AS note,  -- in a sentence
    agent.source AS source,  -- where the operator says so
    agent.as_of AS as_of  -- day it was last compared with its source
FROM agent;

-- What an origin said over time: origin × purpose × rule set, one row for each phase of looks with the
-- same state and the same effect. A failed look is no event, and a file that was only rewritten is no
-- change. All looks are read by the code and the rules of today.
CREATE VIEW history AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    part.purpose AS purpose,  -- purpose
    part.rules AS rules,  -- rule set and version
    part.state AS state,  -- state in this phase; unknown only where nothing was known before
    part.effect AS effect,  -- digest of what the statements behind it say, without where and how it is written
    NULL AS not_before,  -- UTC time of the last look that showed something else; NULL: nothing else was known before
    steady.valid_from AS valid_from,  -- UTC time of the first look that showed this
    steady.valid_to AS valid_to,  -- UTC time of the last look that showed this
    NULL AS gone_by,  -- UTC time of the first look that showed something else; NULL: this is the last that is known
    steady.looks AS looks,  -- looks that showed this, each of a run
    steady.missed AS missed,  -- looks in between or since that failed, in part or altogether, and showed nothing else
    NULL AS observation_before,  -- observation of `not_before`, in `observations`
    steady.first AS first_observation,  -- observation of `valid_from`
    steady.last AS last_observation,  -- observation of `valid_to`
    NULL AS observation_after  -- observation of `gone_by`
FROM steady
JOIN conclusion_part AS part ON part.conclusion = steady.conclusion
JOIN origin ON origin.id = steady.origin
UNION ALL
SELECT
    origin.url,
    origin.site,
    phase.purpose,
    phase.rules,
    phase.state,
    phase.effect,
    phase.not_before,
    phase.valid_from,
    phase.valid_to,
    phase.gone_by,
    phase.looks,
    phase.missed,
    phase.before,
    phase.first,
    phase.last,
    phase.after
FROM phase JOIN origin ON origin.id = phase.origin;

-- What changed: each phase of `history` with the one before it. No change to unknown or from it is
-- listed, and a change of code or rules is no change.
CREATE VIEW changes AS
SELECT
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    (SELECT coalesce(sum(d.rows), 0) FROM dataset_origin AS d WHERE d.origin = origin.id) AS rows,  -- rows of all datasets that come from here
    (SELECT sum(d.weight) FROM dataset_origin AS d WHERE d.origin = origin.id) AS weight,  -- weight of those rows; NULL without a weight column
    later.purpose AS purpose,  -- purpose
    later.rules AS rules,  -- rule set and version
    CASE
        WHEN later.state = earlier.state THEN 'scope'
        WHEN instr(ruleset.reserved_states, '"' || later.state || '"') > 0
            AND instr(ruleset.reserved_states, '"' || earlier.state || '"') = 0 THEN 'began'
        WHEN instr(ruleset.reserved_states, '"' || later.state || '"') = 0
            AND instr(ruleset.reserved_states, '"' || earlier.state || '"') > 0 THEN 'stopped'
        WHEN became.rank < was.rank THEN 'stricter'
        ELSE 'looser'
    END AS kind,  -- began or stopped: to be in a state that the rule set counts as reserved; stricter, looser: another state; scope: the same state for other agents, paths or uses
    earlier.state AS was,  -- state before
    later.state AS became,  -- state since
    later.not_before AS last_seen,  -- UTC time of the last look that showed the state before
    later.valid_from AS first_seen,  -- UTC time of the first look that showed the state since: it changed in between
    (
        SELECT json_group_array(json(term.value)) FROM json_each(now_said.terms) AS term
        WHERE term.value NOT IN (SELECT value FROM json_each(then_said.terms))
    ) AS added,  -- JSON: what is said since, each as [protocol, stance, agent, path, media, policy, use]
    (
        SELECT json_group_array(json(term.value)) FROM json_each(then_said.terms) AS term
        WHERE term.value NOT IN (SELECT value FROM json_each(now_said.terms))
    ) AS removed,  -- JSON: what is no longer said, likewise
    (SELECT run FROM observation WHERE id = later.first) AS run,  -- run that saw it first, in `runs`
    later.first AS observation,  -- observation of `first_seen`, in `observations`
    later.before AS observation_before  -- observation of `last_seen`
FROM phase AS later
JOIN phase AS earlier
    ON earlier.origin = later.origin AND earlier.rules = later.rules
    AND earlier.purpose = later.purpose AND earlier.n = later.n - 1
JOIN origin ON origin.id = later.origin
JOIN ruleset ON ruleset.label = later.rules
JOIN state AS was ON was.name = earlier.state
JOIN state AS became ON became.name = later.state
JOIN effect AS now_said ON now_said.digest = later.effect
JOIN effect AS then_said ON then_said.digest = earlier.effect
WHERE later.before IS NOT NULL;

-- Judgings of the same evidence by other code or other rules than the judging before them.
CREATE VIEW judgings AS
SELECT
    judging.id AS judging,  -- number
    judging.at AS judged_at,  -- UTC
    judging.version AS version,  -- version of tdm-audit
    judging.protocols AS protocols,  -- JSON: version of each protocol
    judging.protocols_before AS protocols_before,  -- JSON: the same of the judging before
    judging.rules AS rules,  -- JSON: label and SHA-256 of the text of each rule set, by its id
    judging.rules_before AS rules_before,  -- JSON: the same of the judging before
    judging.origins AS origins,  -- origins that were compared: those without a visit between the two
    (SELECT count(DISTINCT flip.origin) FROM flip WHERE flip.judging = judging.id) AS flipped  -- origins with a state that differs
FROM judging;

-- States that differ although the evidence is the same: what reads or judges it was changed.
CREATE VIEW flips AS
SELECT
    flip.judging AS judging,  -- judging that gave the new state, in `judgings`
    judging.at AS judged_at,  -- UTC time of that judging
    origin.url AS origin,  -- scheme, host and port
    origin.site AS site,  -- registrable domain
    (SELECT coalesce(sum(d.rows), 0) FROM dataset_origin AS d WHERE d.origin = origin.id) AS rows,  -- rows of all datasets that come from here
    (SELECT sum(d.weight) FROM dataset_origin AS d WHERE d.origin = origin.id) AS weight,  -- weight of those rows; NULL without a weight column
    flip.rules AS rules,  -- id of the rule set, without its version
    flip.purpose AS purpose,  -- {purpose}
    flip.was AS was,  -- state before
    flip.became AS became,  -- state since
    flip.why AS why,  -- what was changed: protocol NAME 3>4, rules signals/1>2, both, or judge for other code
    observation.url AS url,  -- URL whose answer holds what decides, or decided before; NULL: nothing does
    flip.line AS line,  -- line there, from 1; NULL where there is none
    flip.observation AS observation  -- key of that response, in `observations`
FROM flip
JOIN judging ON judging.id = flip.judging
JOIN origin ON origin.id = flip.origin
LEFT JOIN observation ON observation.id = flip.observation;

-- The protocols that this version reads, and where they were found in the current evidence.
CREATE VIEW protocols AS
WITH
-- Equal documents share a reading, so that each is counted through once.
said AS MATERIALIZED (
    SELECT
        statement.reading, min(statement.tier) AS tier,
        max(statement.counts AND statement.stance IN ('reserved', 'conditional')) AS reserves
    FROM statement GROUP BY statement.reading
),
found AS MATERIALIZED (
    SELECT
        reading.protocol, min(said.tier) AS tier, count(DISTINCT origin.site) AS sites,
        count(DISTINCT origin.id) AS origins,
        count(DISTINCT iif(said.reserves, origin.site, NULL)) AS reserving_sites,
        count(DISTINCT iif(said.reserves, origin.id, NULL)) AS reserving_origins
    FROM said
    CROSS JOIN reading ON reading.id = said.reading
    CROSS JOIN observation_reading ON observation_reading.reading = said.reading
    CROSS JOIN observation ON observation.id = observation_reading.observation
    CROSS JOIN origin ON origin.id = observation.origin
    GROUP BY reading.protocol
)
SELECT
    protocol_description.name AS protocol,  -- name, as in the column `protocol` of other views; docs/reference/protocols has a page of it
    protocol_description.title AS title,  -- in words
    protocol_description.specification AS specification,  -- specification that is implemented, with its version where it has one
    protocol_description.version AS version,  -- version of the code that reads it
    protocol_description.carrier AS carrier,  -- part of a response that is read: body, headers, page, media or certificate (of the server)
    iif(protocol_description.carrier = 'media', 'file', 'location') AS attaches_to,  -- file: goes with a copy of the work; location: holds at its address only
    found.tier AS tier,  -- explicitness for Art. 4 of the most explicit statement found, 1 most to 4 least; NULL: none found
    coalesce(found.sites, 0) AS sites,  -- sites with a statement of it
    coalesce(found.origins, 0) AS origins,  -- origins with a statement of it
    coalesce(found.reserving_sites, 0) AS reserving_sites,  -- sites with a statement that counts and reserves, or offers terms
    coalesce(found.reserving_origins, 0) AS reserving_origins  -- origins with such a statement
FROM protocol_description
LEFT JOIN found ON found.protocol = protocol_description.name
ORDER BY protocol_description.position;
