"""`status`: how far an audit in parts is, by the names of its files and small facts about them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from crawler.clock import stamp
from crawler.store.audit_folder import AuditFolder, Generation, PartFiles, state_digest
from crawler.store.failures import StoreError
from crawler.store.part_facts import PartFacts
from crawler.store.part_plan import PartPlan


class PartState(StrEnum):
    """The state of a part.

    - `done`: every origin was visited recently enough, and judged
    - `unfinished`: a run or a judging was stopped, and the next command continues it
    - `due`: an origin was never visited, or last too long ago
    - `failed`: three attempts at its next generation failed, or its database is missing or damaged
    """

    DONE = "done"
    UNFINISHED = "unfinished"
    DUE = "due"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """A part in numbers; `why` it failed last is empty if it did not."""

    part: int
    state: PartState
    generation: int
    origins: int
    unvisited: int
    oldest_visit: str
    size: int
    head: str
    sha256: str
    most_per_address: int | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderStatus:
    """The plan, and the status of each part."""

    plan: PartPlan
    parts: tuple[PartStatus, ...]
    missing: tuple[int, ...]

    @property
    def counts(self) -> Mapping[PartState, int]:
        """Return how many parts are in each state."""
        found = Counter(part.state for part in self.parts)
        return {state: found[state] for state in PartState}

    @property
    def state(self) -> str:
        """Return the name of the state of the audit; empty if a part is missing or damaged."""
        if self.missing or not all(part.sha256 for part in self.parts):
            return ""
        return state_digest((part.part, part.generation, part.sha256) for part in self.parts)

    def total(self, name: str) -> int:
        """Return the sum of a number of the parts."""
        return sum(getattr(part, name) for part in self.parts)


def folder_status(folder: AuditFolder, max_age: float) -> FolderStatus:
    """Return the status of an audit; visits older than `max_age` seconds are due again."""
    plan, fresh_since = folder.plan(), stamp(ago=max_age)
    parts = tuple(
        _part_status(folder, files, facts, fresh_since)
        for files, facts in folder.with_facts(folder.listed())
    )
    missing = sorted(set(range(plan.parts)) - {part.part for part in parts})
    return FolderStatus(plan=plan, parts=parts, missing=tuple(missing))


def _part_status(
    folder: AuditFolder, files: PartFiles, facts: PartFacts | StoreError, fresh_since: str
) -> PartStatus:
    if isinstance(facts, StoreError):
        return _damaged(files.newest, str(facts))
    failure = folder.failure(files.failures)
    if failure is not None and failure.is_final:
        state = PartState.FAILED
    elif facts.is_unfinished:
        state = PartState.UNFINISHED
    else:
        state = PartState.DUE if facts.is_due(fresh_since) else PartState.DONE
    most = facts.about.get("most_per_address")
    return PartStatus(
        part=files.newest.part or 0,
        state=state,
        generation=files.newest.number,
        origins=facts.origins,
        unvisited=facts.unvisited,
        oldest_visit=facts.oldest_visit,
        size=facts.size,
        head=facts.head,
        sha256=facts.sha256,
        most_per_address=most if isinstance(most, int) else None,
        why=failure.why if failure is not None and state is PartState.FAILED else "",
    )


def _damaged(generation: Generation, why: str) -> PartStatus:
    return PartStatus(
        part=generation.part or 0,
        state=PartState.FAILED,
        generation=generation.number,
        origins=0,
        unvisited=0,
        oldest_visit="",
        size=0,
        head="",
        sha256="",
        most_per_address=None,
        why=why,
    )
