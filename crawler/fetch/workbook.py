"""A run's work in the database: origins out to the crawler, visits back in."""

import sqlite3
from collections.abc import Iterator, Sequence

from crawler.fetch.clock import stamp
from crawler.fetch.pool import Job, Visit
from crawler.store import evidence
from crawler.store.database import transaction


class StoreWorkbook:
    """The origins that a run still has to ask, and the place where visits are kept."""

    def __init__(
        self, db: sqlite3.Connection, due: evidence.Due, *, keep_pages: bool = False
    ) -> None:
        self._db = db
        self._due = due
        self._keep_pages = keep_pages

    def __len__(self) -> int:
        """How many origins are still to be asked."""
        return evidence.count_due(self._db, self._due)

    def jobs(self) -> Iterator[Job]:
        """Origins with their sampled pages, those with most rows first, fed lazily."""
        for number, origin, samples in evidence.iter_due(self._db, self._due):
            yield Job(origin_id=number, origin=origin, samples=samples)

    def save(self, visits: Sequence[Visit]) -> None:
        """Store visits whole, all of them in one transaction."""
        now = stamp()
        run = self._due.run
        with transaction(self._db):
            for visit in visits:
                evidence.save_visit(
                    self._db,
                    run,
                    visit.origin_id,
                    visit.observations,
                    now,
                    keep_pages=self._keep_pages,
                )
