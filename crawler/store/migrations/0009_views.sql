-- What public views need beside the evidence: lines of agents, domains, and what is known of protocols.

-- The line of the document that names the agent of a statement. The column is filled when the evidence
-- is judged again.
ALTER TABLE statement ADD COLUMN agent_line INTEGER;

-- Registrable domains without the private suffixes, of those sites where it differs from the site.
CREATE TABLE site_domain (site TEXT PRIMARY KEY, domain TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- What this version knows of each protocol, in the order of every report; written by `judge`.
CREATE TABLE protocol_description (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    specification TEXT NOT NULL,
    carrier TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Personal data of parties are no longer in this file; see store/contacts.py.
ALTER TABLE party DROP COLUMN private;
