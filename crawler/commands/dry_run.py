"""`crawl --dry-run`: read a dataset and tell what a crawl would ask, storing nothing."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.clock import stamp
from crawler.commands.ask import list_request
from crawler.commands.crawl import CrawlRequest, ingest_request
from crawler.commands.ingest import check_hosts, located, read
from crawler.commands.request_list import due_of, store_list
from crawler.dataset.facet_specs import Facet, check
from crawler.dataset.files import DatasetFile
from crawler.interrupts import exit_on_signal
from crawler.store import request_lists
from crawler.store.database import connect, connect_read_only, sqlite_errors_as_store_error
from crawler.store.queries import keys_visited_since
from crawler.store.request_lists import ListTotals
from crawler.urls import canonical
from crawler.vocab import Reject

if TYPE_CHECKING:
    from crawler.dataset.inventory import OriginRows, RoleRows

#: Origins that are listed, those with most weight or rows.
MAX_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """The contents of a dataset, and the origins that a crawl of it would visit now.

    `records`, `rows`, `roles` and `column_choice` are as in `Inventory`. `rejects` are (reason,
    rows, an example). `due` counts the origins that would be visited, `fresh` those that were
    visited recently enough, `beyond_limit` those that `--limit-origins` leaves out. `listed` are
    the heaviest of the due ones.
    """

    files: tuple[DatasetFile, ...]
    format: str
    url_column: str
    column_choice: str
    weight_column: str | None
    records: int
    rows: int
    rejects: tuple[tuple[Reject, int, str], ...]
    roles: tuple["RoleRows", ...]
    origins: int
    due: int
    fresh: int
    beyond_limit: int
    listed: tuple["OriginRows", ...] = field(repr=False)

    @property
    def unusable(self) -> int:
        """Return the number of rows without a usable URL."""
        return sum(rows for _, rows, _ in self.rejects)


def dry_run(request: CrawlRequest) -> DryRun:
    """Read the dataset of a crawl and count what would be asked; nothing is stored or requested.

    Raises what `ingest` does.
    """
    check([Facet(*facet) for facet in request.facets])
    with (
        exit_on_signal(),
        located(ingest_request(request)) as (local, files),
        read(local, files) as counted,
    ):
        check_hosts(counted)
        fresh = _fresh_keys(request)
        total = sum(1 for _ in counted.origins())
        chosen = total if request.limit_origins is None else min(request.limit_origins, total)
        due, listed = _due(_largest(counted.origins(), chosen, total), fresh)
        return DryRun(
            files=counted.files,
            format=counted.format,
            url_column=counted.url_column,
            column_choice=counted.column_choice,
            weight_column=counted.weight_column,
            records=counted.records,
            rows=counted.rows,
            rejects=counted.rejects,
            roles=counted.roles,
            origins=total,
            due=due,
            fresh=chosen - due,
            beyond_limit=total - chosen,
            listed=listed,
        )


def dry_list(request: CrawlRequest) -> ListTotals:
    """Return what the list of a crawl holds and what of it would be asked; nothing is stored.

    Raises what `ingest` does.
    """
    # With a database of its own, which goes with its folder: a list may have millions of URLs.
    with (
        exit_on_signal(),
        tempfile.TemporaryDirectory(prefix="tdm-audit-") as folder,
        closing(connect(path := Path(folder) / "list.db", create=True)) as db,
    ):
        number = store_list(db, path, list_request(request))
        if request.db.exists():
            with (
                sqlite_errors_as_store_error(request.db),
                closing(connect_read_only(request.db)) as known,
            ):
                request_lists.copy_attempts(known, db)
        return request_lists.totals(db, due_of(number, request.max_age))


def _size(origin: "OriginRows") -> float:
    return origin.rows if origin.weight is None else origin.weight


def _largest(origins: Iterator["OriginRows"], chosen: int, total: int) -> Iterable["OriginRows"]:
    """Return the heaviest origins; all of them, in their own order, if all are chosen."""
    return origins if chosen == total else nlargest(chosen, origins, key=_size)


def _due(
    origins: Iterable["OriginRows"], fresh: frozenset[str]
) -> tuple[int, tuple["OriginRows", ...]]:
    """Return how many origins are not fresh, and the heaviest of them."""
    count = 0

    def counted() -> Iterator["OriginRows"]:
        nonlocal count
        for origin in origins:
            if canonical.origin_key(origin.origin) not in fresh:
                count += 1
                yield origin

    listed = tuple(nlargest(MAX_LISTED, counted(), key=_size))
    return count, listed


def _fresh_keys(request: CrawlRequest) -> frozenset[str]:
    """Return the keys of origins that the database, if there is one, knows recent visits of."""
    if not request.db.exists():
        return frozenset()
    since = stamp(ago=request.max_age.total_seconds())
    with sqlite_errors_as_store_error(request.db), closing(connect_read_only(request.db)) as db:
        return frozenset(keys_visited_since(db, since, stamp()))
