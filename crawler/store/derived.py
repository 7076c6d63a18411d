"""Derived data as a whole: whether they are current, their rule sets, and how they are dropped.

Derived is what `findings_writer` writes: it can be rebuilt from the evidence at any time.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from crawler import rulesets
from crawler.protocols import PROTOCOLS
from crawler.rulesets import RuleSet
from crawler.store import flag_cache, summaries
from crawler.store.queryable import Queryable

# Keys of readings are digests, so inserting them touches pages all over the tables.
_CACHE_KB = 65_536
#: The tables of what is derived, without `reading` and those of code and rules.
TABLES = tuple(
    "agent_answer evaluated_visit verdict url_pattern disagreement page_share finding "
    "origin_summary state_set place_set resource_evidence observation_reading party_group "
    "party_low_group party_page party issue candidate statement "
    "phase steady conclusion_part effect run_counts".split()
)

# Made from other derived rows, and kept where those are as before (`party_groups`).
_GROUPS = frozenset(("party_group", "party_low_group"))


def is_outdated(db: sqlite3.Connection, chosen: RuleSet) -> bool:
    """Return whether other code or rules made the derived data, or another rule set is shown."""
    shown = db.execute("SELECT label FROM ruleset WHERE chosen = 1").fetchone()
    if shown is None or shown[0] != chosen.label:
        return True
    stored = dict(db.execute("SELECT label, text FROM ruleset"))
    if any(stored.get(rules.label) != rules.text for rules in rule_sets(db, chosen)):
        return True
    return not is_of_these_protocols(db)


def is_of_these_protocols(db: sqlite3.Connection) -> bool:
    """Return whether the protocols of this version, and no others, made the derived data."""
    made = set(db.execute("SELECT name, version FROM protocol"))
    return made == {(p.NAME, p.VERSION) for p in PROTOCOLS}


def is_empty(db: Queryable) -> bool:
    """Return whether nothing was ever evaluated in this database."""
    return not db.execute("SELECT EXISTS (SELECT 1 FROM ruleset)").fetchone()[0]


def rule_set(db: Queryable, given: str | None) -> RuleSet:
    """Return a rule set by package name, `.toml` file, or the id or label of a stored one.

    None is the rule set that the database shows, at first `signals`. Raise `RuleSetError`, also for
    a file whose label is stored with another text.
    """
    if given is None:
        return _shown(db)
    if given in rulesets.NAMES or rulesets.is_file(given):
        rules = rulesets.load(given)
        _refuse_another_text(db, rules)
        return rules
    own = _own(db)
    for rules in own:
        if given in (rules.id, rules.label):
            return rules
    raise rulesets.unknown(given, tuple(dict.fromkeys(rules.id for rules in own)))


def rule_sets(db: sqlite3.Connection, chosen: RuleSet) -> tuple[RuleSet, ...]:
    """Return all rule sets to evaluate: those of the package, and one version of each other.

    Of several versions it is the one that is chosen, else the highest.
    """
    by_id = {name: rulesets.load(name) for name in rulesets.NAMES}
    if not chosen.is_packaged:
        by_id[chosen.id] = chosen
    for rules in _own(db):
        by_id.setdefault(rules.id, rules)
    return tuple(by_id.values())


def _shown(db: Queryable) -> RuleSet:
    row = db.execute("SELECT id, label, text FROM ruleset WHERE chosen = 1").fetchone()
    if row is None:
        return rulesets.load(rulesets.DEFAULT)
    name, label, text = row
    return rulesets.load(name) if name in rulesets.NAMES else rulesets.parse(text, label)


def _own(db: Queryable) -> list[RuleSet]:
    """Return the stored rule sets that are not the package's, of each the highest version first."""
    rows = db.execute("SELECT id, label, text FROM ruleset ORDER BY id, version DESC")
    return [rulesets.parse(t, label) for name, label, t in rows if name not in rulesets.NAMES]


def _refuse_another_text(db: Queryable, rules: RuleSet) -> None:
    """Raise `RuleSetError` if the label is stored with another text."""
    # Results were published under the label; it must not come to mean other rules.
    row = db.execute("SELECT text FROM ruleset WHERE label = ?", (rules.label,)).fetchone()
    if row is not None and row[0] != rules.text and not rules.is_packaged:
        raise rulesets.RuleSetError(
            f"{rules.label} is in this database with another text; "
            f"raise version in the file to {rules.version + 1} or more"
        )


@contextmanager
def bulk_load_mode(db: sqlite3.Connection) -> Iterator[None]:
    """Rebuild with foreign keys off and a large page cache."""
    # One writer makes both sides of every reference. With foreign keys on, to delete a million
    # readings SQLite would look for each in every table that refers to readings.
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    try:
        yield
    finally:
        db.execute("PRAGMA foreign_keys = ON")


