"""`plan`: read a dataset once, and cut it into the parts of an audit folder.

The datasets are kept in a database of their own, `datasets/gN.db`, which has no evidence: from it
parts are cut, and by it a dataset that grows is known again. What is put stays: after a planning
that was cut short, the same command puts what is missing, and plan.json last.
"""

import csv
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from crawler import __version__
from crawler.clock import stamp
from crawler.commands.crawl_request import ProgressListener
from crawler.commands.ingest import ingest
from crawler.commands.ingest_plan import IngestRequest
from crawler.dataset.facet_specs import Facet, check
from crawler.errors import WrongUsageError
from crawler.interrupts import exit_on_signal
from crawler.model import Origin
from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import (
    PLAN_FILE,
    StoreError,
    checkpoint,
    connect,
    os_errors_as_store_error,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.part_facts import facts_of
from crawler.store.part_plan import PartGroup, PartPlan
from crawler.store.part_scratch import scratch_folder
from crawler.store.part_writer import (
    count_origins,
    datasets_digest,
    distributed,
    facts_of_plan,
    fill_part,
    save_cut,
    seal,
    stored_cut,
)
from crawler.store.queries import DatasetTotals, dataset_totals, unusable_rows
from crawler.urls import canonical

#: Origins of a part, if the number of parts is not given. A process of a crawl takes 250 to 270 MB
#: then: 180 for the crawl, 30 to judge, 40 to write tables (docs/explanation/performance.md).
ORIGINS_PER_PART = 10_000
_MAX_PARTS = 100_000


class PlanError(WrongUsageError):
    """The cut that was asked for is not possible, or not that of the plan that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A dataset, and how it is cut: the number of `parts` without groups, a file of `groups`.

    None leaves both as they are planned; at first, the number follows from that of origins.
    """

    ingest: IngestRequest
    parts: int | None = None
    groups: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """The plan, the dataset in numbers, and how many parts have got a new generation."""

    plan: PartPlan
    totals: DatasetTotals
    unusable: Mapping[str, int]
    changed: int


def plan(
    folder: AuditFolder, request: PlanRequest, listener: ProgressListener | None = None
) -> PlanResult:
    """Plan an audit in parts, or bring the plan that is there up to the dataset.

    With the same dataset nothing changes; one that has grown gives its parts new generations.
    Raises what `ingest` does, `PlanError`, `StoreBusyError` if another process of this machine is
    at a part, and `StoppedEarlyError` at a signal; the same command goes on from there.
    """
    listener = listener or ProgressListener()
    check([Facet(*facet) for facet in request.ingest.facets])
    groups = None if request.groups is None else read_groups(request.groups)
    with exit_on_signal(), folder.storage.held("plan"), scratch_folder() as scratch:
        path = scratch / "datasets.db"
        newest = folder.newest(None)
        if newest is not None:
            folder.storage.get(folder.require(None).name, path)
        with sqlite_errors_as_store_error(path), closing(connect(path, create=True)) as db:
            return _Planning(folder, request, listener, scratch, newest).run(db, path, groups)


class _Planning:
    """One planning of a folder. `newest` is the generation of the datasets that it begins with."""

    def __init__(
        self,
        folder: AuditFolder,
        request: PlanRequest,
        listener: ProgressListener,
        scratch: Path,
        newest: Generation | None,
    ) -> None:
        self._folder, self._request, self._listener = folder, request, listener
        self._scratch, self._newest = scratch, newest

    def run(
        self, db: sqlite3.Connection, path: Path, groups: dict[str, list[str]] | None
    ) -> PlanResult:
        """Read the dataset, and put what is new."""
        known = stored_cut(db)
        if known is not None:
            self._require_same_cut(known, groups)
        before = datasets_digest(db)
        self._listener.begin("reading the dataset", None)
        number = ingest(db, path, self._request.ingest)
        cut = known or self._new_cut(db, groups or {})
        if known is None or datasets_digest(db) != before:
            self._put_datasets(db, path, cut)
        found = self._folder.find_plan()
        changed = 0
        if found is None or found.facts.get("datasets") != datasets_digest(db):
            changed = self._put_parts(db, cut)
            said = {"samples": self._request.ingest.samples, "version": __version__}
            found = replace(cut, facts=facts_of_plan(db) | said | {"planned_at": stamp()})
            self._folder.storage.replace(PLAN_FILE, found.as_json())
        else:
            self._folder.require_all(cut.parts)
        totals, unusable = dataset_totals(db, number), unusable_rows(db, number)
        return PlanResult(plan=found, totals=totals, unusable=unusable, changed=changed)

    def _require_same_cut(self, known: PartPlan, groups: dict[str, list[str]] | None) -> None:
        parts, shown = self._request.parts, self._folder.shown
        if parts is not None and parts != known.by_hash:
            raise PlanError(
                f"{shown} is cut into {known.by_hash} parts, and a site stays in its part; leave "
                "--parts out, or plan into another folder"
            )
        if groups is not None and _groups(groups, known.by_hash) != known.groups:
            raise PlanError(
                f"{shown} was planned with other groups, and a site stays in its part; leave "
                "--group out, or plan into another folder"
            )

    def _new_cut(self, db: sqlite3.Connection, groups: dict[str, list[str]]) -> PartPlan:
        if self._folder.find_plan() is not None:
            raise StoreError(
                f"{self._folder.shown} has a {PLAN_FILE} and no database of datasets; restore it"
            )
        parts = self._request.parts or max(1, -(-count_origins(db) // ORIGINS_PER_PART))
        if parts + len(groups) > _MAX_PARTS:
            raise PlanError(f"{parts + len(groups):,} parts are more than {_MAX_PARTS:,}")
        return PartPlan(by_hash=parts, groups=_groups(groups, parts))

    def _put_datasets(self, db: sqlite3.Connection, path: Path, cut: PartPlan) -> None:
        with transaction(db):
            save_cut(db, cut)
        checkpoint(db)
        copy = self._scratch / "datasets-to-put.db"
        with os_errors_as_store_error(copy):
            shutil.copyfile(path, copy)
        seal(copy)
        generation = Generation(None, 0) if self._newest is None else self._newest.next
        facts = facts_of(copy, about={"kind": "plan", "made_at": stamp()})
        if not self._folder.put(generation, copy, facts, self._scratch):
            raise StoreError(
                f"another process has planned {self._folder.shown} meanwhile; run the same "
                "command again"
            )
        copy.unlink()

    def _put_parts(self, db: sqlite3.Connection, cut: PartPlan) -> int:
        """Put a new generation of each part whose datasets are not those of `db`."""
        digest, changed = datasets_digest(db), 0
        listed = list(self._folder.listed())
        for files in (files for files in listed if files.lost is not None):
            self._folder.require(files.newest.part)  # raises, with what to do
        newest = {files.newest.part: files.newest for files in listed}
        empty = self._scratch / "empty.db"
        connect(empty, create=True).close()
        seal(empty)
        self._listener.begin("writing parts", cut.parts)
        with distributed(db, cut):
            for part in range(cut.parts):
                last = newest.get(part)
                while last is None or self._folder.facts(last).datasets != digest:
                    # What is crawled meanwhile would be superseded by what is planned.
                    with self._folder.storage.held(f"parts/{part:05d}"):
                        last = self._folder.newest(part)
                        changed += self._put_part(db, cut, part, last, empty)
                    last = self._folder.newest(part)
                self._listener.step()
        return changed

    def _put_part(
        self, db: sqlite3.Connection, cut: PartPlan, part: int, last: Generation | None, empty: Path
    ) -> bool:
        """Put the next generation of a part; return False if another process has put it before."""
        path = self._scratch / "part.db"
        if last is None:
            shutil.copyfile(empty, path)
        else:
            self._folder.storage.get(last.name, path)
        code = "" if last is None else self._folder.facts(last).code
        fill_part(db, path, part, cut)
        seal(path)
        facts = facts_of(path, code=code, about={"kind": "plan", "made_at": stamp()})
        generation = Generation(part, 0) if last is None else last.next
        try:
            return self._folder.put(generation, path, facts, self._scratch)
        finally:
            path.unlink()


def _groups(groups: Mapping[str, list[str]], parts: int) -> tuple[PartGroup, ...]:
    return tuple(
        PartGroup(name, parts + n, frozenset(sites))
        for n, (name, sites) in enumerate(sorted(groups.items()))
    )


def read_groups(file: Path) -> dict[str, list[str]]:
    """Return the sites of each group of a CSV file with the columns `host` and `group`.

    A host stands for its whole site. Raise `PlanError` for a file that cannot be read so.
    """
    groups: dict[str, list[str]] = {}
    seen: dict[str, str] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"host", "group"} <= set(rows.fieldnames or ()):
                raise PlanError(f"{file} needs a first line that names the columns host,group")
            for row in rows:
                host, group = (row["host"] or "").strip(), (row["group"] or "").strip()
                origin = canonical.origin_of(host)
                if not isinstance(origin, Origin) or not group:
                    raise PlanError(f"{file}, line {rows.line_num}: no host and group")
                other = seen.setdefault(origin.site, group)
                if other != group:
                    raise PlanError(
                        f"{file}, line {rows.line_num}: the site {origin.site} is in the group "
                        f"{other} already, and a site is in one part; give its hosts one group"
                    )
                groups.setdefault(group, []).append(origin.site)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlanError(f"{file} cannot be read as CSV ({error})") from error
    return groups
