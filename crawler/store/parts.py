"""Storage of an audit in parts: list, read, and put files that are written once.

An audit in parts is a folder. `audit_folder` knows its layout; this module knows where it is, and
nothing of databases. An object store is another `Storage` (`object_storage`).

Rules for editors:

- A name is relative to the folder, with `/`. Whatever is listed is whole: a file appears under its
  name when it is complete.
- `put_once` never replaces a file. All safety of two processes at one part rests on it alone: a
  lock is only there so that hosts are not asked twice, and not every place has locks.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from crawler.folders import remove_empty
from crawler.interrupts import removed_at_the_end
from crawler.remote import is_remote
from crawler.store.database import exclusive_lock
from crawler.store.failures import os_errors_as_store_error
from crawler.store.object_storage import ObjectStorage

_LOCK, _NEW = ".lock", ".new"
# Seconds after which a file that is being made, and that nothing was written to, is a leftover.
_ABANDONED_S = 3600


class Storage(Protocol):
    """A place for the files of one audit. All methods raise `StoreError`."""

    @property
    def shown(self) -> str:
        """The place as users name it."""

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, sorted; none if it does not exist."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a small file; None if there is none."""

    def read_all(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of small files by name, without those that are not there."""

    def get(self, name: str, local: Path) -> None:
        """Copy a file to this machine."""

    def opened(self, name: str) -> AbstractContextManager[Path]:
        """Give a path at which a file can be read while the block lasts."""

    def put_once(self, local: Path, name: str) -> bool:
        """Put a file, whole or not at all; return False if one of that name is there already."""

    def replace(self, name: str, content: bytes) -> None:
        """Put a small file in place of the one that is there, whole or not at all."""

    def held(self, name: str) -> AbstractContextManager[None]:
        """Keep other processes from a name, as far as the place can; raise `StoreBusyError`."""


def storage_at(place: str) -> Storage:
    """Return the storage at a path or a URL. Raise `StoreError`."""
    return ObjectStorage(place) if is_remote(place) else LocalStorage(Path(place))


class LocalStorage:
    """A folder of a file system that has hard links."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def shown(self) -> str:
        """The path as given."""
        return str(self.root)

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, sorted."""
        found = []
        with os_errors_as_store_error(self.root):
            for place, _, files in os.walk(self.root / folder):
                inner = Path(place).relative_to(self.root).as_posix()
                found += [f"{inner}/{file}" for file in files if _is_listed(file)]
        return sorted(found)

    def read(self, name: str) -> bytes | None:
        """Return the content of a small file; None if there is none."""
        with os_errors_as_store_error(self.root / name):
            try:
                return (self.root / name).read_bytes()
            except FileNotFoundError:
                return None

    def read_all(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of small files by name, without those that are not there."""
        found = ((name, self.read(name)) for name in names)
        return {name: content for name, content in found if content is not None}

    def get(self, name: str, local: Path) -> None:
        """Copy a file."""
        with os_errors_as_store_error(self.root / name):
            shutil.copyfile(self.root / name, local)

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """Give the path of the file itself."""
        yield self.root / name

    def put_once(self, local: Path, name: str) -> bool:
        """Put a copy of a file; return False if one of that name is there already."""
        target = self.root / name
        with os_errors_as_store_error(target):
            if target.exists():
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            with _unfinished(target) as new:
                shutil.copyfile(local, new)
                _flush(new)
                # A link, unlike a renaming, never replaces what another process has put meanwhile.
                try:
                    os.link(new, target)
                except FileExistsError:
                    return False
            _flush(target.parent)
        return True

    def replace(self, name: str, content: bytes) -> None:
        """Put a small file in place of the one that is there."""
        target = self.root / name
        with os_errors_as_store_error(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with _unfinished(target) as new:
                new.write_bytes(content)
                _flush(new)
                new.replace(target)
            _flush(target.parent)

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Hold a lock of the file system, if it has locks.

        If the block raises before anything is put in a new folder, the folder is removed.
        """
        new = [folder for folder in (self.root, *self.root.parents) if not folder.exists()]
        with contextlib.ExitStack() as locks:
            # A file system without locks: only `put_once` keeps two processes apart there.
            with contextlib.suppress(NotImplementedError):
                locks.enter_context(exclusive_lock(self.root / name))
            try:
                yield
            except BaseException:
                if new and not self.names("."):
                    (self.root / f"{name}{_LOCK}").unlink(missing_ok=True)
                    remove_empty(new)
                raise


def _is_listed(file: str) -> bool:
    return not file.startswith(".") and not file.endswith(_LOCK)


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """Give a name for a file that is being made next to its place; it is removed at the end."""
    new = target.with_name(f".{target.name}.{token_hex(8)}{_NEW}")
    with removed_at_the_end(new):
        new.touch()
        _remove_leftovers(new)
        yield new


def _remove_leftovers(new: Path) -> None:
    """Remove files that a killed process left, on whichever machine it was."""
    # By the clock of the file system alone: machines that share it may disagree about the time.
    now = new.stat().st_mtime
    for leftover in new.parent.glob(f".*{_NEW}"):
        with contextlib.suppress(FileNotFoundError):
            if now - leftover.stat().st_mtime > _ABANDONED_S:
                leftover.unlink()


def _flush(path: Path) -> None:
    """Have a file or folder written to the disk, so that it outlives a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
