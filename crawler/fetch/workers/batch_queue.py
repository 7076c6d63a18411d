"""Queue of batches: the origins of a run, cut into shards for the workers."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from crawler.store import runs
from crawler.store.batches import Batches
from crawler.store.shards import Shard, Shards

#: The most origins of a batch, and the least while enough origins are left.
MAX_BATCH, MIN_BATCH = 1_000, 50
#: How often a batch may lose its worker; after that the batch itself is the likely cause.
MAX_LOSSES = 3


class BatchQueue:
    """Shards to be crawled: those that lost their worker first, then new ones.

    `path` is the audit database, `settings` become those of the run in each shard. Batches get
    smaller towards the end, so that all of `workers` finish together.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        path: Path,
        due: runs.Due,
        settings: Mapping[str, object],
        *,
        workers: int,
        max_batch: int,
    ) -> None:
        self._settings, self._workers, self._max_batch = settings, workers, max_batch
        self._shards = Shards(db, path, due.run)
        self._batches = Batches(db, due)
        self._requeued: list[Shard] = []
        self._losses: Counter[Path] = Counter()

    def next(self) -> Shard | None:
        """Return the next shard, None if there are no more."""
        if self._requeued:
            return self._requeued.pop()
        # A quarter of an even share: the last batches are then small enough to end together.
        even_share = self._batches.left // (4 * self._workers)
        smallest = min(MIN_BATCH, self._max_batch)
        origins = self._batches.take(max(smallest, min(self._max_batch, even_share)))
        return self._shards.make(origins, self._settings) if origins else None

    def requeue(self, shard: Shard) -> None:
        """Put back a shard that its worker did not finish."""
        shard.close()
        self._requeued.append(shard)

    def count_loss(self, shard: Shard) -> bool:
        """Count a worker that ended over a shard; return whether that was once too often."""
        self._losses[shard.path] += 1
        return self._losses[shard.path] > MAX_LOSSES

    def discard(self, shard: Shard) -> None:
        """Remove a shard whose visits are all merged."""
        self._shards.discard(shard)

    def clear(self) -> None:
        """Remove all shards of the run."""
        self._shards.clear()
