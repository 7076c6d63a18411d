-- What a flagging had at its end, for the next one in the same way: tables of Arrow. `facts` is a
-- digest of the evidence, the rules, the agent, the purposes and the version of this tool.
CREATE TABLE prepared (
    facts TEXT NOT NULL,
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (facts, name)
) STRICT;
