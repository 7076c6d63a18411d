"""Frontier in the database: the origins that a run still has to visit, and their visits.

Rules for editors: an origin counts as visited only in the transaction that stores its last
observation. Save visits whole; a visit that is cut off is made again by the next crawl.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import fields

from crawler.clock import stamp
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import OriginJob, RunEnd, Visit
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, exclusive_lock, transaction
from crawler.store.fresh_files import fresh_files
from crawler.store.stored_responses import stored_responses


class DatabaseFrontier:
    """The origins that are due in a run. Visits are stored in the same database.

    `keep_pages` stores pages whole, not only their extracts.
    """

    def __init__(self, db: sqlite3.Connection, due: runs.Due, *, keep_pages: bool = False) -> None:
        self._db = db
        self._due = due
        self._keep_pages = keep_pages

    def __len__(self) -> int:
        """Return the number of origins still to be visited."""
        return runs.count_due(self._db, self._due)

    def jobs(self) -> Iterator[OriginJob]:
        """Yield origins with sampled pages and stored responses, the heaviest first.

        Rows are read as they are consumed, so memory does not grow with the run.
        """
        # Only a repeated run has stored responses that could be revalidated.
        is_repeated = runs.is_repeated(self._db, self._due)
        for origin_id, origin, samples in runs.iter_due(self._db, self._due):
            previous = (
                stored_responses(self._db, origin_id, whole_pages=self._keep_pages)
                if is_repeated
                else {}
            )
            known = () if self._due.list is None else fresh_files(self._db, self._due, origin_id)
            yield OriginJob(
                origin_id=origin_id,
                origin=origin,
                samples=samples,
                stored_responses=previous,
                known=known,
            )

    def save(self, visits: Sequence[Visit]) -> None:
        """Store visits in one transaction."""
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
        """Mark a finished run as final. Any other run is continued by the next crawl."""
        if ended is RunEnd.FINISHED:
            runs.end_run(self._db, self._due.run, ended, stamp())


class RunFrontier(DatabaseFrontier):
    """A frontier that owns its database connection and lock; `finish` releases them.

    `options` are the fetch options stored when the run began.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        due: runs.Due,
        options: FetchOptions,
        resources: contextlib.ExitStack,
        *,
        keep_pages: bool,
    ) -> None:
        super().__init__(db, due, keep_pages=keep_pages)
        self.options = options
        self._resources = resources

    def finish(self, ended: RunEnd) -> None:
        """Record how the crawl ended, and release the database."""
        with self._resources:
            super().finish(ended)


def open_frontier(path: str, run: int | None) -> RunFrontier:
    """Open the frontier of a run in the database at `path`; None means the last unfinished run.

    The database stays locked until `finish`.
    Raises `StoreError` if there is no such run and `StoreBusyError` if the lock is taken.
    """
    with contextlib.ExitStack() as resources:
        resources.enter_context(exclusive_lock(path))
        db = resources.enter_context(contextlib.closing(connect(path)))
        due, settings = runs.due_of(db, run)
        # A time budget is for one command, not for the run.
        names = {field.name for field in fields(FetchOptions)} & settings.keys() - {"time_budget"}
        chosen = {name: settings[name] for name in names}
        # JSON has no tuples, and `FetchOptions` must be hashable.
        chosen |= {name: tuple(chosen[name]) for name in ("connect_to", "allow_network")}
        keep_pages = bool(settings.get("keep_pages"))
        options = FetchOptions(**chosen)
        return RunFrontier(db, due, options, resources.pop_all(), keep_pages=keep_pages)
