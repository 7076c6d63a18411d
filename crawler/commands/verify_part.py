"""`verify` on one part of an audit: its files, their facts, its place in the cut, its evidence.

Nothing is written, neither to the folder nor to a database.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from crawler.commands.part import PartEnd, PartResult
from crawler.commands.verify import verify
from crawler.interrupts import exit_on_signal
from crawler.plurals import counted
from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import (
    StoreError,
    connect_read_only,
    sqlite_errors_as_store_error,
)
from crawler.store.failures import StorageDownError
from crawler.store.part_facts import PartFacts, facts_from_json, facts_of, sha256_of
from crawler.store.part_plan import PartPlan
from crawler.store.part_tables import wrong_groups, wrong_tables
from crawler.store.part_verification import cut_differences, stored_chain
from crawler.store.part_writer import facts_of_plan
from crawler.store.verification import Difference

# What the file of facts must say of a database, besides its digest and size.
_FACTS = ("origins", "unvisited", "oldest_visit", "is_unfinished", "datasets", "head", "rules")


def verify_part(folder: AuditFolder, part: int | None, *, with_derived: bool = False) -> PartResult:
    """Verify all generations of a part: digests and chains of all, and all of the newest.

    None is the database of the datasets. Raise `StoreError` for what cannot be read although it is
    as it was put, and `StoppedEarlyError`.
    """
    with exit_on_signal():
        plan, newest = folder.plan(), folder.newest(part)
        if newest is None:
            missing = Difference("part", "", "has no database, though plan.json names it")
            return PartResult(
                part=part or 0, end=PartEnd.DONE, generation=0, differences=(missing,)
            )
        return _Verifying(folder, plan, newest, with_derived=with_derived).run()


class _Verifying:
    """The verification of a part, and what differs so far."""

    def __init__(
        self, folder: AuditFolder, plan: PartPlan, newest: Generation, *, with_derived: bool
    ) -> None:
        self._folder, self._plan, self._newest = folder, plan, newest
        self._with_derived = with_derived
        self._differences: list[Difference] = []
        self._counts: dict[str, int] = {}
        self._sha256 = ""

    def run(self) -> PartResult:
        """Verify each generation, the oldest first."""
        chain: list[str] = []
        for generation in self._folder.generations(self._newest.part):
            with self._folder.storage.opened(generation.name) as path:
                found = self._file(generation, path)
            if found is not None:
                if found[: len(chain)] != chain:
                    what = "has another chain of manifests than the generation before it"
                    self._add(generation, what)
                chain = found
        if (lost := self._folder.lost(self._newest.part)) is not None:
            self._add(lost, "is missing, though files about it are there; restore it from a copy")
        for name, what in wrong_tables(self._folder, self._newest):
            self._differences.append(Difference("tables", name, what))
        return PartResult(
            part=self._newest.part or 0,
            end=PartEnd.DONE,
            generation=self._newest.number,
            differences=tuple(self._differences),
            counts=self._counts,
            sha256=self._sha256,
        )

    def _add(self, generation: Generation, what: str) -> None:
        self._differences.append(Difference("generation", f"g{generation.number}", what))

    def _file(self, generation: Generation, path: Path) -> list[str] | None:
        """Verify a generation; return its chain of manifests, None if it cannot be read."""
        facts = self._stored_facts(generation)
        sha256 = sha256_of(path)
        is_as_put = facts is None or facts.sha256 == sha256
        what = f"has not the SHA-256 that g{generation.number}.json says"
        try:
            if generation == self._newest:
                self._sha256 = sha256
                self._database(path, facts)
            chain = stored_chain(path)
        except StorageDownError:
            raise
        except StoreError:
            if is_as_put:
                raise
            self._add(generation, f"{what}, and cannot be read; restore it from a copy")
            return None
        if not is_as_put:
            self._add(generation, f"{what}; restore it from a copy")
        return chain

    def _stored_facts(self, generation: Generation) -> PartFacts | None:
        """Return the facts in the file next to a generation, None if a put was cut short of it."""
        content = self._folder.storage.read(generation.facts_name)
        found = None if content is None else facts_from_json(content)
        if content is not None and found is None:
            self._add(generation, f"has a g{generation.number}.json that is no file of facts")
        return found

    def _database(self, path: Path, facts: PartFacts | None) -> None:
        with sqlite_errors_as_store_error(path), closing(connect_read_only(path)) as db:
            found = verify(db, with_derived=self._with_derived)
            self._differences += found.differences
            self._counts = found.counts
            if found.unfinished_since is not None:
                what = f"the erasure that began at {found.unfinished_since} was cut short"
                self._differences.append(Difference("unfinished_erasure", "", what))
            self._differences += cut_differences(db, self._newest.part, self._plan)
        if facts is not None:
            own = facts_of(path, about={})
            for name in _FACTS:
                if getattr(own, name) != getattr(facts, name):
                    what = f"has not the {name} that g{self._newest.number}.json says"
                    self._add(self._newest, what)


def verify_whole(
    folder: AuditFolder, plan: PartPlan, parts: Mapping[int, PartResult]
) -> list[Difference]:
    """Return what differs in the database of the datasets, and what no part alone can tell.

    `parts` are the results of all parts that could be read. Raise what `verify_part` does.
    """
    datasets = verify_part(folder, None)
    found = [d._replace(table=f"datasets: {d.table}") for d in datasets.differences]
    groups = [Difference("tables", name, what) for name, what in wrong_groups(folder)]
    if not found:
        found += _plan_differences(folder, plan)
    found += groups
    there = {files.newest.part or 0 for files in folder.listed()}
    found += [
        Difference("part", str(part), "is not one of those that plan.json names")
        for part in sorted(there)
        if part >= plan.parts
    ]
    counted_parts = [one.counts["origin"] for one in parts.values() if one.counts]
    if len(counted_parts) == plan.parts and datasets.counts:
        origins, planned = sum(counted_parts), datasets.counts["origin"]
        if origins != planned:
            what = f"the parts have {counted(origins, 'origin')}, and the datasets {planned:,}"
            found.append(Difference("origin", "", what))
    return found


def _plan_differences(folder: AuditFolder, plan: PartPlan) -> Iterator[Difference]:
    """Yield what plan.json tells of the datasets and their database does not."""
    with folder.opened(None) as path, closing(connect_read_only(path)) as db:
        for name, told in facts_of_plan(db).items():
            # The schema is that of the version which planned.
            if name != "schema" and plan.facts.get(name) != told:
                what = "is not what the database of the datasets tells"
                yield Difference("plan", name, what)
