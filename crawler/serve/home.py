"""The first page: four numbers, the report's first two figures, and the ways to go on."""

import base64
import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from markupsafe import Markup

from crawler.caches import BoundedCache
from crawler.plurals import agreeing, counted
from crawler.reports.dataset_report import charts, words
from crawler.reports.dataset_report.html import figures_as_html
from crawler.reports.dataset_report.report_queries import ReportQueries
from crawler.store.database import PLAN_FILE, connect_read_only
from crawler.store.queries import dataset_ids, is_one_of_several_parts, visited_origins
from crawler.vocab import Purpose

# First pages that are kept.
_DATASETS = 16
_PURPOSE = Purpose.GENAI_TRAIN.value


class Headline(NamedTuple):
    """A number of the first page: its text, its unit, and what is unknown of it."""

    number: str
    unit: str
    unknown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The first page for a dataset. `message` says why there are no numbers.

    `css` is a style sheet for the figures, empty without any.
    """

    title: str = ""
    path: str = ""
    dataset: int = 0
    others: tuple[int, ...] = ()
    rules: str = ""
    headlines: tuple[Headline, ...] = ()
    figures: Markup | None = None
    css: str = ""
    message: str = ""

    @property
    def css_source(self) -> str:
        """The source of `css` in a content security policy (CSP, 2.3.1: hash-source)."""
        digest = hashlib.sha256(self.css.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


def read_home(db: sqlite3.Connection, dataset: int | None, folder: str) -> Home:
    """Return the first page for a dataset that counts; the newest if there is no such one.

    `folder` is that of the audit, if the database is one of its parts.
    """
    known = dataset_ids(db)
    if not known:
        return Home(message="The database has no dataset yet: `tdm-audit crawl` reads one.")
    chosen = dataset if dataset in known else max(known)
    others = tuple(number for number in known if number != chosen)
    queries = ReportQueries(db, chosen, _PURPOSE, 1)
    path = queries.facts["path"]
    if queries.rules is None:
        return Home(
            title=queries.title,
            path=path,
            dataset=chosen,
            others=others,
            message="Nothing was judged yet: `tdm-audit judge` does, or the end of the crawl.",
        )
    if is_one_of_several_parts(db):
        return Home(
            title=queries.title,
            path=path,
            dataset=chosen,
            others=others,
            message="This is one part of an audit. Shares in its views are of the whole dataset, "
            "of which the other parts have the rest: "
            f"`tdm-audit serve --db {quote(folder)}` shows the whole.",
        )
    figures, css = figures_as_html((charts.answer(queries), charts.states(queries)))
    return Home(
        title=queries.title,
        path=path,
        dataset=chosen,
        others=others,
        rules=queries.rules,
        headlines=_headlines(queries, visited_origins(db)),
        figures=figures,
        css=css,
    )


def _headlines(queries: ReportQueries, visited: int) -> tuple[Headline, ...]:
    facts, seen = queries.facts, queries.seen
    rows = queries.bounds(_PURPOSE, "rows") or {}
    weight = queries.bounds(_PURPOSE, "weight")
    of_weight = f"; {_three(weight)} of the {queries.weight_name}" if weight else ""
    return (
        Headline(
            f"{facts['rows']:,}",
            agreeing(facts["rows"], "row", "rows") + " of the dataset",
            f"{facts['unattributable']:,} without a usable URL",
        ),
        Headline(
            f"{facts['origins']:,}",
            agreeing(facts["origins"], "origin", "origins") + " of the dataset",
            f"visited so far, of all datasets: {visited:,}",
        ),
        Headline(
            _three(rows),
            "of the rows reserve generative training: narrowest, shown, widest" + of_weight,
            f"{words.share(rows['share_unknown'])} of the rows are unknown",
        ),
        Headline(
            str(words.share(seen["share"])),
            f"of {counted(seen['planned'], 'planned place')} seen",
            f"{seen['unseen']:,} not seen; a place is a file or page of an origin",
        ),
    )


def _three(bounds: dict[str, Any]) -> str:
    shares = (bounds[key] for key in ("share_min", "share_shown", "share_max"))
    return " – ".join(str(words.share(share)) for share in shares)


class HomeCache:
    """The last first page of each dataset, kept while the file of the database is the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = (path, path.with_name(f"{path.name}-wal"))
        self._state: tuple[object, ...] = ()
        self._pages: BoundedCache[int | None, Home] = BoundedCache(_DATASETS)

    def read(self, dataset: int | None) -> Home:
        """Return the page from the cache, or read it."""
        state = tuple(map(_written, self._files))
        if state != self._state:
            self._state, self._pages = state, BoundedCache(_DATASETS)
        found = self._pages.get(dataset)
        if found is None:
            with closing(connect_read_only(self._path)) as db:
                found = self._pages.put(dataset, read_home(db, dataset, _folder_of(self._path)))
        return found


def _folder_of(path: Path) -> str:
    """Return the folder of the audit in parts that a database is of, `FOLDER` if it is a copy."""
    folder = path.resolve().parents[2:3]
    return str(folder[0]) if folder and (folder[0] / PLAN_FILE).exists() else "FOLDER"


def _written(file: Path) -> tuple[int, int] | None:
    """Return when a file was written, and its size; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
