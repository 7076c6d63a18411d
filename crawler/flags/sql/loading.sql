-- As the database has it: what readings tell apart (JSON), whose readings they are, and origins with
-- their usual verdict, NULL where it is still to be worked out.
CREATE TABLE document (reading VARCHAR, shapes VARCHAR);
CREATE TABLE told_by (origin BIGINT, reading VARCHAR);
CREATE TABLE known (key VARCHAR, origin BIGINT, verdict INTEGER);
