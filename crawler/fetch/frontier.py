"""A run's work in the database: origins out to the crawler, visits back in."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import fields

from crawler.fetch.clock import stamp
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import OriginJob, RunEnd, Visit
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, exclusive_lock, transaction
from crawler.store.stored_responses import stored_responses


class DatabaseFrontier:
    """The origins that a run still has to ask, and the place where visits are kept."""

    def __init__(self, db: sqlite3.Connection, due: runs.Due, *, keep_pages: bool = False) -> None:
        self._db = db
        self._due = due
        self._keep_pages = keep_pages

    def __len__(self) -> int:
        """How many origins are still to be asked."""
        return runs.count_due(self._db, self._due)

    def jobs(self) -> Iterator[OriginJob]:
        """Origins with their sampled pages and what they sent before, the heaviest first, fed
        lazily.
        """
        again = runs.is_repeated(self._db, self._due)
        for number, origin, samples in runs.iter_due(self._db, self._due):
            known = (
                stored_responses(self._db, number, whole_pages=self._keep_pages) if again else {}
            )
            yield OriginJob(origin_id=number, origin=origin, samples=samples, known=known)

    def save(self, visits: Sequence[Visit]) -> None:
        """Store visits whole, all of them in one transaction."""
        now = stamp()
        run = self._due.run
        with transaction(self._db):
            for visit in visits:
                evidence_writer.save_visit(
                    self._db,
                    run,
                    visit.origin_id,
                    visit.observations,
                    now,
                    keep_pages=self._keep_pages,
                )

    def finish(self, ended: RunEnd) -> None:
        """A run that is finished is final; any other is continued by the next crawl."""
        if ended is RunEnd.FINISHED:
            runs.end_run(self._db, self._due.run, ended, stamp())


class RunFrontier(DatabaseFrontier):
    """A workbook that opened its database itself, and closes it when the crawl has ended.

    `options` are those that the run began with.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        due: runs.Due,
        options: FetchOptions,
        kept: contextlib.ExitStack,
        *,
        keep_pages: bool,
    ) -> None:
        super().__init__(db, due, keep_pages=keep_pages)
        self.options = options
        self._kept = kept

    def finish(self, ended: RunEnd) -> None:
        """Take note of how it ended, and let the database go."""
        with self._kept:
            super().finish(ended)

    def close(self) -> None:
        """Let the database go, and the run go on."""
        self._kept.close()


def open_frontier(path: str, run: int | None) -> RunFrontier:
    """The workbook of a run in a database, of the last unfinished one if none is named.

    It holds the database until it is finished. Raises `StoreError` and `StoreBusyError`.
    """
    with contextlib.ExitStack() as kept:
        kept.enter_context(exclusive_lock(path))
        db = kept.enter_context(contextlib.closing(connect(path)))
        due, settings = runs.due_of(db, run)
        # A time budget is for one command, not for the run.
        names = {field.name for field in fields(FetchOptions)} & settings.keys() - {"time_budget"}
        given = {n: settings[n] for n in names}
        given |= {n: tuple(given[n]) for n in ("connect_to", "allow_network")}
        keep_pages = bool(settings.get("keep_pages"))
        options = FetchOptions(**given)
        return RunFrontier(db, due, options, kept.pop_all(), keep_pages=keep_pages)
