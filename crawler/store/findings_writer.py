"""Buffered writer of derived data: readings, findings, verdicts, all of which can be rebuilt."""

import json
import sqlite3
from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

from crawler.caches import IdentityCache
from crawler.evaluate.evaluation_cache import (
    CachedFinding,
    Evaluation,
    StatementRef,
    observation_times,
)
from crawler.evaluate.history import Phase, Steady
from crawler.evaluate.records import PageShare
from crawler.evaluate.snapshot import OriginSnapshot, StoredReading
from crawler.model import Candidate, Issue, Reading, Statement
from crawler.protocols.url_patterns import url_patterns_of
from crawler.redaction import redact
from crawler.store import history_writer, parties, summaries, verdict_cache
from crawler.store.contacts import Contacts
from crawler.store.evidence_writer import text
from crawler.vocab import Purpose

#: Rows that are buffered: this bounds memory, and one statement of SQL serves many rows.
_BUFFER_ROWS = 25_000
_CACHE_SIZE = 1024
# Each table stands after those that it refers to.
_TABLES_OF_READINGS = ("statement", "issue", "candidate", "url_pattern", "party")
_TABLES = (
    *("reading", *_TABLES_OF_READINGS, "party_page", "observation_reading", "resource_evidence"),
    *("finding", "finding_without_statement", "page_share", "disagreement", "verdict"),
    *("state_set", "place_set", "origin_summary"),
    *("effect", "conclusion_part", "steady", "phase"),
)
# Buffers whose rows go to part of a table. Most findings have no statement that decided them; their
# other columns stay NULL and are not bound.
_FINDING = (
    "finding (origin, rules, purpose, state, conflict, complete, headline, detail, exceptions, "
    "malformed, stale, "
)
_COLUMNS = {
    "finding": f"{_FINDING}reading, n, observation, observed_at, since, candidate)",
    "finding_without_statement": f"{_FINDING}observed_at)",
    "verdict": f"verdict ({verdict_cache.STORED_COLUMNS})",
}
# Tables that may get an equal row twice, from documents with equal bytes or origins that share.
_TABLES_WITH_REPEATS = (
    *("party_page", "disagreement", "effect", "conclusion_part", "state_set", "place_set"),
)
_SET_EVALUATED_VISIT = (
    "INSERT OR REPLACE INTO evaluated_visit "
    "(origin, run, looked_at, outcome, evidence_key, visits) "
    "SELECT ?, max(run), ?, ?, ?, count(*) FROM visit WHERE origin = ?"
)

_Row = tuple[object, ...]


def _insert(table: str, columns: int) -> str:
    marks = ", ".join("?" * columns)
    conflict = "ON CONFLICT DO NOTHING" if table in _TABLES_WITH_REPEATS else ""
    return f"INSERT INTO {_COLUMNS.get(table, table)} VALUES ({marks}) {conflict}"  # noqa: S608 - our own names


class _FindingRows(NamedTuple):
    """The rows of an evaluation, without what differs between the origins that share it.

    `findings` have the statement that decided. `without_statement` are findings that none decided.
    `verdicts` have the position of the resource that dates them, None for the newest.
    """

    findings: list[tuple[_Row, StatementRef]]
    without_statement: list[_Row]
    verdicts: list[tuple[_Row, int | None]]
    page_shares: list[_Row]


