"""Demo: the whole flow against the web inside this package, on loopback."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from crawler import rulesets
from crawler.commands.crawl import CrawlRequest, CrawlResult, Watcher, crawl
from crawler.commands.flag import FlagRequest, flag
from crawler.demo import SITES, LoopbackWeb, write_dataset
from crawler.fetch.options import FetchOptions
from crawler.progress import Bar
from crawler.store.database import connect_read_only, os_errors_as_store_error
from crawler.vocab import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the demonstration left behind."""

    crawled: CrawlResult
    dataset: Path
    db: Path
    flagged: Path


def demo(output: Path, watcher: Watcher, bar: Bar) -> DemoResult:
    """Serve the web, crawl it anew, flag its dataset; an earlier demonstration is replaced.

    Only 127.0.0.1 is contacted. Raises `StoreError` if the folder cannot be written.
    """
    dataset, db, flagged = (output / n for n in ("dataset.parquet", "audit.db", "flagged.parquet"))
    with os_errors_as_store_error(db):
        output.mkdir(parents=True, exist_ok=True)
        for left in (*output.glob("audit.db*"), dataset, flagged):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        write_dataset(dataset)
    with LoopbackWeb(SITES) as web:
        request = CrawlRequest(
            datasets=(str(dataset),),
            db=db,
            fetch=_options(web.port),
            weight_column="tokens",
            command="tdm-audit demo",
            max_age=timedelta(hours=24),
        )
        crawled = crawl(request, watcher)
    with closing(connect_read_only(db)) as connection:
        asked = FlagRequest(
            datasets=(str(dataset),),
            out=flagged,
            rules=rulesets.load(rulesets.DEFAULT),
            purposes=(Purpose.GENAI_TRAIN,),
        )
        flag(connection, asked, bar)
    return DemoResult(crawled=crawled, dataset=dataset, db=db, flagged=flagged)


def _options(port: int) -> FetchOptions:
    """Fast, because every host is this process; the web itself is asked as politely as any."""
    return FetchOptions(
        concurrency=64,
        delay=0.0,
        timeout=3.0,
        terms=1,
        connect_timeout=2.0,
        contact="https://tdm-audit.example/about",
        connect_to=(f"::127.0.0.1:{port}",),
        allow_network=("127.0.0.1/32",),
        per_address=64,
    )


def next_steps(shown: DemoResult) -> Iterator[str]:
    """Where the results lie, and three things to try, as they can be typed here."""
    query = "SELECT state, protocol, place, url, digest FROM trail WHERE purpose = 'tdm' LIMIT 5"
    out = shown.db.with_name("reservations.csv")
    ours, theirs = _program("tdm-audit"), _program("sqlite-utils")
    yield f"Dataset: {shown.dataset}"
    yield f"Flagged: {shown.flagged}"
    yield ""
    yield "Try next:"
    yield f"  {ours} explain http://unanimous.demo.test/ --db {shown.db}"
    yield f'  {theirs} query {shown.db} "{query}" --table'
    yield f"  {ours} export reservations --db {shown.db} -o {out}"


def _program(name: str) -> str:
    """How a program beside this one is called from here: by name, or by its path."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found is not None and Path(found) == beside:
        return name
    return os.path.relpath(beside) if beside.exists() else name
