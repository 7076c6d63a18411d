"""`PartTask`: the work that is done on the parts of an audit, and how one process tells another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from crawler.commands.crawl_request import CrawlRequest
from crawler.fetch.options import FetchOptions


class PartVerb(StrEnum):
    """The work that is done on a part."""

    CRAWL = "crawl"
    JUDGE = "judge"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTask:
    """Work that is the same for all parts, with the options of `CrawlRequest`.

    `processes` is the number of processes that work on parts of the audit at the same time, on this
    machine and others. The requests in flight to one address are shared among them.
    `with_derived` is of `verify`.
    """

    verb: PartVerb
    fetch: FetchOptions
    processes: int
    command: str = "crawl"
    max_age: timedelta = timedelta(hours=24)
    new_run: bool = False
    keep_pages: bool = False
    rules: str | None = None
    with_derived: bool = False

    def request(self, db: Path) -> CrawlRequest:
        """Return the request for the database of a part."""
        alone = max(1, self.fetch.per_address // self.processes)
        return CrawlRequest(
            datasets=(),
            db=db,
            fetch=replace(self.fetch, per_address=alone),
            command=self.command,
            max_age=self.max_age,
            new_run=self.new_run,
            keep_pages=self.keep_pages,
            rules=self.rules,
            processes=self.processes,
        )

    @property
    def most_per_address(self) -> int:
        """Return the most requests in flight to one address, over all processes."""
        return self.request(Path()).most_per_address


def task_as_json(task: PartTask) -> Mapping[str, object]:
    """Return a task as data that another process understands."""
    names = FetchOptions.__dataclass_fields__
    values = {name: getattr(task, name) for name in PartTask.__dataclass_fields__}
    values["fetch"] = {name: getattr(task.fetch, name) for name in names}
    values["max_age"] = task.max_age.total_seconds()
    return values


def task_from_json(values: Mapping[str, Any]) -> PartTask:
    """Return the task that another process sent."""
    # JSON has no tuples, and `FetchOptions` must be hashable.
    tuples = {name: tuple(values["fetch"][name]) for name in ("connect_to", "allow_network")}
    return PartTask(
        **{
            **values,
            "verb": PartVerb(values["verb"]),
            "fetch": FetchOptions(**{**values["fetch"], **tuples}),
            "max_age": timedelta(seconds=values["max_age"]),
        }
    )