def drop_all_derived(db: sqlite3.Connection) -> tuple[str, ...]:
    """Delete all derived data in the caller's transaction, and drop the indexes on their tables.

    Return the SQL of those indexes, for `recreate_indexes`.
    """
    # To sort once at the end is cheaper than to find the place in an index for every row.
    flag_cache.clear(db)
    for table in (*TABLES, "reading", "protocol"):
        if table in _GROUPS:
            continue
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    found = db.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name IN (SELECT value FROM json_each(?))",
        (json.dumps(TABLES),),
    ).fetchall()
    for name, _ in found:
        db.execute(f"DROP INDEX {name}")
    return tuple(sql for _, sql in found)


def recreate_indexes(db: sqlite3.Connection, indexes: Iterable[str]) -> None:
    """Create the indexes that `drop_all_derived` dropped."""
    for sql in indexes:
        db.execute(sql)


# Rows that are derived and that a rebuild need not give: readings that nothing refers to any more,
# and verdicts that `flag` computed when they were needed.
_CURRENT_READINGS = "reading IN (SELECT reading FROM observation_reading)"
_COMPARED = {
    **dict.fromkeys(TABLES, "true"),
    **dict.fromkeys(("party", "issue", "candidate", "statement", "url_pattern"), _CURRENT_READINGS),
    "reading": "id IN (SELECT reading FROM observation_reading)",
    "state_set": "number IN (SELECT state_set FROM origin_summary UNION ALL SELECT 0)",
    "place_set": "number IN (SELECT place_set FROM origin_summary)",
    "conclusion_part": "conclusion IN (SELECT conclusion FROM steady)",
    "effect": "digest IN (SELECT effect FROM conclusion_part WHERE conclusion IN "
    "(SELECT conclusion FROM steady) UNION SELECT effect FROM phase)",
    "verdict": "agent = '' AND (pattern_set = '' OR pattern_set LIKE '=%') "
    "AND rules = (SELECT label FROM ruleset WHERE chosen = 1)",
    "ruleset": "true",
    "protocol": "true",
    "protocol_description": "true",
}


def compare(rebuilt: sqlite3.Connection, db: sqlite3.Connection) -> Iterator[tuple[str, int, int]]:
    """Yield the tables that differ, with how many rows `db` has more and how many fewer."""
    for table, wanted in _COMPARED.items():
        query = f"SELECT * FROM {table} WHERE {wanted}"  # noqa: S608 - our own names
        # One connection sees only its own file, so the rows of one are kept as digests.
        ours = {hash(row) for row in rebuilt.execute(query)}
        theirs = {hash(row) for row in db.execute(query)}
        if ours != theirs:
            yield table, len(theirs - ours), len(ours - theirs)


def drop_derived_of_origin(db: sqlite3.Connection, origin: int) -> None:
    """Delete what was derived for one origin; readings stay, since others may share them."""
    flag_cache.clear(db)
    tables = (
        "agent_answer verdict disagreement page_share finding origin_summary resource_evidence "
        "steady phase"
    )
    for table in tables.split():
        db.execute(f"DELETE FROM {table} WHERE origin = ?", (origin,))  # noqa: S608 - our own names
    for table in ("observation_reading", "party_page"):
        db.execute(
            f"DELETE FROM {table} WHERE observation IN "  # noqa: S608 - our own names
            "(SELECT id FROM observation WHERE origin = ?)",
            (origin,),
        )


def drop_unreferenced(db: sqlite3.Connection) -> None:
    """Delete readings, conclusions and effects that no origin refers to any more.

    Foreign keys must be off (`bulk_load_mode`): each reading would be looked for in every table.
    """
    for table in ("statement", "issue", "candidate", "url_pattern", "party", "party_page"):
        db.execute(f"DELETE FROM {table} WHERE NOT ({_CURRENT_READINGS})")  # noqa: S608 - our own names
    for table in ("reading", "state_set", "place_set", "conclusion_part", "effect"):
        db.execute(f"DELETE FROM {table} WHERE NOT ({_COMPARED[table]})")  # noqa: S608 - our own names


def save_protocols(db: sqlite3.Connection) -> None:
    """Store which versions of protocols have read the evidence, and what each of them reads."""
    # Readings that found nothing are not stored, so the version is not in their keys.
    db.executemany(
        "INSERT INTO protocol VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(p.NAME, p.VERSION) for p in PROTOCOLS],
    )
    db.execute("DELETE FROM protocol_description")
    db.executemany(
        "INSERT INTO protocol_description VALUES (?, ?, ?, ?, ?, ?)",
        [(p.NAME, n, p.TITLE, p.SPEC, p.CARRIER, p.VERSION) for n, p in enumerate(PROTOCOLS)],
    )


def save_rule_sets(db: sqlite3.Connection, evaluated: Iterable[RuleSet], chosen: RuleSet) -> None:
    """Store rule sets whole, and which one the public views show."""
    db.execute("UPDATE ruleset SET chosen = 0")
    for rules in evaluated:
        db.execute(
            "INSERT INTO ruleset VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (label) DO UPDATE SET "
            "title = excluded.title, text = excluded.text, "
            "reserved_states = excluded.reserved_states, chosen = excluded.chosen",
            (
                rules.label,
                rules.id,
                rules.version,
                rules.title,
                rules.text,
                json.dumps(sorted(rules.reserved_states)),
                rules.label == chosen.label,
            ),
        )
    summaries.save_not_judged(db)
