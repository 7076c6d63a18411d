"""`demo`: crawl, judge and flag a small web on loopback, which is part of this package."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from crawler import rulesets
from crawler.commands.crawl import CrawlRequest, CrawlResult, ProgressListener, crawl
from crawler.commands.flag import FlagRequest, flag
from crawler.commands.report import ReportRequest, write_report
from crawler.demo import SITES, LoopbackWeb, write_dataset
from crawler.fetch.options import FetchOptions
from crawler.progress import Bar
from crawler.store.database import connect_read_only, os_errors_as_store_error
from crawler.vocab import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The files that a demo wrote, and what its crawl did."""

    crawled: CrawlResult
    dataset: Path
    db: Path
    flagged: Path
    report: Path


def demo(output: Path, listener: ProgressListener, bar: Bar) -> DemoResult:
    """Serve the web, crawl it, and flag its dataset; replace the files of an earlier demo.

    Only 127.0.0.1 is contacted. Raises `StoreError` if the folder cannot be written.
    """
    names = ("dataset.parquet", "audit.db", "flagged.parquet", "report.html")
    dataset, db, flagged, report = (output / name for name in names)
    with os_errors_as_store_error(db):
        output.mkdir(parents=True, exist_ok=True)
        for old in (*output.glob("audit.db*"), dataset, flagged, report):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
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
        crawled = crawl(request, listener)
    with closing(connect_read_only(db)) as connection:
        flagging = FlagRequest(
            datasets=(str(dataset),),
            out=flagged,
            rules=rulesets.load(rulesets.DEFAULT),
            purposes=(Purpose.GENAI_TRAIN,),
        )
        flag(connection, flagging, bar)
        write_report(connection, report, ReportRequest())
    return DemoResult(crawled=crawled, dataset=dataset, db=db, flagged=flagged, report=report)


def _options(port: int) -> FetchOptions:
    """Return options without delay: every host is this process."""
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


def next_steps(result: DemoResult) -> Iterator[str]:
    """Yield lines that name the files, and three commands to try, as they can be typed here."""
    query = "SELECT state, protocol, place, url, digest FROM trail WHERE purpose = 'tdm' LIMIT 5"
    out = result.db.with_name("reservations.csv")
    tdm_audit, sqlite_utils = _command("tdm-audit"), _command("sqlite-utils")
    yield f"Dataset: {result.dataset}"
    yield f"Flagged: {result.flagged}"
    yield f"Report: {result.report}"
    yield ""
    yield "Try next:"
    yield f"  {tdm_audit} explain http://unanimous.demo.test/ --db {result.db}"
    yield f'  {sqlite_utils} query {result.db} "{query}" --table'
    yield f"  {tdm_audit} export reservations --db {result.db} -o {out}"


def _command(name: str) -> str:
    """Return how to call a program of this environment: by name if it is on PATH, else by path."""
    installed = Path(sys.executable).with_name(name)
    on_path = shutil.which(name)
    if on_path is not None and Path(on_path) == installed:
        return name
    return os.path.relpath(installed) if installed.exists() else name
