-- Lists of URLs to request one by one (`crawl --ask`), by the digest of their files. `unusable` is JSON:
-- the rows without a usable URL, by reason.
CREATE TABLE request_list (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    url_column TEXT NOT NULL,
    column_given TEXT NOT NULL,
    rows INTEGER NOT NULL,
    unusable TEXT NOT NULL CHECK (json_valid(unusable)),
    read_at TEXT NOT NULL,
    UNIQUE (digest, column_given)
) STRICT;

-- The URLs of a list, each once, by origin and path as requested; `n` is their order in the files.
-- `asked_at` and `outcome` are those of the last attempt in evidence.
CREATE TABLE requested_url (
    origin INTEGER NOT NULL REFERENCES origin (id),
    path TEXT NOT NULL CHECK (path LIKE '/%'),
    list INTEGER NOT NULL REFERENCES request_list (id),
    n INTEGER NOT NULL,
    asked_at TEXT,
    outcome TEXT REFERENCES outcome (name),
    PRIMARY KEY (origin, path, list),
    CHECK ((asked_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

-- What settles a URL: an answer, a failure, or a robots.txt that withholds it. Not a request that was
-- withheld since its host had stopped or its budget was used up (`plan.history`, `plan.budget`).
-- The note of a repeated observation is empty where it is that of its base (0022_repeats.sql).
CREATE TRIGGER observation_settles AFTER INSERT ON observation_row
WHEN NEW.hop = 0 AND NEW.resource IN ('home', 'page', 'media') AND NEW.outcome <> 'local_failure'
BEGIN
    UPDATE requested_url SET asked_at = NEW.observed_at, outcome = NEW.outcome
    WHERE origin = NEW.origin
        AND path = substr(NEW.asked, 8 + instr(substr(NEW.asked, 9), '/'))
        AND coalesce(asked_at, '') < NEW.observed_at
        AND (
            NEW.outcome <> 'withheld'
            OR NOT EXISTS (
                SELECT 1 FROM observation_row AS o
                WHERE o.id = iif(NEW.note = '' AND NEW.base IS NOT NULL, NEW.base, NEW.id)
                    AND (
                        substr(o.note, 1, 14) = 'stopped after '
                        OR substr(o.note, 1, 16) = 'budget used up: '
                    )
            )
        );
END;
