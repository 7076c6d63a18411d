"""One row for each origin, by which views count origins: its states, and what was seen of it.

Both are numbers of sets, which origins share: the states under every rule set and for every
purpose, and how many places of each resource are present, absent or unseen. All of it is derived,
and written in the transaction of the findings and the evidence that it is made of.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from crawler.vocab import Purpose, State

if TYPE_CHECKING:
    from crawler.evaluate.evaluation_cache import Evaluation
    from crawler.evaluate.snapshot import OriginSnapshot

#: The number of the states of origins that were not judged: everything is unknown.
NOT_JUDGED = 0
# Of the states of a site, the strongest is shown; what is unknown is weightier than a permission.
_GRADES = sorted(State, key=lambda state: 3.5 if state is State.UNKNOWN else state.rank)
_GRADED = {state.value: f"{n}{state.value}" for n, state in enumerate(_GRADES)}
_UNKNOWN = _GRADED[State.UNKNOWN]
_OF_MISSING = "WHERE origin IN (SELECT id FROM origin EXCEPT SELECT origin FROM origin_summary)"
_FINDINGS = (
    f"SELECT origin, rules, purpose, state FROM finding {_OF_MISSING} "  # noqa: S608 - our own SQL
    "ORDER BY origin, rules, purpose"
)
_PLACES = (
    "SELECT origin, resource, presence, count(*) FROM resource_evidence "  # noqa: S608 - our own SQL
    f"{_OF_MISSING} GROUP BY origin, resource, presence ORDER BY origin, resource, presence"
)
_SAVE_STATES = "INSERT INTO state_set VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_SAVE_PLACES = "INSERT INTO place_set VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ADD = "INSERT INTO origin_summary (origin, state_set, place_set) VALUES (?, ?, ?)"
#: Sets the times of a row anew, those of one `origin` or of all without times.
SET_TIMES = (
    "UPDATE origin_summary SET "
    "first_at = (SELECT min(o.observed_at) FROM resource_evidence AS r "
    "JOIN observation_row AS o ON o.id = r.observation WHERE r.origin = origin_summary.origin), "
    "last_at = (SELECT max(o.observed_at) FROM resource_evidence AS r "
    "JOIN observation_row AS o ON o.id = r.last WHERE r.origin = origin_summary.origin) "
    "WHERE {}"
)
_Row = tuple[object, ...]
_Parts = tuple[tuple[object, ...], ...]


def states_of(evaluation: "Evaluation") -> tuple[int, list[_Row]]:
    """Return the number of the states of an evaluation, and the rows of that set."""
    findings = ((f.rules, f.purpose.value, f.state.value) for f in evaluation.findings)
    return _states(tuple(sorted(findings)))


def places_of(snapshot: "OriginSnapshot") -> tuple[int, list[_Row]]:
    """Return the number of what was seen of an origin, and the rows of that set."""
    # Behind the resources that the answers are for stands evidence of headers alone.
    seen = zip(snapshot.answers, snapshot.resources, strict=False)
    counts = Counter((answer.row.resource, place.presence.value) for answer, place in seen)
    return _numbered(tuple((*what, many) for what, many in sorted(counts.items())))


def times_of(snapshot: "OriginSnapshot") -> tuple[str | None, str | None]:
    """Return the times of the oldest current answer, and of the last attempt."""
    return (
        min((answer.row.observed_at for answer in snapshot.answers), default=None),
        max((answer.last.observed_at for answer in snapshot.answers), default=None),
    )


def save_not_judged(db: sqlite3.Connection) -> None:
    """Store the states of origins that were not judged, under every rule set, and without one."""
    rules = ["", *(label for (label,) in db.execute("SELECT label FROM ruleset"))]
    rows = [(NOT_JUDGED, label, *[_UNKNOWN] * len(Purpose)) for label in rules]
    db.executemany(_SAVE_STATES, rows)


def add_missing(db: sqlite3.Connection) -> None:
    """Store the rows of origins whose findings are older than these rows are."""
    save_not_judged(db)
    states = dict(_saved(db, _FINDINGS, _states, _SAVE_STATES))
    places = dict(_saved(db, _PLACES, _numbered, _SAVE_PLACES))
    nowhere, _ = _numbered(())
    rows = [(origin, number, places.get(origin, nowhere)) for origin, number in states.items()]
    db.executemany(_ADD, rows)
    db.execute(SET_TIMES.format("first_at IS NULL"))


def _saved(
    db: sqlite3.Connection,
    query: str,
    numbered: Callable[[_Parts], tuple[int, list[_Row]]],
    save: str,
) -> Iterator[tuple[int, int]]:
    """Yield each origin of a query with the number of its set, which is stored."""
    numbers: dict[_Parts, int] = {}
    for origin, found in groupby(db.execute(query).fetchall(), itemgetter(0)):
        parts = tuple(row[1:] for row in found)
        if parts not in numbers:
            numbers[parts], rows = numbered(parts)
            db.executemany(save, rows)
        yield origin, numbers[parts]


def _states(findings: _Parts) -> tuple[int, list[_Row]]:
    """Return the set of findings (rule set, purpose, state)."""
    by_rules: dict[object, dict[object, str]] = {}
    for rules, purpose, state in findings:
        by_rules.setdefault(rules, {})[purpose] = _GRADED[str(state)]
    return _numbered(
        tuple((rules, *(of.get(p, _UNKNOWN) for p in Purpose)) for rules, of in by_rules.items())
    )


def _numbered(parts: Iterable[_Row]) -> tuple[int, list[_Row]]:
    parts = list(parts)
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    # The number is made of the content, so that a rebuild gives the same; SQLite's are signed.
    number = (int.from_bytes(digest[:8], "big") >> 1) or 1
    return number, [(number, *part) for part in parts]
