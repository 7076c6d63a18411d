-- What the database knows beforehand. `marks` are the first three characters of all paths that are
-- told apart, one after the other; `special`: all paths are, whatever they begin with. `ported`:
-- under another scheme the key would mean another origin. `ready`: its verdicts were worked out.
CREATE TABLE origin (
    key VARCHAR,
    origin BIGINT,
    verdict INTEGER,
    special BOOLEAN,
    marks VARCHAR,
    ported BOOLEAN,
    ready BOOLEAN
);

-- The shapes of an origin by their numbers; where there are too many, each path is its own.
CREATE TABLE shape (origin BIGINT, n INTEGER, compared VARCHAR, pattern VARCHAR);
CREATE TABLE too_many (origin BIGINT);

-- Verdicts that are not the usual ones, and (for a moment) usual ones that were worked out.
CREATE TABLE page (origin BIGINT, path VARCHAR, verdict INTEGER);
CREATE TABLE combination (origin BIGINT, what VARCHAR, verdict INTEGER);
CREATE TABLE usual (origin BIGINT, verdict INTEGER);
