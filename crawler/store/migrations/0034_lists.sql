-- Lists of URLs and lists of parties are evidence of what was asked, and of what others publish: final
-- once they are stored, and covered by manifests.

-- The observation that settled a URL; NULL if it was not asked. `erased` URLs are not asked.
ALTER TABLE requested_url ADD COLUMN observation INTEGER REFERENCES observation_row (id);
ALTER TABLE requested_url ADD COLUMN erased INTEGER NOT NULL DEFAULT 0 CHECK (erased IN (0, 1));
-- Of a group the columns are those of the row with the greatest time (sqlite.org/lang_select.html).
UPDATE requested_url SET observation = seen.id
FROM (
    SELECT id, origin, path, max(observed_at) AS observed_at FROM (
        SELECT o.id, o.origin, o.observed_at,
            substr(o.asked, 8 + instr(substr(o.asked, 9), '/')) AS path
        FROM observation_row AS o
        WHERE o.hop = 0 AND o.resource IN ('home', 'page', 'media')
            AND o.outcome <> 'local_failure'
            AND (
                o.outcome <> 'withheld'
                OR NOT EXISTS (
                    SELECT 1 FROM observation_row AS b
                    WHERE b.id = iif(o.note = '' AND o.base IS NOT NULL, o.base, o.id)
                        AND (
                            substr(b.note, 1, 14) = 'stopped after '
                            OR substr(b.note, 1, 16) = 'budget used up: '
                        )
                )
            )
    )
    GROUP BY origin, path
) AS seen
WHERE seen.origin = requested_url.origin AND seen.path = requested_url.path
    AND seen.observed_at = requested_url.asked_at;

-- As in 0026_request_lists.sql, with the observation.
DROP TRIGGER observation_settles;
CREATE TRIGGER observation_settles AFTER INSERT ON observation_row
WHEN NEW.hop = 0 AND NEW.resource IN ('home', 'page', 'media') AND NEW.outcome <> 'local_failure'
BEGIN
    UPDATE requested_url
    SET asked_at = NEW.observed_at, outcome = NEW.outcome, observation = NEW.id
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

-- Request lists that are stored whole: no other one gets their number. What is deleted stands in
-- `forgotten_list` first, with the command.
CREATE TABLE listed (list INTEGER PRIMARY KEY) STRICT;
INSERT INTO listed SELECT id FROM request_list;
CREATE TRIGGER listed_is_final BEFORE UPDATE ON listed
BEGIN SELECT raise(ABORT, 'request lists are final'); END;
CREATE TRIGGER listed_stays BEFORE DELETE ON listed
BEGIN SELECT raise(ABORT, 'request lists are final'); END;

CREATE TABLE forgotten_list (
    list INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    rows INTEGER NOT NULL,
    urls INTEGER NOT NULL,
    read_at TEXT NOT NULL,
    forgotten_at TEXT NOT NULL,
    command TEXT NOT NULL
) STRICT;
CREATE TRIGGER forgotten_list_is_final BEFORE UPDATE ON forgotten_list
BEGIN SELECT raise(ABORT, 'the log of removed lists is append-only'); END;
CREATE TRIGGER forgotten_list_stays BEFORE DELETE ON forgotten_list
BEGIN SELECT raise(ABORT, 'the log of removed lists is append-only'); END;

CREATE TRIGGER request_list_is_final BEFORE UPDATE ON request_list
WHEN EXISTS (SELECT 1 FROM listed WHERE list = OLD.id)
BEGIN SELECT raise(ABORT, 'request lists are final'); END;
CREATE TRIGGER request_list_is_new BEFORE INSERT ON request_list
WHEN EXISTS (SELECT 1 FROM listed WHERE list = NEW.id)
BEGIN SELECT raise(ABORT, 'request lists are final'); END;
CREATE TRIGGER request_list_stays BEFORE DELETE ON request_list
WHEN NOT EXISTS (SELECT 1 FROM forgotten_list WHERE list = OLD.id)
BEGIN SELECT raise(ABORT, 'request lists are final'); END;
CREATE TRIGGER requested_url_is_new BEFORE INSERT ON requested_url
WHEN EXISTS (SELECT 1 FROM listed WHERE list = NEW.list)
BEGIN SELECT raise(ABORT, 'request lists are final'); END;
CREATE TRIGGER requested_url_stays BEFORE DELETE ON requested_url
WHEN NOT EXISTS (SELECT 1 FROM forgotten_list WHERE list = OLD.list)
BEGIN SELECT raise(ABORT, 'request lists are final'); END;

