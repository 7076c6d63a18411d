"""Ingest a dataset: read it once and store its origins.

A dataset of more than `MAX_BYTES_IN_PROCESS` is read in a subprocess, which runs `main`.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.clock import stamp
from crawler.commands.ingest_plan import (
    IngestRequest,
    ReadTask,
    find_base,
    given_columns,
    lacks,
    tasks,
)
from crawler.commands.reading_process import MAX_BYTES_IN_PROCESS, IngestError, read_apart, serve
from crawler.dataset.facet_specs import MAX_VALUES, OTHER, Facet, check
from crawler.dataset.files import DatasetError, DatasetFile
from crawler.dataset.remote import local_copies
from crawler.model import Origin
from crawler.store import dataset_versions, evidence_writer, facet_writer, provenance
from crawler.store.database import connect, transaction
from crawler.store.dataset_versions import Base
from crawler.store.provenance import Provenance
from crawler.urls import canonical

__all__ = [
    "MAX_BYTES_IN_PROCESS",
    "IngestError",
    "IngestRequest",
    "check_hosts",
    "ingest",
    "read",
]

if TYPE_CHECKING:
    from crawler.dataset.inventory import Inventory, OriginRows

_MODULE = "crawler.commands.ingest"


def ingest(
    db: sqlite3.Connection,
    path: Path,
    request: IngestRequest,
    *,
    max_bytes_in_process: int = MAX_BYTES_IN_PROCESS,
) -> int:
    """Store a dataset, all of it or nothing; return its number.

    `db` is a connection to the database at `path`, whose lock the caller holds. A dataset with the
    same bytes and columns that is stored already is not read again. Files of more than
    `max_bytes_in_process` in all are read in a subprocess.
    Raises `DatasetError`, `VersionError`, `StoreError`, `IngestError` and `StoppedEarlyError`.
    """
    check([Facet(*facet) for facet in request.facets])
    with located(request) as (local, files):
        digest = evidence_writer.dataset_digest(files)
        given = given_columns(request)
        known = evidence_writer.find_dataset(db, digest, given, request.weight_column)
        if known is not None and not lacks(db, request, known):
            with transaction(db):
                return _known(db, local, known)
        base = None if known is not None else find_base(db, request, files)
        for task in tasks(local, files, base):
            try:
                if sum(file.bytes for file in task.parts) <= max_bytes_in_process:
                    return _read_and_store(db, local, task)
                return _read_in_subprocess(path, local, task)
            except DatasetError:
                # Alone a file may lack a column that the others have, or hold nothing.
                if task.base is None:
                    raise
    raise AssertionError("the last task reads all files")


@contextmanager
def located(request: IngestRequest) -> Iterator[tuple[IngestRequest, tuple[DatasetFile, ...]]]:
    """Give the request for files that are all on this machine, and the files with their digests.

    Copies of remote files are removed at the end. Raise `DatasetError`.
    """
    with local_copies(request.datasets) as copies:
        yield replace(request, datasets=copies.paths, names=copies.names), copies.identify()


def _known(db: sqlite3.Connection, request: IngestRequest, known: int) -> int:
    """Let a dataset count that was stored before."""
    dataset_versions.enlist_again(db, known, request.naming)
    provenance.save(db, known, request.provenance)
    return known


def read(
    request: IngestRequest,
    files: tuple[DatasetFile, ...],
    scratch: str | None = None,
    base: Base | None = None,
) -> "Inventory":
    """Return what files of the dataset hold, without storing it; the caller closes it.

    `files` are those at `request.datasets`, with their digests. `scratch` is where DuckDB may spill
    to. The columns are those of version `base`. Raises `DatasetError`.
    """
    # DuckDB and Arrow take 50 MB once imported; this process often needs neither.
    from crawler.dataset.inventory import inventory

    return inventory(
        request.datasets,
        url_column=request.url_columns or (() if base is None else (base.url_column,)),
        weight_column=request.weight_column,
        samples=request.samples,
        memory_limit=request.memory_limit,
        temp_dir=scratch,
        identified=files,
        facets=[Facet(*facet) for facet in request.facets],
        collected_column=request.collected_column,
    )


def _read_and_store(
    db: sqlite3.Connection, request: IngestRequest, task: ReadTask, scratch: str | None = None
) -> int:
    local = replace(request, datasets=task.paths)
    with read(local, task.parts, scratch, task.base) as counted:
        check_hosts(counted)
        return _store(db, request, task, counted)


def check_hosts(counted: "Inventory") -> None:
    """Raise `DatasetError` if no row of a dataset has a host."""
    from crawler.dataset.columns import no_host

    if sum(rows for _, rows, _ in counted.rejects) == counted.rows:
        raise no_host(counted.url_column)


def _store(
    db: sqlite3.Connection, request: IngestRequest, task: ReadTask, counted: "Inventory"
) -> int:
    new = _new_dataset(request, task, counted)
    with transaction(db):
        # Again, by the names of the columns: they may be given in another case, or not at all.
        known = evidence_writer.find_dataset(db, new.digest, new.url_column, new.weight_column)
        if known is not None:
            if not provenance.has_facets(db, known, request.facets):
                _save_facets(db, request, known, counted)
                facet_writer.cap(db, known, MAX_VALUES, OTHER)
            provenance.save_dates(db, known, counted.collected)
            return _known(db, request, known)
        number = evidence_writer.add_dataset(
            db, new, _origins(counted.origins()), stamp(), is_whole=False
        )
        if counted.roles:
            evidence_writer.add_role_origins(db, number, _role_rows(counted.origins()))
        _save_facets(db, request, number, counted)
        provenance.save_dates(db, number, counted.collected)
        if task.base is not None:
            dataset_versions.take_over(db, number, task.base.dataset)
            provenance.take_over_dates(db, number, task.base.dataset)
        facet_writer.cap(db, number, MAX_VALUES, OTHER)
        dataset_versions.enlist(db, number, request.naming)
        provenance.save(db, number, request.provenance)
        evidence_writer.finish_dataset(db, number)
        return number


def _new_dataset(
    request: IngestRequest, task: ReadTask, counted: "Inventory"
) -> evidence_writer.NewDataset:
    return evidence_writer.NewDataset(
        path=request.naming.path,
        files=task.files,
        format=counted.format,
        url_column=counted.url_column,
        weight_column=counted.weight_column or "",
        rows=counted.rows,
        rejects=counted.rejects,
        column_given=bool(request.url_columns),
        column_choice=counted.column_choice,
        records=counted.records,
        roles=counted.roles,
    )


def _save_facets(
    db: sqlite3.Connection, request: IngestRequest, dataset: int, counted: "Inventory"
) -> None:
    facets = counted.facets
    facet_writer.save_facets(db, dataset, request.facets, facets.totals(), facets.rows())


def _origins(
    origins: Iterator["OriginRows"],
) -> Iterator[tuple[str, Origin, int, float | None, Sequence[str]]]:
    for o in origins:
        yield canonical.origin_key(o.origin), o.origin, o.rows, o.weight, o.samples


def _role_rows(origins: Iterator["OriginRows"]) -> Iterator[tuple[str, str, int]]:
    for o in origins:
        key = canonical.origin_key(o.origin)
        yield from ((key, role, rows) for role, rows in o.roles)


def _read_in_subprocess(path: Path, request: IngestRequest, task: ReadTask) -> int:
    message = {"db": str(path), "request": asdict(request), "task": asdict(task)}
    return read_apart(_MODULE, message)


def main() -> None:
    """Ingest the dataset of the message on standard input, in the subprocess."""
    serve(_run_task)


def _run_task(message: Mapping[str, Any]) -> int:
    request, task = message["request"], message["task"]
    request |= {name: tuple(request[name]) for name in ("datasets", "names", "url_columns")}
    request |= {"facets": tuple((name, column) for name, column in request["facets"])}
    request |= {"provenance": Provenance(*request["provenance"])}
    files = {key: tuple(DatasetFile(*file) for file in task[key]) for key in ("files", "parts")}
    base = task["base"] and Base(**task["base"])
    with closing(connect(message["db"])) as db:
        wanted = ReadTask(**files, paths=tuple(task["paths"]), base=base)
        return _read_and_store(db, IngestRequest(**request), wanted, message["scratch"])
