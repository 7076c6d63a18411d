"""Audit a small web twelve times within a year: `python -m tools.a_year`.

Thirty hosts on loopback begin to reserve, withdraw, move, fail and come back. The clock is moved
from month to month, so that output/year/audit.db holds a year of evidence after some seconds. The
tutorial docs/tutorial/a-year.md asks it questions.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from crawler import clock
from crawler.commands.crawl import CrawlRequest, crawl
from crawler.demo import LoopbackWeb
from crawler.demo.answers import Answer, html, json_text, status, text
from crawler.demo.site import SILENT, Site
from crawler.fetch.options import FetchOptions

OUTPUT = Path("output/year")
MONTHS = range(1, 13)
#: Rows with the dates on which they were collected.
COLLECTED = (
    ("http://daily.test/1", "2025-02-10"),
    ("http://daily.test/1", "2025-03-15"),
    ("http://daily.test/1", "2025-06-10"),
    ("http://forum.test/1", "2025-03-20"),
    ("http://gone.test/1", "2025-12-24"),
)
Pages = Mapping[str, Answer] | None

NOTHING: Pages = {}
#: In place of pages: nothing listens at the port of the host.
DEAD: Pages = None
TDMREP = "/.well-known/tdmrep.json"
RESERVED = {TDMREP: json_text('[{"location": "/", "tdm-reservation": 1}]')}
PERMITTED = {TDMREP: json_text('[{"location": "/", "tdm-reservation": 0}]')}
ON_TERMS = {
    TDMREP: json_text(
        '[{"location": "/", "tdm-reservation": 1, "tdm-policy": "http://gazette.test/terms.json"}]'
    )
}
NOAI = {"/": html(headers=(("X-Robots-Tag", "noai"),))}
REFUSES_US = {path: status(403) for path in ("/robots.txt", "/ai.txt", TDMREP, "/")}


def robots(*agents: str) -> Mapping[str, Answer]:
    """Return a robots.txt that turns these agents away."""
    groups = (f"User-agent: {agent}\nDisallow: /\n" for agent in agents)
    return {"/robots.txt": text("\n".join(groups))}


#: For each host what it serves from a month on.
YEAR: Mapping[str, Mapping[int, Pages]] = {
    **{f"quiet-{n}.test": {1: NOTHING} for n in range(1, 13)},
    **{f"always-{n}.test": {1: RESERVED} for n in range(1, 5)},
    **{f"press-{n}.test": {1: NOTHING, 11: RESERVED} for n in range(1, 4)},
    "daily.test": {1: NOTHING, 4: RESERVED},
    "weekly.test": {1: NOTHING, 4: robots("GPTBot"), 8: robots("GPTBot", "CCBot")},
    "gazette.test": {1: NOTHING, 2: RESERVED, 6: ON_TERMS},
    "archive.test": {1: RESERVED, 9: NOTHING},
    "forum.test": {1: RESERVED, 5: NOTHING, 10: RESERVED},
    "library.test": {1: NOTHING, 3: PERMITTED},
    "studio.test": {1: NOTHING, 7: NOAI},
    "gone.test": {1: NOTHING, 10: DEAD},
    "down.test": {1: NOTHING, 6: {"/robots.txt": status(503)}, 8: NOTHING},
    "shut.test": {1: NOTHING, 9: REFUSES_US},
    "late.test": {1: DEAD, 5: NOTHING},
}


def main(output: Path = OUTPUT) -> None:
    """Write dataset.csv, collected.csv and audit.db into a folder; remove what was in it."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    dataset = output / "dataset.csv"
    # The earlier in the alphabet, the more rows.
    rows = (f"http://{host}/{n}" for i, host in enumerate(sorted(YEAR)) for n in range(40 - i))
    dataset.write_text("url\n" + "".join(f"{url}\n" for url in rows), "utf-8")
    dated = "".join(f"{url},{date}\n" for url, date in COLLECTED)
    (output / "collected.csv").write_text(f"url,date\n{dated}", "utf-8")
    for month in MONTHS:
        os.environ[clock.VARIABLE] = f"2025-{month:02}-01T02:00Z"
        with LoopbackWeb(sites(month)) as web:
            crawl(request(dataset, output / "audit.db", month, web.port))
    os.environ.pop(clock.VARIABLE)
    print(f"{len(YEAR)} hosts, {len(MONTHS)} runs: {output / 'audit.db'}")


def sites(month: int) -> Iterator[Site]:
    """Yield the hosts that answer in a month."""
    for host in YEAR:
        pages = served(host, month)
        if pages is not DEAD:
            yield Site(host=host, about="", expect=SILENT, pages={"/": html(), **pages})


def served(host: str, month: int) -> Pages:
    """Return what a host serves in a month; None if it does not answer."""
    return YEAR[host][max(m for m in YEAR[host] if m <= month)]


def request(dataset: Path, db: Path, month: int, port: int) -> CrawlRequest:
    """Return one of the twelve crawls: without delay, since every host is this process."""
    dead = tuple(f"{host}:80:127.0.0.1:1" for host in YEAR if served(host, month) is DEAD)
    fetch = FetchOptions(
        delay=0.0,
        timeout=3.0,
        pages=0,
        connect_to=(*dead, f"::127.0.0.1:{port}"),
        allow_network=("127.0.0.1/32",),
        per_address=64,
    )
    return CrawlRequest(
        datasets=(str(dataset),), db=db, fetch=fetch, command="tdm-audit crawl", max_age=timedelta()
    )


if __name__ == "__main__":
    main()