class FindingsWriter:
    """Buffers rows and writes them table by table, in the caller's transaction.

    Call `write` at the end. `contacts` takes the personal data of parties; mailboxes and telephone
    numbers then stay in quotations.
    """

    def __init__(self, db: sqlite3.Connection, contacts: Contacts | None) -> None:
        self._db, self._contacts = db, contacts
        self._rows: dict[str, list[_Row]] = {table: [] for table in _TABLES}
        self._readings: set[str] = set()
        # Equal documents share a reading, and origins with equal evidence an evaluation.
        self._reading_rows: IdentityCache[Reading, dict[str, list[_Row]]] = IdentityCache(
            _CACHE_SIZE
        )
        self._finding_rows: IdentityCache[Evaluation, _FindingRows] = IdentityCache(_CACHE_SIZE)
        self._conclusions: IdentityCache[Evaluation, int] = IdentityCache(_CACHE_SIZE)
        self._state_sets: IdentityCache[Evaluation, int] = IdentityCache(_CACHE_SIZE)
        self._place_sets: set[int] = set()
        self._evaluated: list[_Row] = []
        self._buffered = 0

    def add(self, origin: int, snapshot: OriginSnapshot, evaluation: Evaluation) -> None:
        """Buffer the readings, the current evidence, the findings and the verdicts of an origin."""
        for observation, read in snapshot.readings:
            if read.key not in self._readings:
                self._add_reading(read)
            if read.reading.parties:
                self._buffer("party_page", parties.page_rows(self._db, observation, read))
        self._buffer(
            "observation_reading",
            [(observation, read.key) for observation, read in snapshot.readings],
        )
        self._buffer("resource_evidence", _resource_rows(origin, snapshot))
        shared = self._finding_rows.get(evaluation) or self._finding_rows.put(
            evaluation, _shared_rows(evaluation)
        )
        newest = snapshot.newest_observed_at
        without_statement = [(origin, *row, newest) for row in shared.without_statement]
        self._buffer("finding", _finding_rows(origin, snapshot, shared))
        self._buffer("finding_without_statement", without_statement)
        self._add_summary(origin, snapshot, evaluation)
        self._buffer("page_share", [(origin, *row) for row in shared.page_shares])
        self._buffer("disagreement", _disagreement_rows(origin, snapshot, evaluation))
        self._buffer("verdict", _verdict_rows(origin, snapshot, shared))
        last = snapshot.last_looked_at, text(snapshot.last_outcome)
        self._evaluated.append((origin, *last, evaluation.evidence_key, origin))
        if self._buffered >= _BUFFER_ROWS:
            self.write()

    def add_history(self, origin: int, history: Steady | tuple[Phase, ...] | None) -> None:
        """Buffer the history of an origin."""
        if isinstance(history, Steady):
            conclusion = self._conclusion(history.evaluation)
            self._buffer("steady", [history_writer.steady_row(origin, conclusion, history)])
        elif history is not None:
            for table, rows in history_writer.phase_rows(origin, history).items():
                self._buffer(table, rows)

    def _add_summary(self, origin: int, snapshot: OriginSnapshot, evaluation: Evaluation) -> None:
        states = self._state_sets.get(evaluation)
        if states is None:
            states, rows = summaries.states_of(evaluation)
            self._buffer("state_set", rows)
            self._state_sets.put(evaluation, states)
        places, rows = summaries.places_of(snapshot)
        if places not in self._place_sets:
            self._place_sets.add(places)
            self._buffer("place_set", rows)
        times = summaries.times_of(snapshot)
        self._buffer("origin_summary", [(origin, states, places, *times)])

    def _conclusion(self, evaluation: Evaluation) -> int:
        known = self._conclusions.get(evaluation)
        if known is not None:
            return known
        number, tables = history_writer.conclusion_rows(evaluation)
        for table, rows in tables.items():
            self._buffer(table, rows)
        return self._conclusions.put(evaluation, number)

    def write(self) -> None:
        """Write all buffered rows. A reading that is stored already stays, with all its rows."""
        stored = self._stored()
        for table, rows in self._rows.items():
            if table == "reading" or table in _TABLES_OF_READINGS:
                # Sorted by key, so that pages of the tables are filled in order.
                rows = sorted((row for row in rows if row[0] not in stored), key=itemgetter(0, 1))
            if rows:
                self._db.executemany(_insert(table, len(rows[0])), rows)
        self._db.executemany(_SET_EVALUATED_VISIT, self._evaluated)
        self._reset()

    def _reset(self) -> None:
        self._rows = {table: [] for table in _TABLES}
        self._readings, self._evaluated, self._buffered = set(), [], 0
        self._place_sets = set()

    def _stored(self) -> set[str]:
        """Return the keys of the buffered readings that are in the database."""
        query = "SELECT id FROM reading WHERE id IN (SELECT value FROM json_each(?))"
        return {key for (key,) in self._db.execute(query, (json.dumps(sorted(self._readings)),))}

    def _buffer(self, table: str, rows: list[_Row]) -> None:
        self._rows[table] += rows
        self._buffered += len(rows)

    def _add_reading(self, read: StoredReading) -> None:
        self._readings.add(read.key)
        source = (read.protocol.NAME, read.protocol.VERSION, read.document)
        self._buffer("reading", [(read.key, *source, read.reading.presence.value)])
        tables = self._reading_rows.get(read.reading)
        if tables is None:
            quote = _as_quoted if self._contacts else redact
            tables = self._reading_rows.put(read.reading, _rows_of_reading(read, quote))
        for table, rows in tables.items():
            self._buffer(table, [(read.key, *row) for row in rows])
        if self._contacts and read.reading.parties:
            self._contacts.add(read)


