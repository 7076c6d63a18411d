"""Audits that are served: one in one file, or one in parts.

Of an audit in parts the views are in a copy of the whole (`store.whole_copy`). An origin and its
bytes are in the database of its part, where observations have smaller numbers: those of the whole
have the number of the part above their 32 lower bits.
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from datasette.database import Results
from datasette.utils import sqlite_timelimit

from crawler.caches import BoundedCache
from crawler.errors import UserError
from crawler.model import Origin
from crawler.plurals import counted
from crawler.progress import Bar
from crawler.serve import sandbox
from crawler.serve.cells import NUMBERS
from crawler.serve.metadata import DESCENDING
from crawler.serve.questions import NamedQuestion, questions
from crawler.serve.served_parts import ServedParts
from crawler.store.audit_folder import AuditFolder
from crawler.store.database import connect_read_only, public_views
from crawler.store.exported_tables import PART_BITS, number_in_whole
from crawler.store.part_plan import PartPlan
from crawler.store.part_scratch import scratch_folder
from crawler.store.parts import storage_at
from crawler.store.queries import first_rows
from crawler.store.stored_text import observation_with
from crawler.store.whole_copy import left_out, whole_copy
from crawler.urls import canonical

if TYPE_CHECKING:  # an audit in one file needs no DuckDB
    from crawler.store.whole_connection import WholeConnection

#: Seconds that a question may take which reads the tables of all parts.
SECONDS_OF_WHOLE = 60
#: Parts of the largest audit that is searched.
MAX_SEARCHED = 32
# Answers of such questions that are kept, and rows of each. The audit stays what it was when the
# server began.
_ANSWERS, _MAX_KEPT = 64, 2_000
_READ = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")
_NUMBER_IN_PART = (1 << PART_BITS) - 1


class NotSearchedError(UserError):
    """The audit is not searched; the message says why."""


class PartOfAudit(NamedTuple):
    """A connection to the database with what was asked for, and the number of its part."""

    db: sqlite3.Connection
    part: int

    def in_whole(self, number: int) -> int:
        """Return the number that an observation of the part has in the whole."""
        return number_in_whole(number, self.part)


class Audit(Protocol):
    """An audit that is served. All methods raise `StoreError`."""

    @property
    def shown(self) -> str:
        """The name on the pages."""

    @property
    def pages(self) -> Path:
        """The database with the public views."""

    @property
    def left_out(self) -> frozenset[str]:
        """The public views that it does not have."""

    def of_url(self, url: str) -> AbstractContextManager[PartOfAudit]:
        """Give the database with the origin of a URL."""

    def of_bytes(
        self, digest: str, observation: int | None
    ) -> AbstractContextManager[tuple[PartOfAudit, int | None]]:
        """Give the database with some bytes, and the number that the observation has there."""

    def searched(self) -> Iterator[tuple[PartOfAudit, Path]]:
        """Yield all databases with evidence, each open, with a path that tells them apart.

        Raise `NotSearchedError` if they are too many, or elsewhere.
        """

    def is_elsewhere(self, sql: str) -> bool:
        """Return whether a query is a question that `pages` cannot answer, but `answer` can."""

    def answer(self, sql: str, parameters: Mapping[str, Any], most: int) -> Results:
        """Return the answer to such a question, of at most `most` rows."""


@dataclass(frozen=True, slots=True)
class OneFile:
    """An audit in one file."""

    pages: Path
    left_out: frozenset[str] = frozenset()

    @property
    def shown(self) -> str:
        """The name of the file."""
        return self.pages.name

    @contextlib.contextmanager
    def of_url(self, url: str) -> Iterator[PartOfAudit]:
        """Give the database."""
        del url
        with closing(connect_read_only(self.pages)) as db:
            yield PartOfAudit(db, 0)

    @contextlib.contextmanager
    def of_bytes(
        self, digest: str, observation: int | None
    ) -> Iterator[tuple[PartOfAudit, int | None]]:
        """Give the database."""
        with self.of_url(digest) as opened:
            yield opened, observation

    def searched(self) -> Iterator[tuple[PartOfAudit, Path]]:
        """Yield the database."""
        with self.of_url("") as opened:
            yield opened, self.pages

    def is_elsewhere(self, sql: str) -> bool:
        """Return False: the file answers all questions."""
        del sql
        return False

    def answer(self, sql: str, parameters: Mapping[str, Any], most: int) -> Results:
        """Answer no question."""
        raise NotImplementedError


class AuditInParts:
    """An audit in parts, as it was when it was opened."""

    def __init__(
        self, folder: AuditFolder, whole: "WholeConnection", files: ServedParts, pages: Path
    ) -> None:
        self._plan: PartPlan = folder.plan()
        self._whole, self._files = whole.within(SECONDS_OF_WHOLE), files
        name = folder.shown.rstrip("/").rpartition("/")[2]
        self.shown = f"{name} ({counted(self._plan.parts, 'part')})"
        self.pages = pages
        with closing(connect_read_only(pages)) as db:
            self.left_out = left_out(db)
        # Questions by their SQL that read more than the database of the whole has.
        self._elsewhere = {
            q.sql: q for q in questions().values() if views_of(q.sql) & self.left_out
        }
        self._answers: BoundedCache[tuple[Any, ...], Results] = BoundedCache(_ANSWERS)

    @contextlib.contextmanager
    def of_url(self, url: str) -> Iterator[PartOfAudit]:
        """Give the database of the part that has the origin of a URL."""
        origin = canonical.origin_of(url)
        # A text that names no origin is refused by whoever reads the database, with the reason.
        part = self._plan.part_of(origin.site) if isinstance(origin, Origin) else 0
        with self._files.connection(part) as db:
            yield PartOfAudit(db, part)

    @contextlib.contextmanager
    def of_bytes(
        self, digest: str, observation: int | None
    ) -> Iterator[tuple[PartOfAudit, int | None]]:
        """Give the database of the part whose observation it is, and its number there."""
        if observation is None:
            observation = observation_with(self._whole, digest)
        part = 0 if observation is None else observation >> PART_BITS
        # No observation has the number 0.
        number = (observation or 0) & _NUMBER_IN_PART if part in self._files else 0
        part = part if part in self._files else 0
        with self._files.connection(part) as db:
            yield PartOfAudit(db, part), number

    def searched(self) -> Iterator[tuple[PartOfAudit, Path]]:
        """Yield the databases of all parts, one after the other."""
        if not self._files.are_here or self._plan.parts > MAX_SEARCHED:
            raise NotSearchedError(
                f"Search reads the databases of all parts, of at most {MAX_SEARCHED}, in a folder "
                "of this machine; `tdm-audit serve` of the database of one part searches that part"
            )
        for part in range(self._plan.parts):
            with self._files.connection(part) as db, self._files.opened(part) as path:
                yield PartOfAudit(db, part), path.parent

    def is_elsewhere(self, sql: str) -> bool:
        """Return whether a query is a question about views that were left out."""
        return sql in self._elsewhere

    def answer(self, sql: str, parameters: Mapping[str, Any], most: int) -> Results:
        """Return the answer to a question about one origin from its part, else from all tables."""
        question = self._elsewhere[sql]
        given = {name: parameters[name] for name in question.parameters}
        if "origin" in given:
            return self._of_origin(question, given, most)
        key = (sql, *sorted(given.items()), most)
        found = self._answers.get(key)
        if found is None:
            found = self._of_whole(sql, given, most)
            if len(found) <= _MAX_KEPT:
                self._answers.put(key, found)
        return found

    def _of_origin(self, question: NamedQuestion, given: Mapping[str, Any], most: int) -> Results:
        limit = sandbox.SECONDS * 1000
        with self.of_url(given["origin"]) as opened, sqlite_timelimit(opened.db, limit):
            description, rows = first_rows(opened.db, question.sql, given, most + 1)
        numbered = [column[0] in NUMBERS for column in description]
        rows = [
            tuple(
                opened.in_whole(value) if is_number and value is not None else value
                for is_number, value in zip(numbered, row, strict=True)
            )
            for row in rows
        ]
        return _results(description, rows, most)

    def _of_whole(self, sql: str, given: Mapping[str, Any], most: int) -> Results:
        description, rows = first_rows(self._whole, sql, given, most + 1)
        return _results(description, [tuple(map(_as_in_sqlite, row)) for row in rows], most)


def _as_in_sqlite(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, Decimal) else value


def views_of(sql: str) -> frozenset[str]:
    """Return the public views that the SQL of a question reads."""
    return frozenset(_READ.findall(sql)) & frozenset(public_views())


class _NamedRow(tuple[Any, ...]):
    """A row whose values are found by the names of their columns, too, as in `sqlite3.Row`."""

    columns: list[str]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.columns:
                raise IndexError(key)
            key = self.columns.index(key)
        return super().__getitem__(key)


def _results(description: Any, rows: list[tuple[Any, ...]], most: int) -> Results:
    columns = [column[0] for column in description]
    named = list(map(_NamedRow, rows[:most]))
    for row in named:
        row.columns = columns
    return Results(named, len(rows) > most, description)


@contextlib.contextmanager
def opened_audit(db: Path | str, cache: Path, bar: Bar) -> Iterator[Audit]:
    """Give the audit at a path or URL. Raise `StoreError`.

    `cache` is the folder for a database of the whole; `bar` shows how that is made.
    """
    if isinstance(db, Path) and not db.is_dir():
        connect_read_only(db).close()
        yield OneFile(db)
        return
    from crawler.commands.whole import opened_whole

    folder = AuditFolder(storage_at(str(db)))
    with opened_whole(folder) as whole, scratch_folder() as scratch:
        place = folder.shown if isinstance(db, str) else str(db.resolve())
        pages = whole_copy(
            _writable(cache) or scratch,
            place,
            whole,
            sorted_by=DESCENDING,
            shown=lambda views: _shown(views, bar),
        )
        yield AuditInParts(folder, whole, ServedParts(folder, whole.generations, scratch), pages)


def _shown(views: list[str], bar: Bar) -> Iterator[str]:
    with bar:
        bar.begin("copying the views", len(views))
        for view in views:
            yield view
            bar.step()


def _writable(cache: Path) -> Path | None:
    """Return the folder for what can be made again, None if it cannot be written."""
    with contextlib.suppress(OSError):
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(cache, os.W_OK):
            return cache
    return None
