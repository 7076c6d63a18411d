"""A subprocess that reads files into the database: it returns the memory that DuckDB took.

A process does not return the memory that DuckDB and Arrow took for reading. So files of more than
`MAX_BYTES_IN_PROCESS` are read in a subprocess.
"""

import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from crawler import subprocesses
from crawler.dataset.files import DatasetError
from crawler.errors import UserError
from crawler.interrupts import StoppedEarlyError, exit_on_signal
from crawler.store.database import StoreError, sqlite_errors_as_store_error
from crawler.store.dataset_versions import VersionError

#: Size up to which files are read in this process: some 2,000 URLs as text, which takes less than
#: a second and 160 MB in all. A subprocess takes 0.7 s more, and this process 80 MB less.
MAX_BYTES_IN_PROCESS = 64 * 1024

# Errors that the subprocess sends by name; this process raises them again.
_FAILURES = (DatasetError, VersionError, StoreError, StoppedEarlyError)


class IngestError(UserError):
    """The subprocess that reads a dataset could not be started, or was killed."""


def read_apart(module: str, message: Mapping[str, object]) -> int:
    """Run `serve` in the `main` of a module in a subprocess; return the number it sends.

    `message` has the path of the database as `db`; it gets a folder to spill to as `scratch`.
    Raises `IngestError`, and what the subprocess sent by name.
    """
    # The folder that DuckDB spills to belongs to this process, so that it is removed even if the
    # subprocess is killed.
    with tempfile.TemporaryDirectory(prefix="tdm-audit-") as scratch:
        try:
            answer = subprocesses.ask(module, {**message, "scratch": scratch}, _FAILURES)
        except OSError as error:
            reason = error.strerror or error
            raise IngestError(f"cannot start a process to read the dataset: {reason}") from error
        except subprocesses.HelperEndedError as error:
            raise IngestError(
                f"the process that read the dataset was ended {error}; nothing of it is stored: "
                "if memory is short, run again with a smaller --memory-limit"
            ) from error
    return int(answer["number"])


def serve(read: Callable[[Mapping[str, Any]], int]) -> None:
    """Read what the message on standard input asks for, in the subprocess.

    Sends the number that `read` returns to the parent process, or the name and message of an error.
    """

    def answer(message: Mapping[str, Any]) -> Mapping[str, object]:
        with exit_on_signal(), sqlite_errors_as_store_error(message["db"]):
            return {"number": read(message)}

    subprocesses.answer(answer, _FAILURES)