def _as_quoted(quotation: str) -> str:
    return quotation


def _rows_of_reading(read: StoredReading, quote: Callable[[str], str]) -> dict[str, list[_Row]]:
    """Return the rows of a reading by table, without its key; equal readings share them.

    `quote` makes what is stored of the text of issues and passages.
    """
    reading = read.reading
    tables = {
        "statement": list(map(_statement, reading.statements)),
        "issue": [_issue(n, issue, quote) for n, issue in enumerate(reading.issues, start=1)],
        "candidate": [_candidate(n, c, quote) for n, c in enumerate(reading.candidates, start=1)],
        "url_pattern": verdict_cache.pattern_rows(url_patterns_of(read.protocol, reading)),
        "party": parties.rows(reading),
    }
    return {table: rows for table, rows in tables.items() if rows}


def _statement(s: Statement) -> _Row:
    source = (text(s.place), s.line, text(s.raw))
    scope = (text(s.agent), _text(s.path), _text(s.media))
    return (
        s.n,
        s.rule,
        s.stance,
        s.purpose,
        s.tier,
        *source,
        *scope,
        _text(s.policy),
        s.clause,
        s.declared_by,
        s.reads,
        s.counts,
        s.use,
        s.agent_line,
    )


def _candidate(n: int, c: Candidate, quote: Callable[[str], str]) -> _Row:
    source = (c.location, c.language, c.pattern, c.line, text(quote(c.snippet)))
    return (n, c.strength, c.kind, *source)


def _issue(n: int, issue: Issue, quote: Callable[[str], str]) -> _Row:
    return (n, issue.code, issue.line, text(quote(issue.excerpt)))


def _text(value: str | None) -> str | None:
    return None if value is None else text(value)


def _resource_rows(origin: int, snapshot: OriginSnapshot) -> list[_Row]:
    """Return the rows of the current evidence."""
    return [
        (origin, f.row.resource, text(f.path), s.presence, f.row.key, f.last.key, f.since)
        # Behind the resources that the answers are for stands evidence of headers alone.
        for f, s in zip(snapshot.answers, snapshot.resources, strict=False)
    ]


def _shared_rows(evaluation: Evaluation) -> _FindingRows:
    return _FindingRows(
        [(_finding_row(c), c.deciding) for c in evaluation.findings if c.deciding],
        [_finding_row(c) for c in evaluation.findings if not c.deciding],
        [
            (verdict_cache.row(None, told.pattern_set, told.verdict), told.time_source)
            for told in evaluation.verdicts
        ],
        [_page_share_row(c.rules, c.purpose, c.share) for c in evaluation.findings if c.share],
    )


def _page_share_row(rules: str, purpose: Purpose, share: PageShare) -> _Row:
    return (rules, purpose.value, share.reserving, share.seen, *share.interval)


def _finding_row(c: CachedFinding) -> _Row:
    """Return plain text and numbers, which sqlite3 binds fastest."""
    flags = int(c.conflict), int(c.complete), int(c.headline)
    exceptions = json.dumps(c.exceptions) if c.exceptions else "[]"
    claims = text(exceptions), int(c.malformed), int(c.stale)
    return (c.rules, c.purpose.value, c.state.value, *flags, text(c.detail), *claims)


def _finding_rows(origin: int, snapshot: OriginSnapshot, shared: _FindingRows) -> list[_Row]:
    return [(origin, *row, *_citation(snapshot, by)) for row, by in shared.findings]


def _citation(snapshot: OriginSnapshot, by: StatementRef) -> _Row:
    evidence = snapshot.resources[by.evidence]
    key = evidence.readings[by.reading][1]
    times = evidence.observed_at, evidence.since
    return (key, by.n, evidence.observation, *times, by.candidate)


def _disagreement_rows(origin: int, snapshot: OriginSnapshot, evaluation: Evaluation) -> list[_Row]:
    def key(ref: StatementRef) -> str:
        return snapshot.resources[ref.evidence].readings[ref.reading][1]

    return [
        (origin, purpose, key(reserving), reserving.n, key(permitting), permitting.n)
        for purpose, reserving, permitting in evaluation.conflicts
    ]


def _verdict_rows(origin: int, snapshot: OriginSnapshot, shared: _FindingRows) -> list[_Row]:
    times = observation_times(snapshot.resources, snapshot.newest_observed_at)
    return [(origin, *row, times[dated]) for row, dated in shared.verdicts]
