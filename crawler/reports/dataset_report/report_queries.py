"""The queries of one report: each run once, and what several figures take from them."""

from functools import cached_property
from typing import Any

from crawler.store.figures import Table, table
from crawler.store.queryable import Queryable, is_whole
from crawler.store.run_statistics import NOT_PLANNED

# Queries of shares of the sites, whose number is found once.
_OF_SITES = ("signals", "agents")


class ReportQueries:
    """The queries of one report, each run once, and what several figures take from them."""

    def __init__(self, db: Queryable, dataset: int, purpose: str, top: int) -> None:
        self._db, self.dataset, self.purpose, self.top = db, dataset, purpose, top
        self._tables: dict[tuple[str, str], Table] = {}

    def table(self, name: str, purpose: str | None = None) -> Table:
        """Return the result of a query; `purpose` differs from that of the report for a few."""
        about = purpose or self.purpose
        if (name, about) not in self._tables:
            values: dict[str, str | int | tuple[str, ...]] = {"dataset": self.dataset}
            values |= {"purpose": about, "top": self.top, "unplanned": NOT_PLANNED}
            if name in _OF_SITES:
                values |= {"sites": self.all_sites}
            self._tables[name, about] = table(self._db, name, **values)
        return self._tables[name, about]

    @property
    def of_whole(self) -> bool:
        """True if all parts of an audit are read, in DuckDB."""
        return is_whole(self._db)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The dataset."""
        return self.table("dataset").dicts()[0]

    @cached_property
    def run(self) -> dict[str, Any]:
        """The newest run, or that of each part added up."""
        return self.table("runs").dicts()[0]

    @cached_property
    def rules(self) -> str | None:
        """The rule set shown, None if nothing was judged."""
        return next((row["rules"] for row in self.table("bounds").dicts()), None)

    @property
    def title(self) -> str:
        """The name of the dataset: the last part of its path."""
        path: str = self.facts["path"]
        return path.rstrip("/").rsplit("/", 1)[-1] or path

    @property
    def weight_name(self) -> str:
        """The column that was added up, empty without one."""
        return self.facts["weight_column"] or "" if self.facts["weight"] is not None else ""

    @property
    def scope(self) -> str:
        """A sentence where a figure is about all datasets of the database, else nothing."""
        several = self.table("datasets_in_all").rows[0][0] > 1
        return " Of all datasets in the database." if several else ""

    @property
    def all_sites(self) -> int:
        """The number of sites in the database."""
        return int(self.table("sites_in_all").rows[0][0])

    @cached_property
    def seen(self) -> dict[str, Any]:
        """The planned places in all."""
        return next(r for r in self.table("coverage").dicts() if r["resource"] is None)

    def bounds(self, purpose: str, unit: str) -> dict[str, Any] | None:
        """Return the bounds of a purpose in a unit; None for a weight that there is not."""
        rows = self.table("bounds").dicts()
        return next((r for r in rows if (r["purpose"], r["unit"]) == (purpose, unit)), None)

    def state(self, purpose: str, state: str) -> dict[str, Any] | None:
        """Return the numbers of a state, None if no row has it."""
        rows = self.table("states").dicts()
        return next((r for r in rows if (r["purpose"], r["state"]) == (purpose, state)), None)
