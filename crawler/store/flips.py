"""Flips: answers that differ because code or rules changed, with the same evidence.

`begin` copies the findings before they are dropped, `finish` compares them with the new ones.

Rules for editors: a flip is never the work of a site. An origin that was visited since it was
judged is left out, since its answers may differ for that reason.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crawler import __version__
from crawler.protocols import PROTOCOLS
from crawler.rulesets import RuleSet

_UP_TO_DATE = (
    "SELECT e.origin FROM evaluated_visit AS e "
    "WHERE e.visits = (SELECT count(*) FROM visit AS v WHERE v.origin = e.origin)"
)
_FINDINGS = """
    SELECT f.origin, r.id AS rules, f.purpose, f.state, d.protocol, f.observation,
        coalesce(s.line, c.line) AS line
    FROM finding AS f
    JOIN ruleset AS r ON r.label = f.rules
    LEFT JOIN reading AS d ON d.id = f.reading
    LEFT JOIN statement AS s ON s.reading = f.reading AND s.n = f.n
    LEFT JOIN candidate AS c ON c.reading = f.reading AND c.n = f.candidate
"""
# What the readings of some protocols are of, by origin. Those that found nothing are not stored.
_READ = """
    SELECT DISTINCT o.origin, d.protocol FROM reading AS d
    JOIN observation_reading AS r ON r.reading = d.id
    JOIN observation AS o ON o.id = r.observation
    WHERE d.protocol IN (SELECT value FROM json_each(?))
"""
_FLIPPED = f"""
    SELECT b.origin, b.rules, b.purpose, b.state AS was, n.state AS became,
        b.protocol AS protocol_before, n.protocol,
        coalesce(n.observation, b.observation) AS observation,
        iif(n.observation IS NULL, b.line, n.line) AS line
    FROM ({_FINDINGS}) AS n
    JOIN temp.judged_before AS b
        ON b.origin = n.origin AND b.rules = n.rules AND b.purpose = n.purpose
    WHERE b.state <> n.state
"""  # noqa: S608 - our own SQL
_ISSUE = """
    SELECT r.observation, i.line FROM observation AS o
    JOIN observation_reading AS r ON r.observation = o.id
    JOIN reading AS d ON d.id = r.reading
    JOIN issue AS i ON i.reading = d.id
    WHERE o.origin = ? AND d.protocol IN (SELECT value FROM json_each(?)) AND i.line IS NOT NULL
    ORDER BY r.observation DESC, i.n LIMIT 1
"""


class Versions(NamedTuple):
    """The versions that made findings: those of protocols by name, and rule sets by id.

    Of a rule set it is the label and the SHA-256 of its text.
    """

    protocols: dict[str, int]
    rules: dict[str, tuple[str, str]]


class FlipGroup(NamedTuple):
    """Flips for one reason, from one state to another, under one rule set.

    `why` is `protocol NAME 3>4`, `rules signals/1>2`, both, or `judge` for other code. `purposes`
    are comma-separated. Each origin counts once, with its rows. `example` is the URL of the origin
    with most rows: of what decides there, else of the origin; `line` is in what answered.
    """

    why: str
    rules: str
    was: str
    became: str
    purposes: str
    origins: int
    rows: int
    example: str
    line: int | None


def versions_of(evaluated: Iterable[RuleSet]) -> Versions:
    """Return the versions of this code, with these rule sets."""
    return Versions(
        {protocol.NAME: protocol.VERSION for protocol in PROTOCOLS},
        {rules.id: (rules.label, _digest(rules.text)) for rules in evaluated},
    )


def stored_versions(db: sqlite3.Connection) -> Versions:
    """Return the versions that made the stored findings; empty where nothing was judged."""
    protocols = db.execute("SELECT name, max(version) FROM protocol GROUP BY name")
    # All origins are judged under the same rule sets, so one of them is enough.
    rules = db.execute(
        "SELECT id, label, text FROM ruleset WHERE label IN "
        "(SELECT rules FROM finding WHERE origin = (SELECT max(origin) FROM finding))"
    )
    return Versions(dict(protocols), {name: (label, _digest(text)) for name, label, text in rules})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def begin(db: sqlite3.Connection, before: Versions, now: Versions) -> None:
    """Copy the findings, in the caller's transaction, before they are dropped."""
    for table in ("judged_before", "read_before", "flipped"):
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")
    db.execute(
        "CREATE TEMP TABLE judged_before (origin INTEGER, rules TEXT, purpose TEXT, state TEXT, "
        "protocol TEXT, observation INTEGER, line INTEGER, "
        "PRIMARY KEY (origin, rules, purpose)) WITHOUT ROWID"
    )
    db.execute(f"INSERT INTO temp.judged_before {_FINDINGS} WHERE f.origin IN ({_UP_TO_DATE})")
    db.execute(
        "CREATE TEMP TABLE read_before (origin INTEGER, protocol TEXT, "
        "PRIMARY KEY (origin, protocol)) WITHOUT ROWID"
    )
    _save_read(db, before, now)


def _save_read(db: sqlite3.Connection, before: Versions, now: Versions) -> None:
    changed = json.dumps(sorted(_changed_protocols(before, now)))
    db.execute(f"INSERT OR IGNORE INTO temp.read_before {_READ}", (changed,))


