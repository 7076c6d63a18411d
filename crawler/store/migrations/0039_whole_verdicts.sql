-- Of the last origin that a very long flagging stored, verdicts of pages and of the host alone may
-- be missing, for which the default one was then taken. Origins whose default one `flag` stored are
-- evaluated again; what `judge` stored is whole.
DELETE FROM verdict
WHERE pattern_set = '' AND (agent <> '' OR rules NOT IN (SELECT label FROM ruleset WHERE chosen = 1));
DELETE FROM flag_cache;
