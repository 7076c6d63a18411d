-- What the database knows beforehand. `special`: URLs of the origin are told apart. `gated`: only
-- that of its robots.txt is. `ported`: under another scheme the key would mean another origin.
-- `ready`: its verdicts were worked out.
CREATE TABLE origin (
    key VARCHAR,
    origin BIGINT,
    verdict INTEGER,
    special BOOLEAN,
    gated BOOLEAN,
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

-- As the database has it: what readings tell apart (JSON), whose readings they are, and origins with
-- their usual verdict, NULL where it is still to be worked out.
CREATE TABLE document (reading VARCHAR, shapes VARCHAR);
CREATE TABLE told_by (origin BIGINT, reading VARCHAR);
CREATE TABLE known (key VARCHAR, origin BIGINT, verdict INTEGER);
