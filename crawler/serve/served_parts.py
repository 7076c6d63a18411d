"""The databases of parts that a server reads, at paths of this machine."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import StoreError, connect_read_only
from crawler.store.failures import code_of, sqlite_errors_as_store_error
from crawler.store.parts import LocalStorage

#: Copies of parts of an audit at an object store that are kept at a time.
MAX_COPIES = 4
# What is no fault of the file.
_OF_QUERY = (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_ERROR)


class ServedParts:
    """The generations of the parts that the server began with, whatever is put meanwhile.

    Those at an object store are copied into `scratch`, which keeps the last that were asked for.
    """

    def __init__(self, folder: AuditFolder, generations: Mapping[int, int], scratch: Path) -> None:
        self._folder, self._scratch = folder, scratch
        self._generations = generations
        self._fetching = threading.Lock()
        # By their last use, with how many read them now.
        self._copies: dict[int, tuple[Path, int]] = {}

    def __contains__(self, part: int) -> bool:
        return part in self._generations

    @property
    def are_here(self) -> bool:
        """True if nothing has to be copied."""
        return isinstance(self._folder.storage, LocalStorage)

    @contextlib.contextmanager
    def connection(self, part: int) -> Iterator[sqlite3.Connection]:
        """Give a connection to a part. Raise `StoreError`, which names it, if it is damaged."""
        with (
            self.opened(part) as path,
            self._errors(part, path),
            closing(connect_read_only(path)) as db,
        ):
            yield db

    @contextlib.contextmanager
    def opened(self, part: int) -> Iterator[Path]:
        """Give the path of a part. Raise `StoreError` if it is missing."""
        name = self._name(part)
        if isinstance(self._folder.storage, LocalStorage):
            path = self._folder.storage.root / name
            if not path.exists():
                raise StoreError(f"{path} is missing, which this server reads; restore it")
            yield path
            return
        path = self._take(part, name)
        try:
            yield path
        finally:
            self._give_back(part)

    def _name(self, part: int) -> str:
        return Generation(part, self._generations[part]).name

    @contextlib.contextmanager
    def _errors(self, part: int, path: Path) -> Iterator[None]:
        """Name the part in errors of its file, and not the copy."""
        try:
            try:
                yield
            except sqlite3.Error as error:
                if code_of(error) in _OF_QUERY:
                    raise
                with sqlite_errors_as_store_error(path):
                    raise
        except StoreError as error:
            shown = f"{self._folder.shown}/{self._name(part)}"
            raise StoreError(str(error).replace(str(path), shown)) from error

    def _take(self, part: int, name: str) -> Path:
        with self._fetching:
            path, readers = self._copies.pop(part, (self._scratch / name, 0))
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_suffix(".part")
                self._folder.storage.get(name, unfinished)
                unfinished.replace(path)
            self._copies[part] = (path, readers + 1)
            unused = [number for number, (_, reading) in self._copies.items() if not reading]
            for number in unused[: max(0, len(self._copies) - MAX_COPIES)]:
                self._copies.pop(number)[0].unlink(missing_ok=True)
            return path

    def _give_back(self, part: int) -> None:
        with self._fetching:
            path, readers = self._copies[part]
            self._copies[part] = (path, readers - 1)
