"""`FlagManifest`: the finished files of a folder, so that an interrupted `flag` can continue."""

import contextlib
import glob
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from crawler.commands.flag_counts import Counts, counts_as_json, counts_of_json
from crawler.reports.export import replaced
from crawler.subprocesses import is_running

#: Name of the file in the output folder.
MANIFEST = ".tdm-audit.jsonl"


class FlagManifest:
    """The finished files of an output folder, with their counts, as JSON Lines in the folder.

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
        content = b""
        # A manifest that cannot be read means that all files are written again.
        with contextlib.suppress(OSError):
            content = self._path.read_bytes()
        lines = content.splitlines(keepends=True)
        self._entries = dict(filter(None, map(_entry, lines)))
        # Lines of files that were written again, or a line that was cut off, are to be left out.
        self._is_tidy = list(map(_line, self._entries.values())) == lines

    def finished(self, out: Path, files: tuple[Path, ...]) -> Counts | None:
        """Return the counts of a finished file; None if it must be written."""
        try:
            entry = self._entries[self._name(out)]
            if (entry["from"], entry["bytes"]) != (self._identity(files), self._size(out)):
                return None
            return counts_of_json(entry)
        except (OSError, LookupError, TypeError, ValueError):
            return None

    def add(self, out: Path, files: tuple[Path, ...], counts: Counts) -> None:
        """Add a finished file and store its entry."""
        self._entries.pop(self._name(out), None)
        entry = {
            "out": self._name(out),
            "from": self._identity(files),
            "bytes": self._size(out),
            **counts_as_json(counts),
        }
        self._entries[self._name(out)] = entry
        if self._is_tidy:
            # Appended: to write all entries again for each file is dearer than flagging it.
            with self._path.open("ab") as stream:
                stream.write(_line(entry))
            return
        self._write()

    def outdated(self, jobs: Collection[Path], is_gone: Callable[[str], bool]) -> list[Path]:
        """Return the files, as they were written, whose files of the dataset are gone.

        `jobs` are the files that are written now. `is_gone` tells by the name of a file of the
        dataset whether it is not there any more.
        """
        now = set(map(self._name, jobs))
        return [
            self._folder / name
            for name, entry in sorted(self._entries.items())
            if name not in now
            and (sources := _sources(entry))
            and all(map(is_gone, sources))
            and self._is_as_written(name)
        ]

    def forget(self, files: Collection[Path]) -> None:
        """Leave files out that were removed."""
        for out in files:
            del self._entries[self._name(out)]
        self._write()

    def _is_as_written(self, name: str) -> bool:
        """Return whether a name is of a file below the folder that has the size it was given."""
        out = self._folder / name
        # Whoever can write the folder can write this file as well.
        if ".." in out.parts or not out.resolve().is_relative_to(self._folder.resolve()):
            return False
        with contextlib.suppress(OSError):
            size = self._size(out)
            return size is not None and size == self._entries[name].get("bytes")
        return False

    def _write(self) -> None:
        with replaced(self._path) as unfinished:
            unfinished.write_bytes(b"".join(map(_line, self._entries.values())))
        self._is_tidy = True

    def _name(self, out: Path) -> str:
        return str(out.relative_to(self._folder))

    def _identity(self, files: tuple[Path, ...]) -> list[Any]:
        return [self._facts, *(list(self._identity_of(file)) for file in files)]


def _sources(entry: dict[str, Any]) -> list[str]:
    """Return the names of the files of the dataset that a file was made from; none if unknown."""
    with contextlib.suppress(LookupError, TypeError):
        return [str(name) for name, *_ in entry["from"][1:]]
    return []


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True).encode() + b"\n"


def _entry(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """Return the name of a file and its entry; None for a line that is no entry."""
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        entry = json.loads(line)
        return str(entry["out"]), entry
    return None


def remove_leftovers(out: Path) -> None:
    """Remove unfinished copies of a file whose process has ended."""
    # The name holds the process id (see `reports.export.replaced`).
    for unfinished in out.parent.glob(f".{glob.escape(out.name)}.*.part"):
        process = unfinished.name.split(".")[-2]
        if process.isdigit() and not is_running(int(process)):
            with contextlib.suppress(OSError):
                unfinished.unlink()
