"""Worker process: crawl one shard after another that the coordinator assigns.

Lines of JSON come on standard input: the path of a shard, or "" if there are no more. Lines of
JSON go out on standard output: `{"wants": "more"}` when a shard after the first is begun,
`{"left_due": "why"}` for each origin that this machine could not ask, `{"ended": "no_network"}` if
it has no network, and `{"failed": "one sentence"}` before an exit with a failure. When the
coordinator ends, its end of standard input closes and the worker exits.
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

# Seconds to wait for the next shard. The wait blocks the event loop and with it what is in flight.
_NEXT_SHARD_WAIT_S = 1.0


class _CoordinatorChannel(subprocesses.ParentChannel):
    """Channel to the coordinator."""

    def next_shard(self) -> str:
        """Return the path of the next shard, or "" if there is none."""
        try:
            return str(self.receive(_NEXT_SHARD_WAIT_S))
        except Empty:
            return ""

    @contextlib.contextmanager
    def exit_on_failure(self, path: str) -> Iterator[None]:
        """Report what goes wrong with a shard, and exit at once with the status of the error."""
        try:
            with sqlite_errors_as_store_error(path):
                yield
        except UserError as error:
            self.send({"failed": str(error)})
            # Not `sys.exit`: what is in flight cannot be saved, and an event loop that is closed
            # over it prints a page of warnings.
            os._exit(error.status)


class BatchFrontier:
    """Frontier over several shards, one after another.

    While the last origins of a shard are in flight, those of the next are begun, so that the
    worker is never idle. A visit is saved in the shard that its origin came from, and a shard is
    closed once all its visits are saved.

    `open_shard` opens the frontier of a shard, `next_shard` returns its path or "" at the end, and
    `exit_on_failure` wraps each use of a shard.
    """

    def __init__(
        self,
        path: str,
        open_shard: Callable[[str], RunFrontier],
        next_shard: Callable[[], str],
        exit_on_failure: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._open_shard, self._next_shard = open_shard, next_shard
        self._exit_on_failure = exit_on_failure
        self._frontiers: dict[str, RunFrontier] = {}
        self._path_of: dict[int, str] = {}
        self._unsaved: Counter[str] = Counter()
        self._first_path = path
        self.options = self._open(path).options

    def _open(self, path: str) -> RunFrontier:
        with self._exit_on_failure(path):
            self._frontiers[path] = frontier = self._open_shard(path)
        return frontier

    def jobs(self) -> Iterator[OriginJob]:
        """Yield the jobs of every shard that is assigned."""
        yield from self._jobs_of(self._first_path)
        while path := self._next_shard():
            self._open(path)
            yield from self._jobs_of(path)

    def _jobs_of(self, path: str) -> Iterator[OriginJob]:
        # One more than the jobs taken, so that the shard stays open while there are more in it.
        self._unsaved[path] += 1
        with self._exit_on_failure(path):
            for job in self._frontiers[path].jobs():
                self._path_of[job.origin_id] = path
                self._unsaved[path] += 1
                yield job
        self._mark_saved(path, 1)

    def save(self, visits: Sequence[Visit]) -> None:
        """Store visits, those of a shard in one transaction."""
        by_path: dict[str, list[Visit]] = {}
        for visit in visits:
            by_path.setdefault(self._path_of.pop(visit.origin_id), []).append(visit)
        for path, shard_visits in by_path.items():
            with self._exit_on_failure(path):
                self._frontiers[path].save(shard_visits)
            self._mark_saved(path, len(shard_visits))

    def _mark_saved(self, path: str, visits: int) -> None:
        """Close a shard, and free its pages in memory, once all of it is saved."""
        self._unsaved[path] -= visits
        if not self._unsaved[path]:
            with self._exit_on_failure(path):
                self._frontiers.pop(path).close()

    def finish(self, ended: RunEnd) -> None:
        """Close every shard. How the run ends is for the coordinator to record."""
        del ended
        for path, frontier in self._frontiers.items():
            with self._exit_on_failure(path):
                frontier.close()


def main() -> None:
    """Crawl what the coordinator assigns. The last argument is the number of the run."""
    run, coordinator = int(sys.argv[-1]), _CoordinatorChannel()

    def next_shard() -> str:
        path = coordinator.next_shard()
        if path:
            # Asked for now, so that one is always assigned ahead.
            coordinator.send({"wants": "more"})
        return path

    if path := coordinator.next_shard():
        open_shard = partial(open_frontier, run=run)
        frontier = BatchFrontier(path, open_shard, next_shard, coordinator.exit_on_failure)
        ended = crawl(
            frontier,
            frontier.options,
            on_local_failure=lambda *failure: coordinator.send({"left_due": failure}),
        )
        if ended is RunEnd.NO_NETWORK:
            coordinator.send({"ended": ended})
