-- Of the last origin that a very long flagging stored, verdicts of pages and of the host alone may
-- be missing, for which the default one was then taken. Of an origin that waited to be judged, what
-- was stored may have times that the next judging took away. So what `flag` stored is evaluated
-- again; what `judge` stored is whole.
DELETE FROM verdict
WHERE agent <> '' OR substr(pattern_set, 1, 1) BETWEEN '0' AND '9'
OR rules NOT IN (SELECT label FROM ruleset WHERE chosen = 1);
DELETE FROM flag_cache;
