-- A stored verdict for the paths that match some patterns may be that of a page that was requested,
-- to which what other pages say does not apply. Verdicts that depend on patterns are made again.
DELETE FROM verdict WHERE substr(pattern_set, 1, 1) BETWEEN '0' AND '9';
DELETE FROM flag_cache;
