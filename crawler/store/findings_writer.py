"""What was made of many origins, gathered and written by the table: rebuildable, all of it."""

import json
import sqlite3
from operator import itemgetter
from typing import NamedTuple

from crawler.caches import IdentityCache
from crawler.evaluate.evaluation_cache import (
    CachedFinding,
    Evaluation,
    StatementRef,
    observation_times,
)
from crawler.evaluate.snapshot import OriginSnapshot, StoredReading
from crawler.model import Candidate, Issue, Reading, Statement
from crawler.protocols.url_patterns import shapes_of
from crawler.store import parties, verdict_cache
from crawler.store.evidence_writer import text

#: Written after so many rows: memory is bounded, and a statement of SQL is worth its while.
_ROWS = 25_000
_REMEMBERED = 1024
# A table after those that it refers to.
_OF_READINGS = ("statement", "issue", "candidate", "shape", "party")
_TABLES = (
    *("reading", *_OF_READINGS),
    *("party_page", "read_from", "sight", "finding", "silence", "disagreement", "verdict"),
)
# Most findings are of nothing: what would be NULL in them need not be said.
_SILENCE = (
    "finding (origin, rules, purpose, state, conflict, complete, headline, detail, observed_at)"
)
# Tables of which a row may be made twice, by documents that are the same to the octet.
_TWICE = ("party_page", "disagreement")
_JUDGED = (
    "INSERT OR REPLACE INTO judged SELECT origin, max(run) FROM visit "
    "WHERE origin IN (SELECT value FROM json_each(?)) GROUP BY origin"
)

_Row = tuple[object, ...]


def _insert(table: str, columns: int) -> str:
    into = _SILENCE if table == "silence" else table
    marks, otherwise = ", ".join("?" * columns), "ON CONFLICT DO NOTHING" if table in _TWICE else ""
    return f"INSERT INTO {into} VALUES ({marks}) {otherwise}"  # noqa: S608 - our own names


class _FindingRows(NamedTuple):
    """The rows of an opinion but for what each origin puts in: of findings with what decided or,
    in `silence`, with nothing that did, and of verdicts with what dates them.
    """

    findings: list[tuple[_Row, StatementRef]]
    silence: list[_Row]
    verdicts: list[tuple[_Row, int | None]]


class FindingsWriter:
    """Rows that wait to be written, in the transaction of whoever calls.

    `keep_contacts` stores what is personal about parties.
    """

    def __init__(self, db: sqlite3.Connection, *, keep_contacts: bool) -> None:
        self._db, self._keep_contacts = db, keep_contacts
        self._rows: dict[str, list[_Row]] = {table: [] for table in _TABLES}
        self._reads: set[str] = set()
        self._found: IdentityCache[Reading, dict[str, list[_Row]]] = IdentityCache(_REMEMBERED)
        self._said: IdentityCache[Evaluation, _FindingRows] = IdentityCache(_REMEMBERED)
        self._private: list[_Row] = []
        self._judged: list[int] = []
        self._waiting = 0

    def add(self, origin: int, snapshot: OriginSnapshot, evaluation: Evaluation) -> None:
        """Take what was read from an origin, the evidence in force there and what it comes to."""
        for observation, read in snapshot.reads:
            if read.key not in self._reads:
                self._add_reading(read)
            if read.reading.parties:
                self._put("party_page", parties.pages(self._db, observation, read))
        self._put("read_from", [(observation, read.key) for observation, read in snapshot.reads])
        self._put("sight", _sights(origin, snapshot))
        said = self._said.get(evaluation) or self._said.keep(evaluation, _said_by(evaluation))
        self._put("finding", _findings(origin, snapshot, said))
        self._put("silence", [(origin, *row, snapshot.newest_observed_at) for row in said.silence])
        self._put("disagreement", _disagreements(origin, snapshot, evaluation))
        self._put("verdict", _verdicts(origin, snapshot, said))
        self._judged.append(origin)
        if self._waiting >= _ROWS:
            self.write()

    def write(self) -> None:
        """Write all that waits. A reading that is stored already stays, with all it found."""
        stored = self._stored()
        for table, rows in self._rows.items():
            if table == "reading" or table in _OF_READINGS:
                rows = sorted((row for row in rows if row[0] not in stored), key=itemgetter(0, 1))
            if rows:
                self._db.executemany(_insert(table, len(rows[0])), rows)
        self._db.executemany(parties.KEEP_PRIVATE, self._private)
        self._db.execute(_JUDGED, (json.dumps(self._judged),))
        self._begin()

    def _begin(self) -> None:
        self._rows = {table: [] for table in _TABLES}
        self._reads, self._private, self._judged, self._waiting = set(), [], [], 0

    def _stored(self) -> set[str]:
        """Which of the readings that wait are in the database."""
        query = "SELECT id FROM reading WHERE id IN (SELECT value FROM json_each(?))"
        return {key for (key,) in self._db.execute(query, (json.dumps(sorted(self._reads)),))}

    def _put(self, table: str, rows: list[_Row]) -> None:
        self._rows[table] += rows
        self._waiting += len(rows)

    def _add_reading(self, read: StoredReading) -> None:
        self._reads.add(read.key)
        facts = (read.protocol.NAME, read.protocol.VERSION, read.document)
        self._put("reading", [(read.key, *facts, read.reading.presence.value)])
        found = self._found.get(read.reading)
        if found is None:
            found = self._found.keep(read.reading, _found_by(read))
        for table, rows in found.items():
            self._put(table, [(read.key, *row) for row in rows])
        if self._keep_contacts:
            self._private += parties.private_rows(read)


