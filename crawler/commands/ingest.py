"""Ingest: a dataset is read once, and its origins are stored.

Reading takes memory that a process does not give back when it is done. So a dataset that is more
than small is read in a process of its own, which ends with it.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler import subprocesses
from crawler.commands.interrupts import StoppedEarlyError, exit_on_signal
from crawler.dataset.files import DatasetError, DatasetFile, identify
from crawler.errors import UserError
from crawler.fetch.clock import stamp
from crawler.model import Origin
from crawler.store import evidence_writer
from crawler.store.database import StoreError, connect, sqlite_errors_as_store_error, transaction
from crawler.urls import canonical

if TYPE_CHECKING:
    from crawler.dataset.inventory import Inventory, OriginRows

#: Octets up to which a dataset is read in this process: some 2,000 URLs as text, which takes less
#: than a second and 160 MB in all. Another process takes 0.7 s more, and this one 80 MB less.
SMALL = 64 * 1024
_MODULE = "crawler.commands.ingest"


class IngestError(UserError):
    """The process that reads a dataset cannot do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A dataset by its files, folders or patterns, and how it is read (see `inventory`)."""

    datasets: tuple[str, ...]
    url_column: str | None = None
    weight_column: str | None = None
    samples: int = 3
    memory_limit: str = "1GB"


def ingest(db: sqlite3.Connection, path: Path, wanted: Wanted, *, small: int = SMALL) -> int:
    """The number of the dataset; the rows of one with the same bytes are read only once.

    `db` is the connection to the database at `path`, whose lock the caller holds. Files of more
    than `small` octets are read in a process of their own. All of a dataset is stored or nothing.
    Raises `DatasetError`, `StoreError`, `IngestError` and `StoppedEarlyError`.
    """
    files = identify(wanted.datasets)
    digest = evidence_writer.dataset_digest(files)
    known = evidence_writer.known_dataset(db, digest, wanted.url_column, wanted.weight_column)
    if known is not None:
        return known
    if sum(file.bytes for file in files) <= small:
        return _read(db, wanted, files)
    return _read_apart(path, wanted, files)


def _read(
    db: sqlite3.Connection,
    wanted: Wanted,
    files: tuple[DatasetFile, ...],
    scratch: str | None = None,
) -> int:
    # DuckDB and Arrow take 50 MB once imported; this process often needs neither.
    from crawler.dataset.inventory import inventory

    with inventory(
        wanted.datasets,
        url_column=wanted.url_column,
        weight_column=wanted.weight_column,
        samples=wanted.samples,
        memory_limit=wanted.memory_limit,
        temp_dir=scratch,
        identified=files,
    ) as found:
        return _store(db, wanted, found)


def _store(db: sqlite3.Connection, wanted: Wanted, found: "Inventory") -> int:
    new = evidence_writer.NewDataset(
        path=" ".join(wanted.datasets),
        files=found.files,
        format=found.format,
        url_column=found.url_column,
        weight_column=found.weight_column or "",
        rows=found.rows,
        rejects=found.rejects,
        column_given=wanted.url_column is not None,
    )
    with transaction(db):
        # The names of columns may have been given in other letters, or not at all.
        known = evidence_writer.known_dataset(db, new.digest, new.url_column, new.weight_column)
        if known is not None:
            return known
        return evidence_writer.add_dataset(db, new, _origins(found.origins()), stamp())


def _origins(
    counted: Iterator["OriginRows"],
) -> Iterator[tuple[str, Origin, int, float | None, Sequence[str]]]:
    for o in counted:
        yield canonical.origin_key(o.origin), o.origin, o.rows, o.weight, o.samples


def _read_apart(path: Path, wanted: Wanted, files: tuple[DatasetFile, ...]) -> int:
    # What it spills lies in a folder of ours, so that it may be ended at any moment.
    with tempfile.TemporaryDirectory(prefix="tdm-audit-") as scratch:
        task = {"db": str(path), "wanted": asdict(wanted), "files": files, "scratch": scratch}
        process = _started()
        try:
            said = _asked(process, task)
        finally:
            subprocesses.end(process)
    return _number(said, process.returncode)


def _started() -> subprocess.Popen[bytes]:
    try:
        return subprocesses.start(_MODULE)
    except OSError as error:
        why = error.strerror or error
        raise IngestError(f"cannot start a process to read the dataset: {why}") from error


def _asked(process: subprocess.Popen[bytes], task: Mapping[str, object]) -> bytes:
    """All that the process says until it ends; nothing if it did not do its work."""
    assert process.stdout is not None
    try:
        subprocesses.send(process, task)
    except OSError:
        return b""
    said = process.stdout.read()
    process.wait()
    return said


#: What may go wrong in the other process, and then does in this one.
_FAILURES = (DatasetError, StoreError, StoppedEarlyError)


def _number(said: bytes, status: int) -> int:
    """The number that a process said before it ended so; raises what it failed with."""
    if not said:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        raise IngestError(
            f"the process that read the dataset was ended {how}; nothing of it is stored: "
            "if memory is short, run again with a smaller --memory-limit"
        )
    answer = json.loads(said)
    for failure in _FAILURES:
        if failure.__name__ in answer:
            raise failure(answer[failure.__name__])
    return int(answer["dataset"])


def main() -> None:
    """Read the dataset that the command names into its database. The number it got is said, or
    the failure by its name, with its message.
    """
    command = subprocesses.ParentChannel()
    task = command.receive()
    try:
        with exit_on_signal(), sqlite_errors_as_store_error(task["db"]):
            number = _done(task)
    except _FAILURES as error:
        kind = next(kind for kind in _FAILURES if isinstance(error, kind))
        command.send({kind.__name__: str(error)})
        sys.exit(error.status)
    command.send({"dataset": number})


def _done(task: Mapping[str, Any]) -> int:
    files = tuple(DatasetFile(*file) for file in task["files"])
    told = task["wanted"] | {"datasets": tuple(task["wanted"]["datasets"])}
    with closing(connect(task["db"])) as db:
        return _read(db, Wanted(**told), files, task["scratch"])
