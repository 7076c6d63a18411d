"""What a flagging of a folder has finished, so that the next one can go on from there."""

import contextlib
import glob
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from crawler.commands.flag_writer import Counts, Reason
from crawler.reports.export import replaced

#: What the finished files of a folder were made from and hold, for the next flagging.
MANIFEST = ".tdm-audit.json"


class FlagManifest:
    """Which files of a folder are finished, kept in the folder itself.

    A file counts as finished if it was made from the same files (by size and time of change),
    from the same evidence and in the same way, and has the size that it had then.
    """

    def __init__(self, folder: Path, facts: str) -> None:
        self._folder, self._path, self._facts = folder, folder / MANIFEST, facts
        self._entries: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError, RecursionError):
            found = json.loads(self._path.read_text("utf-8"))
            self._entries = found if isinstance(found, dict) else {}

    def finished(self, out: Path, files: tuple[Path, ...]) -> Counts | None:
        """The counts of a file that need not be written again, None for one that must."""
        try:
            entry = self._entries[self._name(out)]
            if (entry["from"], entry["bytes"]) != (self._identity(files), out.stat().st_size):
                return None
            return _counts(entry)
        except (OSError, LookupError, TypeError, ValueError):
            return None

    def add(self, out: Path, files: tuple[Path, ...], counts: Counts) -> None:
        """Note that a file is finished."""
        self._entries[self._name(out)] = {
            "from": self._identity(files),
            "bytes": out.stat().st_size,
            "rows": [
                [*reason, rows, counts.kept_reasons[reason]]
                for reason, rows in sorted(counts.reasons.items())
            ],
            "digest": counts.digest,
        }
        with replaced(self._path) as unfinished:
            unfinished.write_text(json.dumps(self._entries, indent=1, sort_keys=True), "utf-8")

    def _name(self, out: Path) -> str:
        return str(out.relative_to(self._folder))

    def _identity(self, files: tuple[Path, ...]) -> list[Any]:
        stats = [(str(file.resolve()), file.stat()) for file in files]
        return [self._facts, *([name, s.st_size, s.st_mtime_ns] for name, s in stats)]


def _counts(entry: dict[str, Any]) -> Counts:
    rows: dict[Reason, int] = {}
    kept: dict[Reason, int] = {}
    for state, basis, count, keeping in entry["rows"]:
        rows[state, basis], kept[state, basis] = int(count), int(keeping)
    return Counts(reasons=Counter(rows), kept_reasons=Counter(kept), digest=str(entry["digest"]))


def remove_leftovers(out: Path) -> None:
    """Remove what processes that were killed have left of a file."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.*.part"):
        process = left.name.split(".")[-2]
        if process.isdigit() and not _runs(int(process)):
            with contextlib.suppress(OSError):
                left.unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