def finish(db: sqlite3.Connection, before: Versions, now: Versions, at: str) -> int:
    """Store the judging and its flips, in the caller's transaction. Return its number."""
    _save_read(db, before, now)
    judging = db.execute(
        "INSERT INTO judging (at, version, protocols, protocols_before, rules, rules_before, "
        "origins) VALUES (?, ?, ?, ?, ?, ?, (SELECT count(DISTINCT b.origin) "
        "FROM temp.judged_before AS b JOIN evaluated_visit AS e ON e.origin = b.origin)) "
        "RETURNING id",
        (
            *(at, __version__),
            *(json.dumps(each, sort_keys=True) for each in (now.protocols, before.protocols)),
            *(json.dumps(each, sort_keys=True) for each in (now.rules, before.rules)),
        ),
    ).fetchone()[0]
    # Copied first: a table must not be read and written at once.
    db.execute(f"CREATE TEMP TABLE flipped AS {_FLIPPED}")
    db.executemany(
        "INSERT INTO flip VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _flip_rows(db, judging, before, now)
    )
    for table in ("judged_before", "read_before", "flipped"):
        db.execute(f"DROP TABLE temp.{table}")
    return int(judging)


def _flip_rows(
    db: sqlite3.Connection, judging: int, before: Versions, now: Versions
) -> Iterator[tuple[object, ...]]:
    changed = _changed_protocols(before, now)
    rules_changed = _changed_rules(before, now)
    for row in db.execute("SELECT * FROM temp.flipped ORDER BY origin"):
        origin, rules, purpose, was, became, *deciding, observation, line = row
        # What decides or decided says why; an answer that is unknown may rest on anything read.
        concerned = {protocol for protocol in deciding if protocol in changed}
        if not concerned:
            found = db.execute("SELECT protocol FROM temp.read_before WHERE origin = ?", (origin,))
            concerned = {protocol for (protocol,) in found}
        if observation is None and concerned:
            wanted = json.dumps(sorted(concerned))
            observation, line = db.execute(_ISSUE, (origin, wanted)).fetchone() or (None, None)
        reasons = [changed[protocol] for protocol in sorted(concerned)]
        reasons += [rules_changed[rules]] if rules in rules_changed else []
        why = ", ".join(reasons) or "judge"
        yield (judging, origin, rules, purpose, was, became, why, observation, line)


def _changed_protocols(before: Versions, now: Versions) -> dict[str, str]:
    """Return the protocols of another version, by name, each as a reason."""
    if not before.protocols:
        return {}  # a migration that asks for a new judging forgets them
    return {
        name: f"protocol {name} {before.protocols.get(name, 'none')}>"
        f"{now.protocols.get(name, 'none')}"
        for name in sorted(before.protocols.keys() | now.protocols.keys())
        if before.protocols.get(name) != now.protocols.get(name)
    }


def _changed_rules(before: Versions, now: Versions) -> dict[str, str]:
    """Return the rule sets with another text, by id, each as a reason."""
    reasons = {}
    for name in before.rules.keys() & now.rules.keys():
        (label, digest), (other, other_digest) = before.rules[name], now.rules[name]
        if label != other:
            reasons[name] = f"rules {label}>{other.rpartition('/')[2]}"
        elif digest != other_digest:
            reasons[name] = f"rules {label} with another text"
    return reasons


def last(db: sqlite3.Connection) -> int:
    """Return the number of the last judging that was compared with the one before; 0 if none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM judging").fetchone()[0])


def compared(db: sqlite3.Connection, judging: int) -> tuple[int, int]:
    """Return how many origins a judging compared, and how many of them differ in any state."""
    row = db.execute(
        "SELECT origins, (SELECT count(DISTINCT origin) FROM flip WHERE judging = judging.id) "
        "FROM judging WHERE id = ?",
        (judging,),
    ).fetchone()
    return row[0], row[1]


def groups(db: sqlite3.Connection, judging: int) -> list[FlipGroup]:
    """Return the flips of a judging in groups, those of most rows first."""
    # SQLite takes the bare columns of an aggregate from the row with the maximum.
    query = """
        WITH
        flipped AS (
            SELECT why, rules, was, became, origin,
                group_concat(purpose, ', ') AS purposes,
                max(observation) AS observation, line
            FROM (
                SELECT flip.* FROM flip JOIN purpose ON purpose.name = flip.purpose
                WHERE judging = ? ORDER BY purpose.rank
            )
            GROUP BY why, rules, was, became, origin
        ),
        sized AS (
            SELECT flipped.*, coalesce((
                SELECT sum(d.rows) FROM dataset_origin AS d WHERE d.origin = flipped.origin
            ), 0) AS rows
            FROM flipped
        )
        SELECT why, rules, was, became, purposes, count(*), sum(rows),
            coalesce((SELECT coalesce(o.url, o.asked) FROM observation AS o
                WHERE o.id = sized.observation), origin.url),
            line, max(rows * 1e9 - origin.id)
        FROM sized JOIN origin ON origin.id = sized.origin
        GROUP BY why, rules, was, became, purposes
        ORDER BY 7 DESC, 6 DESC, why, rules, was, became, purposes
    """
    return [FlipGroup._make(row[:-1]) for row in db.execute(query, (judging,))]