-- Rows that are withheld may be of a request list, too. `list` and `n` name such a row.
CREATE TABLE withheld_row_before AS SELECT * FROM withheld_row;
DROP TABLE withheld_row;
CREATE TABLE withheld_row (
    id INTEGER PRIMARY KEY,
    redaction INTEGER NOT NULL REFERENCES redaction (id),
    observation INTEGER UNIQUE REFERENCES observation_row (id),
    origin INTEGER,
    dataset INTEGER,
    list INTEGER,
    n INTEGER,
    was TEXT NOT NULL CHECK (length(was) = 64),
    becomes TEXT CHECK (length(becomes) = 64),
    UNIQUE (dataset, origin, n),
    UNIQUE (list, n),
    CHECK ((observation IS NOT NULL) + (dataset IS NOT NULL) + (list IS NOT NULL) = 1)
) STRICT;
INSERT INTO withheld_row (id, redaction, observation, origin, dataset, n, was, becomes)
SELECT id, redaction, observation, origin, dataset, n, was, becomes FROM withheld_row_before;
DROP TABLE withheld_row_before;
CREATE TRIGGER withheld_row_is_final BEFORE UPDATE ON withheld_row
WHEN OLD.becomes IS NOT NULL OR NEW.becomes IS NULL OR NEW.id <> OLD.id OR NEW.was <> OLD.was
    OR NEW.redaction <> OLD.redaction OR NEW.observation IS NOT OLD.observation
    OR NEW.origin IS NOT OLD.origin OR NEW.dataset IS NOT OLD.dataset
    OR NEW.list IS NOT OLD.list OR NEW.n IS NOT OLD.n
BEGIN SELECT raise(ABORT, 'the log of what is withheld is append-only'); END;
CREATE TRIGGER withheld_row_stays BEFORE DELETE ON withheld_row
BEGIN SELECT raise(ABORT, 'the log of what is withheld is append-only'); END;

-- Of a URL in a list only what came of it changes; and when it is withheld its path goes, once.
CREATE TRIGGER requested_url_is_final BEFORE UPDATE OF origin, path, list, n, erased ON requested_url
WHEN EXISTS (SELECT 1 FROM listed WHERE list = OLD.list) AND (
    NEW.origin <> OLD.origin OR NEW.list <> OLD.list OR NEW.n <> OLD.n
    OR NEW.erased = 0 OR OLD.erased = 1
    OR NOT EXISTS (
        SELECT 1 FROM withheld_row WHERE list = OLD.list AND n = OLD.n AND becomes IS NULL
    )
)
BEGIN SELECT raise(ABORT, 'request lists are final'); END;

-- Lists of parties that are stored whole: nothing is added to them.
CREATE TABLE imported (list INTEGER PRIMARY KEY) STRICT;
INSERT INTO imported SELECT id FROM party_list;
CREATE TRIGGER imported_is_final BEFORE UPDATE ON imported
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
CREATE TRIGGER imported_stays BEFORE DELETE ON imported
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
CREATE TRIGGER party_list_is_new BEFORE INSERT ON party_list
WHEN EXISTS (SELECT 1 FROM imported WHERE list = NEW.id)
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
CREATE TRIGGER party_list_entry_is_new BEFORE INSERT ON party_list_entry
WHEN EXISTS (SELECT 1 FROM imported WHERE list = NEW.list)
BEGIN SELECT raise(ABORT, 'lists of parties are append-only'); END;
