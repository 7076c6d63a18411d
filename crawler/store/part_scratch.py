"""Scratch folders of work on parts, in the system's temporary directory.

A process that is killed leaves its scratch, which may hold a part of the audit. The next one
removes it: a scratch whose lock is free belongs to no process.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from crawler.store.failures import os_errors_as_store_error

_PREFIX = "tdm-audit-part-"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty folder, which is removed at the end, and remove those that others left."""
    base = Path(tempfile.gettempdir())
    with os_errors_as_store_error(base):
        _remove_leftovers(base)
        # A lock next to the folder, made before it: whoever finds the folder finds it locked.
        descriptor, name = tempfile.mkstemp(".lock", _PREFIX, base)
        os.close(descriptor)
    lock = FileLock(name)
    folder = Path(name.removesuffix(".lock"))
    with contextlib.suppress(NotImplementedError):  # a file system without locks
        lock.acquire()
    try:
        with os_errors_as_store_error(folder):
            folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(name).unlink(missing_ok=True)
        lock.release()


def _remove_leftovers(base: Path) -> None:
    for folder in base.glob(f"{_PREFIX}*"):
        lock_file = folder.with_name(f"{folder.name}.lock")
        if folder.suffix == ".lock" or not lock_file.exists():
            continue
        # Of another user it cannot be opened, and is theirs to remove.
        with contextlib.suppress(Timeout, NotImplementedError, OSError), FileLock(lock_file, 0):
            shutil.rmtree(folder, ignore_errors=True)
            lock_file.unlink(missing_ok=True)
