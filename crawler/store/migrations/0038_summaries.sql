-- What questions about all origins read in place of every finding and every observation.

-- The states of an origin under every rule set. Equal ones have one number, made of their digest, and few
-- origins have states that no other has; 0 is for those that were not judged, with an
-- empty rule set as long as there is none. It is derived: written with
-- the findings. A digit stands before each state, so that the strongest is the least (`store.summaries`).
CREATE TABLE state_set (
    number INTEGER NOT NULL CHECK (number >= 0),
    rules TEXT NOT NULL,
    tdm TEXT NOT NULL,
    ai_train TEXT NOT NULL,
    genai_train TEXT NOT NULL,
    ai_input TEXT NOT NULL,
    search TEXT NOT NULL,
    PRIMARY KEY (number, rules)
) STRICT, WITHOUT ROWID;
-- What was seen of an origin, likewise: how many places of each resource are present, absent or unseen.
CREATE TABLE place_set (
    number INTEGER NOT NULL CHECK (number > 0),
    resource TEXT NOT NULL REFERENCES resource (name),
    presence TEXT NOT NULL REFERENCES presence (name),
    places INTEGER NOT NULL,
    PRIMARY KEY (number, resource, presence)
) STRICT, WITHOUT ROWID;
-- The times are those of the oldest current answer, and of the last attempt.
CREATE TABLE origin_summary (
    origin INTEGER PRIMARY KEY REFERENCES origin (id),
    state_set INTEGER NOT NULL,
    place_set INTEGER NOT NULL,
    first_at TEXT,
    last_at TEXT
) STRICT;

-- What a run that ended has in evidence: nothing is added to it any more. `outcomes` is JSON, as in view `runs`.
CREATE TABLE run_counts (
    run INTEGER PRIMARY KEY REFERENCES run (id),
    origins INTEGER NOT NULL,
    observations INTEGER NOT NULL,
    outcomes TEXT NOT NULL CHECK (json_valid(outcomes))
) STRICT;
