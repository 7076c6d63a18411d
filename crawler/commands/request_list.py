"""Store a list of URLs that are to be requested one by one."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.clock import stamp
from crawler.commands.ingest import located
from crawler.commands.ingest_plan import IngestRequest, given_columns
from crawler.commands.reading_process import MAX_BYTES_IN_PROCESS, read_apart, serve
from crawler.dataset.files import DatasetFile
from crawler.model import Origin
from crawler.store import evidence_writer, manifests, request_lists, runs
from crawler.store.database import connect, transaction
from crawler.urls import canonical
from crawler.vocab import Reject

if TYPE_CHECKING:
    from crawler.dataset.url_list import UrlList

#: URLs of an origin that are requested by one visit.
MAX_URLS = 200
_MODULE = "crawler.commands.request_list"


class ListReader:
    """Reads the URLs of a list once; afterwards it has the `rows`, and those `unusable` by reason.

    A row is a text: a list of URLs in a row has several.
    """

    def __init__(self, found: "UrlList") -> None:
        self._texts = found.texts
        self.rows = 0
        self.unusable: Counter[str] = Counter()

    def urls(self) -> Iterator[tuple[Origin, str]]:
        """Yield origin and path of each usable URL, as often as it occurs."""
        for text in self._texts:
            self.rows += 1
            page = canonical.page_of(text)
            if isinstance(page, Reject):
                self.unusable[page.value] += 1
            else:
                yield page


def store_list(db: sqlite3.Connection, path: Path, request: IngestRequest) -> int:
    """Store the URLs of files, all of them or none; return the number of the list.

    Files that are stored already are not read again. Raises what `ingest` does.
    """
    with located(request) as (local, files):
        digest, given = evidence_writer.dataset_digest(files), given_columns(request) or ""
        known = request_lists.find_list(db, digest, given)
        if known is not None:
            return known
        if sum(file.bytes for file in files) <= MAX_BYTES_IN_PROCESS:
            return _read(db, local, files)
        message = {"db": str(path), "request": asdict(local), "files": files}
        return read_apart(_MODULE, message)


def due_of(number: int, max_age: timedelta) -> runs.Due:
    """Return what is due of a list: URLs that were not requested within `max_age`."""
    return runs.Due(
        run=0,
        datasets=(),
        fresh_since=stamp(ago=max_age.total_seconds()),
        limit=None,
        pages=MAX_URLS,
        now=stamp(),
        list=number,
    )


def _read(
    db: sqlite3.Connection,
    request: IngestRequest,
    files: tuple[DatasetFile, ...],
    scratch: str | None = None,
) -> int:
    # DuckDB and Arrow take 50 MB once imported; this process often needs neither.
    from crawler.dataset.columns import no_host
    from crawler.dataset.url_list import url_list

    with (
        url_list(request.datasets, request.url_columns, request.memory_limit, scratch) as found,
        transaction(db),
    ):
        reader = ListReader(found)
        new = request_lists.NewList(
            path=request.naming.path,
            digest=evidence_writer.dataset_digest(files),
            url_column=found.url_column,
            column_given=given_columns(request) or "",
            urls=reader.urls(),
        )
        number = request_lists.add_list(db, new, stamp())
        if sum(reader.unusable.values()) == reader.rows:
            raise no_host(found.url_column)
        request_lists.finish_list(db, number, reader.rows, reader.unusable)
        # Here, since that of a list of millions of URLs takes memory.
        manifests.write(db, "list", [])
    return number


def main() -> None:
    """Store the list of the message on standard input, in the subprocess."""
    serve(_run)


def _run(message: Mapping[str, Any]) -> int:
    request = dict(message["request"])
    for name in ("datasets", "names", "url_columns"):
        request[name] = tuple(request[name])
    del request["provenance"]
    files = tuple(DatasetFile(*file) for file in message["files"])
    with closing(connect(message["db"])) as db:
        return _read(db, IngestRequest(**request), files, message["scratch"])
