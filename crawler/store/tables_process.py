"""Export the tables of a part in a process that has nothing else in memory.

Arrow and the tables of 10,000 origins take 100 MB of a process, which does not return them. One
that crawls has 200 MB already.
"""

import json
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
        answer = subprocesses.ask(__name__, message)
    except OSError as error:
        reason = error.strerror or error
        raise TablesProcessError(f"{_FAILED}: no process could be started, {reason}") from error
    if not answer.sent:
        raise TablesProcessError(f"{_FAILED}: the process for it ended {answer.ended}")
    failed = json.loads(answer.sent)
    for failure in _FAILURES:
        if failure.__name__ in failed:
            raise failure(failed[failure.__name__])


def _export(path: Path, folder: Path, part: int, generation: int) -> None:
    # Not at the top: it imports Arrow, which is not for a process that crawls.
    from crawler.store.tables import export

    with sqlite_errors_as_store_error(path), closing(connect(path)) as db:
        export(db, folder, part=part, generation=generation)


def main() -> None:
    """Export what the message on standard input names; send nothing but an error, or `{}`."""
    # What began to put a generation ends it, whichever process a signal is sent to.
    with handle_signals(lambda: None):
        parent = subprocesses.ParentChannel()
        message: dict[str, Any] = parent.receive()
        failed = dict[str, str]()
        try:
            _export(
                Path(message["db"]), Path(message["folder"]), message["part"], message["generation"]
            )
        except _FAILURES as error:
            kind = next(kind for kind in _FAILURES if isinstance(error, kind))
            failed[kind.__name__] = str(error)
        parent.send(failed)
