"""Request for a crawl, and its result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import RunEnd
from crawler.plurals import counted
from crawler.store.provenance import Provenance
from crawler.store.request_lists import ListTotals

_NOT_GIVEN = Provenance()


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlRequest:
    """Options of one crawl.

    `datasets` are files, folders or patterns. `max_age` is how old a visit may be and still count
    as fresh. `rules` names a rule set or a file; None is the one that the database shows.
    `limit_origins` are the origins with most weight, else with most rows. The last four options
    are those of `IngestRequest`.
    `processes` is the number of processes that crawl parts of the same audit at the same time.

    `ask` are files with URLs that are requested one by one, until `budget` seconds have passed
    since the command began; there need not be datasets then.
    """

    datasets: tuple[str, ...]
    db: Path
    fetch: FetchOptions
    command: str = "crawl"
    url_columns: tuple[str, ...] = ()
    weight_column: str | None = None
    memory_limit: str = "1GB"
    limit_origins: int | None = None
    max_age: timedelta = timedelta(hours=24)
    new_run: bool = False
    keep_pages: bool = False
    keep_contacts: bool = False
    rules: str | None = None
    processes: int = 1
    name: str | None = None
    facets: tuple[tuple[str, str], ...] = ()
    collected_column: str | None = None
    provenance: Provenance = _NOT_GIVEN
    ask: tuple[str, ...] = ()
    budget: float = 0.0

    @property
    def most_per_address(self) -> int:
        """Return the most requests in flight to one address, over all processes."""
        return self.processes * self.fetch.per_address


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressListener:
    """Callbacks for progress: `begin` with the name of a phase and its number of steps (None if
    unknown), then `step` for each of them.
    """

    begin: Callable[[str, int | None], None] = field(default=lambda _phase, _size: None)
    step: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Result for a list of URLs: its state, how many `now` were requested, and in which `runs`.

    `stopped` counts the origins that are left since they do not answer, asked to slow down or used
    up their budget, and `held` their URLs that are still waiting.
    """

    totals: ListTotals
    now: int
    runs: tuple[int, ...]
    stopped: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlResult:
    """Result of a crawl: the number of its run (None if no origin was due) and of its dataset
    (None without one), how many origins were `due` and how many of them `visited`, and how the
    run ended. `warnings` are sentences for the user. `head` is the digest of the last manifest.
    `local_failures` counts origins that stay due because this machine was short of something, by
    what it was. `asked` is the result for the URLs requested one by one, None without any.
    """

    run: int | None
    dataset: int | None
    due: int
    visited: int
    ended: RunEnd
    asked: "Asked | None" = None
    warnings: tuple[str, ...] = ()
    head: str = ""
    local_failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def fault_of_machine(self) -> str:
        """Return a sentence if origins stay due by a fault of this machine, else an empty text."""
        if self.ended is RunEnd.NO_NETWORK:
            return (
                "no answer from any host: this machine seems to have no network, or its DNS does "
                "not answer; nothing of this is stored, so run the same command again"
            )
        if self.ended is RunEnd.LOCAL_FAILURE:
            whys = ", ".join(sorted(self.local_failures))
            return (
                f"{counted(sum(self.local_failures.values()), 'origin')} could not be visited "
                f"because of this machine ({whys}); raise its limits or lower --concurrency, "
                "and run the same command again"
            )
        return ""
