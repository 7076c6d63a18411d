"""A crawl process among several: asks batch after batch that the command hands it.

Lines of JSON come on standard input: the path of a shard, or "" if there are no more. Lines go
out on standard output: `{"wants": "more"}` when a batch is begun after the first, `{"failed":
"one sentence"}` at the end of one that failed. When the command is gone, so is this.
"""

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from queue import Empty

from crawler import subprocesses
from crawler.errors import UserError
from crawler.fetch.frontier import RunFrontier, open_frontier
from crawler.fetch.scheduler import OriginJob, RunEnd, Visit
from crawler.fetch.scrapy_.run import crawl
from crawler.store.database import sqlite_errors_as_store_error

# Seconds that the next batch is waited for, since what is in flight waits with it.
_PATIENCE = 1.0


class _CoordinatorChannel(subprocesses.ParentChannel):
    """The process that started this one, which hands out shards."""

    def shard(self) -> str:
        """The path of the next shard; empty if there is none."""
        try:
            return str(self.receive(_PATIENCE))
        except Empty:
            return ""

    @contextlib.contextmanager
    def using(self, path: str) -> Iterator[None]:
        """Say what is wrong with a shard and end at once: what is in flight could not be kept,
        and an event loop that is closed over it says much about that.
        """
        try:
            with sqlite_errors_as_store_error(path):
                yield
        except UserError as error:
            self.send({"failed": str(error)})
            os._exit(error.status)


class BatchFrontier:
    """Batches one after another as one workbook: while the last origins of one are in flight,
    those of the next are begun. A visit is kept in the shard that its origin came from.
    """

    def __init__(
        self,
        path: str,
        open_shard: Callable[[str], RunFrontier],
        next_shard: Callable[[], str],
        using: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._open, self._next, self._using = open_shard, next_shard, using
        self._books: dict[str, RunFrontier] = {}
        self._home: dict[int, str] = {}
        self._unsaved: Counter[str] = Counter()
        self._first = path
        self.options = self._begin(path).options

    def _begin(self, path: str) -> RunFrontier:
        with self._using(path):
            self._books[path] = book = self._open(path)
        return book

    def jobs(self) -> Iterator[OriginJob]:
        """The jobs of every batch that comes."""
        yield from self._jobs(self._first)
        while path := self._next():
            self._begin(path)
            yield from self._jobs(path)

    def _jobs(self, path: str) -> Iterator[OriginJob]:
        self._unsaved[path] += 1  # so that it stays while there are jobs in it
        with self._using(path):
            for job in self._books[path].jobs():
                self._home[job.origin_id] = path
                self._unsaved[path] += 1
                yield job
        self._done(path, 1)

    def save(self, visits: Sequence[Visit]) -> None:
        """Store visits whole, those of a shard in one transaction."""
        by_shard: dict[str, list[Visit]] = {}
        for visit in visits:
            by_shard.setdefault(self._home.pop(visit.origin_id), []).append(visit)
        for path, of_shard in by_shard.items():
            with self._using(path):
                self._books[path].save(of_shard)
            self._done(path, len(of_shard))

    def _done(self, path: str, visits: int) -> None:
        """Let a shard go, and the pages of it in memory, once all of it is saved."""
        self._unsaved[path] -= visits
        if not self._unsaved[path]:
            with self._using(path):
                self._books.pop(path).close()

    def finish(self, ended: RunEnd) -> None:
        """Let every shard go; how the run ends is not known here."""
        del ended
        for path, book in self._books.items():
            with self._using(path):
                book.close()


def main() -> None:
    """Work for the process at the other end; `sys.argv` ends with the number of the run."""
    run, command = int(sys.argv[-1]), _CoordinatorChannel()

    def following() -> str:
        path = command.shard()
        if path:
            command.send({"wants": "more"})
        return path

    if path := command.shard():
        opened = partial(open_frontier, run=run)
        book = BatchFrontier(path, opened, following, command.using)
        crawl(book, book.options)
