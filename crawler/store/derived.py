"""What was made of the evidence, as a whole: whether it is current, under which rule sets, and how
it is dropped. `ledger` writes it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from crawler import rulesets
from crawler.protocols import PROTOCOLS
from crawler.rulesets import RuleSet
from crawler.store import flag_cache

#: Readings have no order: a table of them is written all over.
_CACHE_KB = 65_536
_TABLES = tuple(
    "judged verdict shape disagreement finding sight read_from party_page party issue "
    "candidate statement".split()
)


def is_outdated(db: sqlite3.Connection, chosen: RuleSet) -> bool:
    """Whether other code or rules made what is there, or another rule set is shown."""
    shown = db.execute("SELECT label FROM ruleset WHERE chosen = 1").fetchone()
    if shown is None or shown[0] != chosen.label:
        return True
    stored = dict(db.execute("SELECT label, text FROM ruleset"))
    if any(stored.get(rules.label) != rules.text for rules in rule_sets(db, chosen)):
        return True
    made = set(db.execute("SELECT name, version FROM protocol"))
    return made != {(p.NAME, p.VERSION) for p in PROTOCOLS}


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether nothing was ever judged here."""
    return not db.execute("SELECT EXISTS (SELECT 1 FROM ruleset)").fetchone()[0]


def rule_set(db: sqlite3.Connection, given: str | None) -> RuleSet:
    """The rule set that is meant: a name of the package, a `.toml` file, the id or label of a
    user's own that is stored here; None for the one that the database shows, `signals` at first.

    Raises `RuleSetError`, also for a file whose label stands here with another text.
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
    """All that are judged: those of the package and of each user's own one version, the one
    that is chosen or the highest.
    """
    by_id = {name: rulesets.load(name) for name in rulesets.NAMES}
    if not chosen.is_packaged:
        by_id[chosen.id] = chosen
    for rules in _own(db):
        by_id.setdefault(rules.id, rules)
    return tuple(by_id.values())


def _shown(db: sqlite3.Connection) -> RuleSet:
    row = db.execute("SELECT id, label, text FROM ruleset WHERE chosen = 1").fetchone()
    if row is None:
        return rulesets.load(rulesets.DEFAULT)
    name, label, whole = row
    return rulesets.load(name) if name in rulesets.NAMES else rulesets.parse(whole, label)


def _own(db: sqlite3.Connection) -> list[RuleSet]:
    """The user's own rule sets that are stored, of each the highest version first."""
    rows = db.execute("SELECT id, label, text FROM ruleset ORDER BY id, version DESC")
    return [rulesets.parse(t, label) for name, label, t in rows if name not in rulesets.NAMES]


def _refuse_another_text(db: sqlite3.Connection, rules: RuleSet) -> None:
    """One label, one text: what was published as `house/1` must not come to mean another thing."""
    row = db.execute("SELECT text FROM ruleset WHERE label = ?", (rules.label,)).fetchone()
    if row is not None and row[0] != rules.text and not rules.is_packaged:
        raise rulesets.RuleSetError(
            f"{rules.label} is in this database with another text; "
            f"raise version in the file to {rules.version + 1} or more"
        )


@contextmanager
def bulk_load_mode(db: sqlite3.Connection) -> Iterator[None]:
    """Rebuild without looking up what each row refers to: the same hand writes both sides, and
    dropping a million readings would look for each in every table.
    """
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    try:
        yield
    finally:
        db.execute("PRAGMA foreign_keys = ON")


def drop_all_derived(db: sqlite3.Connection) -> tuple[str, ...]:
    """Drop everything derived, in the caller's transaction, with the indexes on it; what makes
    them comes back, for `index`. Sorting once is cheaper than finding a place for every row.
    """
    flag_cache.forget(db)
    for table in (*_TABLES, "reading", "protocol"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    found = db.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name IN (SELECT value FROM json_each(?))",
        (json.dumps(_TABLES),),
    ).fetchall()
    for name, _ in found:
        db.execute(f"DROP INDEX {name}")
    return tuple(sql for _, sql in found)


def recreate_indexes(db: sqlite3.Connection, indexes: Iterable[str]) -> None:
    """Make indexes again."""
    for sql in indexes:
        db.execute(sql)


def drop_derived_of_origin(db: sqlite3.Connection, origin: int) -> None:
    """Drop what was derived for one origin; readings stay, since others may share them."""
    flag_cache.forget(db)
    for table in ("verdict", "disagreement", "finding", "sight"):
        db.execute(f"DELETE FROM {table} WHERE origin = ?", (origin,))  # noqa: S608 - our own names
    for table in ("read_from", "party_page"):
        db.execute(
            f"DELETE FROM {table} WHERE observation IN "  # noqa: S608 - our own names
            "(SELECT id FROM observation WHERE origin = ?)",
            (origin,),
        )


def save_protocols(db: sqlite3.Connection) -> None:
    """Store which versions of protocols read the evidence: where they found nothing, that is all
    there is to tell.
    """
    db.executemany(
        "INSERT INTO protocol VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(p.NAME, p.VERSION) for p in PROTOCOLS],
    )


def save_rule_sets(db: sqlite3.Connection, judged: Iterable[RuleSet], chosen: RuleSet) -> None:
    """Store rule sets whole, and which one the public views show."""
    db.execute("UPDATE ruleset SET chosen = 0")
    for rules in judged:
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
