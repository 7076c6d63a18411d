"""Files in the cache folder of a user: one for each state of an audit, made when it is missing.

Rules for editors: they quote evidence, so that only their user may read them, and those of older
states go.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from crawler.interrupts import removed_at_the_end
from crawler.store.failures import os_errors_as_store_error, sqlite_errors_as_store_error


def cache_folder() -> Path:
    """Return the folder for what can be made again (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # "All paths must be absolute. If an implementation encounters a relative path ... ignore it."
    folder = Path(base) if base.startswith("/") else Path("~/.cache").expanduser()
    return folder / "tdm-audit"


def cached_file(file: Path, of_audit: str, build: Callable[[Path], None], *, states: int) -> Path:
    """Return a file of one state of an audit; `build` fills an empty one if it is missing.

    Of the files that match `of_audit`, a pattern, the newest `states` are kept. Raise `StoreError`.
    """
    folder = file.parent
    with os_errors_as_store_error(folder), sqlite_errors_as_store_error(file):
        if not file.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = file.with_suffix(f".{os.getpid()}.part")
            unfinished.unlink(missing_ok=True)
            with removed_at_the_end(unfinished):
                os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
                build(unfinished)
                os.replace(unfinished, file)
        with contextlib.suppress(OSError):  # a folder that is only read keeps the old times
            os.utime(file)
        others = sorted(folder.glob(of_audit), key=_modified_at, reverse=True)
        for other in [other for other in others if other != file][states - 1 :]:
            other.unlink(missing_ok=True)
    return file


def _modified_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another process has removed it
