"""Layout of an audit in parts: its plan, the generations of each part, and small facts about them.

    plan.json                   how many parts there are, and what is grouped; made last
    datasets/g0.db              the datasets with their origins, from which parts are cut
    parts/00042/g3.db           an ordinary audit database: generation 3 of part 42
    parts/00042/g3.json         facts of that generation, so that it need not be opened
    parts/00042/g4-failed-1.json  why the first attempt at the next generation failed

A generation is written once and never changed: the newest of a part is the one with the highest
number. Facts are derived from the database and can be made again.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from crawler.errors import WrongUsageError
from crawler.store.database import PLAN_FILE, StoreError
from crawler.store.failures import StorageDownError
from crawler.store.part_facts import PartFacts, facts_from_json, facts_of, sha256_of
from crawler.store.part_plan import PartPlan, plan_from_json
from crawler.store.parts import Storage

#: Attempts at a generation after which its part counts as failed.
MAX_ATTEMPTS = 3
_DATASETS = "datasets"
# Files of facts that are in memory at the same time.
_READ_AT_ONCE = 1000
_GENERATION = re.compile(r"(?:parts/(\d+)|datasets)/g(\d+)\.db")
# What is put after the database: its facts, and the list of its tables.
_ABOUT = re.compile(r"(?:parts/(\d+)|datasets)/g(\d+)(?:-tables)?\.json")
_FAILURE = re.compile(r"parts/(\d+)/g(\d+)-failed-(\d+)\.json")


class NoPlanError(WrongUsageError):
    """The folder holds no audit in parts."""


class PartDamagedError(StoreError):
    """A part is missing or is not what was put: no other attempt will find it otherwise."""


class Generation(NamedTuple):
    """A database of an audit in parts; `part` is None for that of the datasets."""

    part: int | None
    number: int

    @property
    def folder(self) -> str:
        """Return the folder of its part."""
        return _DATASETS if self.part is None else f"parts/{self.part:05d}"

    @property
    def name(self) -> str:
        """Return the name of the database."""
        return f"{self.folder}/g{self.number}.db"

    @property
    def facts_name(self) -> str:
        """Return the name of the file with its facts."""
        return f"{self.folder}/g{self.number}.json"

    @property
    def next(self) -> "Generation":
        """Return the one after it."""
        return self._replace(number=self.number + 1)


def state_digest(digests: Iterable[tuple[int, int, str]]) -> str:
    """Return the name of the state of an audit.

    It is a SHA-256 over a line for each part, by number: part, newest generation, and the SHA-256
    of that file.
    """
    lines = (f"{part} {generation} {digest}\n" for part, generation, digest in sorted(digests))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class PartFailure(NamedTuple):
    """A failed attempt at a part: why, and `is_final` if no other attempt is expected to help."""

    why: str
    is_final: bool


class PartFiles(NamedTuple):
    """The names of a part's files: its newest generation, and failures after it.

    `lost` is a newer generation of which only files about it are there.
    """

    newest: Generation
    failures: tuple[str, ...]
    lost: Generation | None = None


class AuditFolder:
    """An audit in parts at some storage."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    @property
    def shown(self) -> str:
        """Return the place as users name it."""
        return self.storage.shown

    def find_plan(self) -> PartPlan | None:
        """Return the plan; None if there is none, or if the first planning was cut short."""
        content = self.storage.read(PLAN_FILE)
        return None if content is None else plan_from_json(content, f"{self.shown}/{PLAN_FILE}")

    def plan(self) -> PartPlan:
        """Return the plan. Raise `NoPlanError` if there is none."""
        found = self.find_plan()
        if found is None:
            raise NoPlanError(
                f"{self.shown} has no {PLAN_FILE}; `tdm-audit plan DATASET --db "
                f"{quote(self.shown)}` makes an audit in parts"
            )
        return found

    def generations(self, part: int | None) -> list[Generation]:
        """Return the generations of a part, or with None those of the datasets, oldest first."""
        return self._look(part)[0]

    def _look(self, part: int | None) -> tuple[list[Generation], int]:
        """Return the generations of a part, and the highest number that files about one have."""
        names = self.storage.names(Generation(part, 0).folder)
        found = [Generation(part, int(m[2])) for m in map(_GENERATION.fullmatch, names) if m]
        told = (int(m[2]) for m in map(_ABOUT.fullmatch, names) if m)
        return sorted(found, key=lambda generation: generation.number), max(told, default=0)

    def lost(self, part: int | None) -> Generation | None:
        """Return the newest generation of a part if only files about it are there."""
        _, told = self._look(part)
        # A listing is of no one moment, and a database is put before the files about it: so what
        # is lost is missing in a second one, too.
        newest = self.newest(part)
        is_lost = newest is not None and newest.number < told
        return Generation(part, told) if is_lost else None

    def newest(self, part: int | None) -> Generation | None:
        """Return the newest generation of a part, or with None that of the datasets."""
        return next(reversed(self.generations(part)), None)

    def require(self, part: int | None) -> Generation:
        """Return the newest generation of a part that must be there. Raise `StoreError`."""
        there, told = self._look(part)
        if not there:
            missing = f"{self.shown}/{Generation(part, 0).folder}"
            raise PartDamagedError(
                f"{missing} has no database, though {PLAN_FILE} names it; restore it"
            )
        if told > there[-1].number and (lost := self.lost(part)) is not None:
            raise self._lost_error(lost)
        return there[-1]

    def _lost_error(self, lost: Generation) -> StoreError:
        return PartDamagedError(
            f"{self.shown}/{lost.name} is missing, though files about it are there; restore it "
            f"from a copy, or remove the files {_stem(lost)}* to go on without it"
        )

    def require_all(self, parts: int) -> None:
        """Raise `StoreError` if one of the parts that were planned is missing."""
        there = {files.newest.part for files in self.listed() if files.lost is None}
        for part in sorted(set(range(parts)) - there):
            self.require(part)

    def opened(self, part: int | None) -> AbstractContextManager[Path]:
        """Give a path at which the newest generation of a part can be read."""
        return self.storage.opened(self.require(part).name)

    def copy(self, generation: Generation, local: Path) -> None:
        """Copy a generation to this machine. Raise `StoreError` if it is not what was put."""
        self.storage.get(generation.name, local)
        content = self.storage.read(generation.facts_name)
        facts = None if content is None else facts_from_json(content)
        # Without facts a process was killed behind its put, or they are of another version.
        if facts is not None and facts.sha256 != sha256_of(local):
            raise PartDamagedError(
                f"{self.shown}/{generation.name} is damaged: its SHA-256 is not that in "
                f"{Path(generation.facts_name).name}; restore it from a copy"
            )

    def listed(self) -> Iterator[PartFiles]:
        """Yield what the names of the files say about each part, by number."""
        newest: dict[int, int] = {}
        told: dict[int, int] = {}
        failures: dict[tuple[int, int], list[str]] = {}
        for name in self.storage.names("parts"):
            if found := _GENERATION.fullmatch(name):
                part, number = int(found[1]), int(found[2])
                newest[part] = max(number, newest.get(part, 0))
            elif found := _ABOUT.fullmatch(name):
                part, number = int(found[1]), int(found[2])
                told[part] = max(number, told.get(part, 0))
            elif found := _FAILURE.fullmatch(name):
                failures.setdefault((int(found[1]), int(found[2])), []).append(name)
        for part, number in sorted(newest.items()):
            failed = tuple(failures.get((part, number + 1), ()))
            lost = self.lost(part) if told.get(part, 0) > number else None
            yield PartFiles(Generation(part, number), failed, lost)

    def facts(self, generation: Generation) -> PartFacts:
        """Return the facts of a generation; from itself if the file with them is missing."""
        return self._facts(generation, self.storage.read(generation.facts_name))

    def with_facts(
        self, listed: Iterable[PartFiles]
    ) -> Iterator[tuple[PartFiles, PartFacts | StoreError]]:
        """Yield parts with the facts of their newest generations, or why there are none.

        Raise `StorageDownError`: then there are none of any part.
        """
        rest = iter(listed)
        while some := tuple(islice(rest, _READ_AT_ONCE)):
            contents = self.storage.read_all(files.newest.facts_name for files in some)
            for files in some:
                content = contents.get(files.newest.facts_name)
                found: PartFacts | StoreError
                try:
                    if files.lost is not None:
                        raise self._lost_error(files.lost)
                    found = self._facts(files.newest, content)
                except StorageDownError:
                    raise
                except StoreError as error:
                    found = error
                yield files, found

    def _facts(self, generation: Generation, content: bytes | None) -> PartFacts:
        found = None if content is None else facts_from_json(content)
        if found is not None:
            return found
        # A process was killed between putting the database and its facts.
        with self.storage.opened(generation.name) as path:
            return facts_of(path, about={})

    def put(self, generation: Generation, local: Path, facts: PartFacts, scratch: Path) -> bool:
        """Put a generation with its facts; return False if another process has put it before."""
        if not self.storage.put_once(local, generation.name):
            return False
        file = scratch / "facts.json"
        file.write_bytes(facts.as_json())
        self.storage.put_once(file, generation.facts_name)
        return True

    def add_failure(
        self, generation: Generation, failure: PartFailure, at: str, scratch: Path
    ) -> None:
        """Put why an attempt at a generation failed."""
        file = scratch / f"failure-{generation.part}.json"
        said = {"failed_at": at, "why": failure.why, "is_final": failure.is_final}
        file.write_text(json.dumps(said) + "\n", "utf-8")
        attempt = 1
        while not self.storage.put_once(file, f"{_stem(generation)}-failed-{attempt}.json"):
            attempt += 1

    def failure(self, failures: tuple[str, ...]) -> PartFailure | None:
        """Return the last failure, None if there is none; it is final after three attempts."""
        if not failures:
            return None
        last = max(failures, key=lambda name: int(_FAILURE.fullmatch(name)[3]))  # type: ignore[index]
        is_last = len(failures) >= MAX_ATTEMPTS
        try:
            said = json.loads(self.storage.read(last) or b"")
            return PartFailure(str(said["why"]), is_last or bool(said.get("is_final")))
        except (ValueError, KeyError, AttributeError):
            return PartFailure("", is_last)


def _stem(generation: Generation) -> str:
    return generation.name.removesuffix(".db")
