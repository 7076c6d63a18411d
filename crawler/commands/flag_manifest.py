"""`FlagManifest`: the finished files of a folder, so that an interrupted `flag` can continue."""

import contextlib
import glob
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crawler.commands.flag_writer import Counts, Reason
from crawler.reports.export import replaced
from crawler.subprocesses import is_running

#: Name of the file in the output folder.
MANIFEST = ".tdm-audit.json"


class FlagManifest:
    """The finished files of an output folder, with their counts, as JSON in the folder.

    A file counts as finished if its size is unchanged and it was made from the same files (by path,
    size and modification time) with equal `facts` (evidence and options, see `FlagWriter`).
    `identity` tells path, size and time of a file of the dataset, `size` the size of a file of the
    folder, None if there is none.
    """

    def __init__(
        self,
        folder: Path,
        facts: str,
        identity: Callable[[Path], tuple[str, int, str | int]],
        size: Callable[[Path], int | None],
    ) -> None:
        self._folder, self._path, self._facts = folder, folder / MANIFEST, facts
        self._identity_of, self._size = identity, size
        self._entries: dict[str, Any] = {}
        # A manifest that cannot be read means that all files are written again.
        with contextlib.suppress(OSError, ValueError, RecursionError):
            entries = json.loads(self._path.read_text("utf-8"))
            self._entries = entries if isinstance(entries, dict) else {}

    def finished(self, out: Path, files: tuple[Path, ...]) -> Counts | None:
        """Return the counts of a finished file; None if it must be written."""
        try:
            entry = self._entries[self._name(out)]
            if (entry["from"], entry["bytes"]) != (self._identity(files), self._size(out)):
                return None
            return _counts(entry)
        except (OSError, LookupError, TypeError, ValueError):
            return None

    def add(self, out: Path, files: tuple[Path, ...], counts: Counts) -> None:
        """Add a finished file and save the manifest."""
        self._entries[self._name(out)] = {
            "from": self._identity(files),
            "bytes": self._size(out),
            "rows": [
                [*reason, rows, counts.kept_reasons[reason]]
                for reason, rows in sorted(counts.reasons.items())
            ],
            "digest": counts.digest,
            "unreadable": counts.unreadable,
            "columns": counts.columns,
            "damaged": counts.damaged,
        }
        with replaced(self._path) as unfinished:
            unfinished.write_text(json.dumps(self._entries, indent=1, sort_keys=True), "utf-8")

    def _name(self, out: Path) -> str:
        return str(out.relative_to(self._folder))

    def _identity(self, files: tuple[Path, ...]) -> list[Any]:
        return [self._facts, *(list(self._identity_of(file)) for file in files)]


def _counts(entry: dict[str, Any]) -> Counts:
    rows: dict[Reason, int] = {}
    kept: dict[Reason, int] = {}
    for state, basis, row_count, kept_count in entry["rows"]:
        rows[state, basis], kept[state, basis] = int(row_count), int(kept_count)
    return Counts(
        reasons=Counter(rows),
        kept_reasons=Counter(kept),
        digest=str(entry["digest"]),
        unreadable=int(entry["unreadable"]),
        columns=tuple((str(name), str(how)) for name, how in entry["columns"]),
        damaged=dict(entry["damaged"]),
    )


def remove_leftovers(out: Path) -> None:
    """Remove unfinished copies of a file whose process has ended."""
    # The name holds the process id (see `reports.export.replaced`).
    for unfinished in out.parent.glob(f".{glob.escape(out.name)}.*.part"):
        process = unfinished.name.split(".")[-2]
        if process.isdigit() and not is_running(int(process)):
            with contextlib.suppress(OSError):
                unfinished.unlink()