def _found_by(read: StoredReading) -> dict[str, list[_Row]]:
    """The rows of a reading but for its key: what alike documents have in common."""
    reading = read.reading
    found = {
        "statement": list(map(_statement, reading.statements)),
        "issue": [_issue(n, issue) for n, issue in enumerate(reading.issues, start=1)],
        "candidate": [_candidate(n, c) for n, c in enumerate(reading.candidates, start=1)],
        "shape": verdict_cache.shape_rows(shapes_of(read.protocol.NAME, reading)),
        "party": parties.rows(reading),
    }
    return {table: rows for table, rows in found.items() if rows}


def _statement(s: Statement) -> _Row:
    where = (text(s.place), s.line, text(s.raw), text(s.agent), _text(s.path), _text(s.media))
    said = (s.rule, s.stance, s.purpose, s.tier)
    return (s.n, *said, *where, _text(s.policy), s.clause, s.declared_by, s.reads, s.counts)


def _candidate(n: int, c: Candidate) -> _Row:
    where = (c.location, c.language, c.pattern, c.line, text(c.snippet))
    return (n, c.strength, c.kind, *where)


def _issue(n: int, issue: Issue) -> _Row:
    return (n, issue.code, issue.line, text(issue.excerpt))


def _text(value: str | None) -> str | None:
    return None if value is None else text(value)


def _sights(origin: int, snapshot: OriginSnapshot) -> list[_Row]:
    """The evidence in force, with what the protocols say of its presence."""
    return [
        (origin, f.row.resource, text(f.path), s.presence, f.row.key, f.last)
        for f, s in zip(snapshot.answers, snapshot.resources, strict=True)
    ]


def _said_by(evaluation: Evaluation) -> _FindingRows:
    return _FindingRows(
        [(_concluded(c), c.by) for c in evaluation.findings if c.by],
        [_concluded(c) for c in evaluation.findings if not c.by],
        [
            (verdict_cache.row(None, told.what, told.verdict), told.dated)
            for told in evaluation.told
        ],
    )


def _concluded(c: CachedFinding) -> _Row:
    """In plain text and numbers, which are bound as they are."""
    facts = int(c.conflict), int(c.complete), int(c.headline)
    return (c.rules, c.purpose.value, c.state.value, *facts, text(c.detail))


def _findings(origin: int, snapshot: OriginSnapshot, said: _FindingRows) -> list[_Row]:
    return [(origin, *row, *_cited(snapshot, by)) for row, by in said.findings]


def _cited(snapshot: OriginSnapshot, by: StatementRef) -> _Row:
    evidence = snapshot.resources[by.evidence]
    key = evidence.readings[by.reading][1]
    return (key, by.n, evidence.observation, evidence.observed_at, by.candidate)


def _disagreements(origin: int, snapshot: OriginSnapshot, evaluation: Evaluation) -> list[_Row]:
    def key(place: StatementRef) -> str:
        return snapshot.resources[place.evidence].readings[place.reading][1]

    return [
        (origin, purpose, key(reserving), reserving.n, key(permitting), permitting.n)
        for purpose, reserving, permitting in evaluation.disagreements
    ]


def _verdicts(origin: int, snapshot: OriginSnapshot, said: _FindingRows) -> list[_Row]:
    times = observation_times(snapshot.resources, snapshot.newest_observed_at)
    return [(origin, *row, times[dated]) for row, dated in said.verdicts]
