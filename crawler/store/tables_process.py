"""Export the tables of a part in a process that has nothing else in memory.

Arrow and the tables of 10,000 origins take 100 MB of a process, which does not return them. One
that crawls has 200 MB already.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from crawler import subprocesses
from crawler.interrupts import handle_signals
from crawler.store.database import connect, sqlite_errors_as_store_error
from crawler.store.failures import DiskNotWritableError, StoreError

#: Size of a database up to which its tables are exported in this process: some 1,000 synthetic
#: origins. A process for it takes 0.4 s of CPU, which is much for a part of ten origins and a
#: twentieth of the crawl of a thousand.
MAX_BYTES_IN_PROCESS = 16 << 20

# Errors that the process sends by name, the special one first; this process raises them again.
_FAILURES = (DiskNotWritableError, StoreError)
_FAILED = "the tables of a part were not written"


class TablesProcessError(StoreError):
    """The process that exports tables could not be started, or was killed."""


def export_tables(path: Path, folder: Path, part: int, generation: int) -> None:
    """Export the tables of the database at `path` into a folder of tables, as those of one part.

    Raise `StoreError`.
    """
    if path.stat().st_size <= MAX_BYTES_IN_PROCESS:
        _export(path, folder, part, generation)
        return
    message = {"db": str(path), "folder": str(folder), "part": part, "generation": generation}
    try:
        subprocesses.ask(__name__, message, _FAILURES)
    except OSError as error:
        reason = error.strerror or error
        raise TablesProcessError(f"{_FAILED}: no process could be started, {reason}") from error
    except subprocesses.HelperEndedError as error:
        raise TablesProcessError(f"{_FAILED}: the process for it ended {error}") from error


def _export(path: Path, folder: Path, part: int, generation: int) -> None:
    # Not at the top: it imports Arrow, which is not for a process that crawls.
    from crawler.store.tables import export

    with sqlite_errors_as_store_error(path), closing(connect(path)) as db:
        export(db, folder, part=part, generation=generation)


def main() -> None:
    """Export what the message on standard input names; send nothing but an error, or `{}`."""

    def answer(message: Mapping[str, Any]) -> Mapping[str, object]:
        path, folder = Path(message["db"]), Path(message["folder"])
        _export(path, folder, message["part"], message["generation"])
        return {}

    # What began to put a generation ends it, whichever process a signal is sent to.
    with handle_signals(lambda: None):
        subprocesses.answer(answer, _FAILURES)
