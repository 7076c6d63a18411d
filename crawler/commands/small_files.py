"""`SmallFiles`: the verdicts of many small files, evaluated together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import accumulate
from pathlib import Path

import duckdb
import pyarrow as pa

from crawler.dataset.files import DatasetError
from crawler.dataset.rows import Rows
from crawler.flags import Flagger

# Rows and files that are evaluated together. A step of the flagger costs some milliseconds before
# its first row, so it pays to take several files at once; what they are is in memory meanwhile.
_MAX_ROWS = 1_000_000
_MAX_FILES = 64
# Above it a file is evaluated by itself.
_MAX_ROWS_OF_FILE = 250_000

_Open = Callable[[Path], AbstractContextManager[Rows]]


class SmallFiles:
    """Rows of small files, with their verdicts, until they are taken.

    Files that are large, that cannot be read with others, or that
    cannot be read at all are left out: who writes them opens them and gets the error.
    """

    def __init__(self, flagger: Flagger) -> None:
        self._flagger = flagger
        self._evaluated: dict[Path, tuple[Rows, pa.RecordBatch]] = {}
        self._looked_at: set[Path] = set()

    def take(self, file: Path) -> tuple[Rows, Iterator[pa.RecordBatch]] | None:
        """Return rows and verdicts (as of `Flagger.row_batches`) of a file; None without them."""
        self._looked_at.discard(file)
        if (found := self._evaluated.pop(file, None)) is None:
            return None
        rows, verdicts = found
        return rows, iter([verdicts])

    def evaluate(self, files: Iterable[Path], open_rows: _Open) -> None:
        """Evaluate the first of some files together, unless the first one was looked at.

        `open_rows` opens the rows of one file.
        """
        opened: dict[Path, Rows] = {}
        total = 0
        for file in files:
            if file in self._looked_at or total >= _MAX_ROWS or len(opened) >= _MAX_FILES:
                break
            self._looked_at.add(file)
            if (rows := _open_small(file, open_rows)) is not None:
                opened[file] = rows
                total += rows.count or 0
        if len(opened) > 1:
            self._evaluate(opened)

    def _evaluate(self, opened: dict[Path, Rows]) -> None:
        counts = [rows.count or 0 for rows in opened.values()]
        starts = [0, *accumulate(counts)]
        try:
            batches = list(self._flagger.row_batches(_together(opened.values(), starts)))
        except duckdb.Error:  # of one of them, which is told when it is written
            return
        verdicts = pa.concat_batches(batches)
        for start, count, (file, rows) in zip(starts, counts, opened.items(), strict=False):
            self._evaluated[file] = rows, verdicts.slice(start, count)


def _open_small(file: Path, open_rows: _Open) -> Rows | None:
    """Return the rows of a file; None for one that is not small or that cannot be read."""
    try:
        with open_rows(file) as rows:
            is_small = 0 < (rows.count or 0) <= _MAX_ROWS_OF_FILE
            return rows if is_small and rows.urls.is_plain else None
    except DatasetError:
        return None


def _together(opened: Iterable[Rows], starts: Sequence[int]) -> str:
    """Return one query for the rows of several files, numbered one after the other."""
    return " UNION ALL ".join(
        f"SELECT * REPLACE (n + {start} AS n) FROM ({part})"  # noqa: S608 - our own numbers
        for rows, start in zip(opened, starts, strict=False)
        for part in rows.parts
    )
