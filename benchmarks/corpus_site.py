"""Crawl the corpus: real files, served on loopback by the hosts in their file names.

`python -m benchmarks.corpus_site --output DIR` writes a dataset, serves the sites, runs the shipped
command against them and prints the queries of an auditor. `--serve` only serves, until
interrupted, and prints the command. Nothing but loopback is contacted.
"""

import argparse
import csv
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import Answer, html, json_text, text
from crawler.urls import canonical
from crawler.vocab import Reject

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("TDM_AUDIT_CORPUS", ROOT.parent / "shared" / "corpus"))
COUNTS = Path("lists") / "dpi_url_token_counts_c4_refinedweb_dolma.csv"
#: The months of undated collections; files named host@month have their own.
MONTHS = {"top10k_2019": "2019-01", "web2024": "2024-05", "top2024": "2024-06"}
NO_COUNT = 1000
LICENCE = "/license.xml"
PAGES = ("/", "/articles/1.html", "/images/1.jpg")
_MONTH = re.compile(r"@(\d{4}-\d\d)$")
_VERSION = re.compile(r"@[0-9a-f]{7}$")
_SLUG = re.compile(r"[^a-z0-9-]+")


class CorpusFile(NamedTuple):
    """A file of the corpus with the host and path at which it is served; `age` orders versions."""

    host: str
    path: str
    age: str
    file: Path


def site_of(host: str) -> str:
    """Return the registrable domain of a host name, empty for a text that is no host name."""
    origin = canonical.origin_of(f"http://{host}/")
    return "" if isinstance(origin, Reject) or origin.host != host else origin.site


def is_host(text: str) -> bool:
    """Return whether a text is a host under a public suffix."""
    # A public suffix fails: a host below it has another site.
    site = site_of(text) if "_" not in text else ""
    return "." in text and site != "" and site_of(f"a.{text}") == site


def made_up_host(*words: str) -> str:
    """Return a host under `.test` for a file that names none."""
    slug = "-".join(filter(None, (_SLUG.sub("-", word.lower()).strip("-") for word in words)))
    return f"{slug[:60].strip('-')}.test"


def host_of_repository(name: str) -> tuple[str, str]:
    """Return host and version of a file named owner__repository__path@version."""
    owner, _, rest = name.partition("__")
    repository, _, path = rest.partition("__")
    host = repository.lower()
    version = _VERSION.search(path)
    return host if is_host(host) else made_up_host(repository, owner), version[0] if version else ""


def robots(corpus: Path) -> Iterator[CorpusFile]:
    """Yield the files that are served as robots.txt."""
    for folder in ("robots", "contentsignals", "aipref"):
        for file in sorted((corpus / folder).rglob("*.txt")):
            name = file.name.removesuffix(".txt").removesuffix(".txt")
            if "__" in name:
                host, age = host_of_repository(name)
            else:
                month = _MONTH.search(name)
                age = month[1] if month else MONTHS.get(file.parent.name, "2026-01")
                named = _MONTH.sub("", name).removesuffix("_443").lower()
                host = named if is_host(named) else made_up_host(named)
            yield CorpusFile(host, "/robots.txt", age, file)


def others(corpus: Path) -> Iterator[CorpusFile]:
    """Yield ai.txt, trust.txt, RSL licences, TDMRep files with their policies, and pages."""
    for file in sorted((corpus / "trusttxt").glob("*.txt")):
        yield _at(file, "/.well-known/trust.txt" if "_wk_" in file.name else "/trust.txt")
    for file in sorted((corpus / "rsl").glob("*.xml")):
        yield _at(file, LICENCE)
    for file in sorted((corpus / "aitxt").glob("*.txt")):
        yield _at(file, "/ai.txt")
    for file in sorted((corpus / "tdmrep").glob("*__*")):
        if "policy" in file.name:
            yield _at(file, f"/tdm-policy{'.json' if file.suffix == '.json' else ''}")
        else:
            yield _at(file, "/.well-known/tdmrep.json")
    for file in sorted((corpus / "html").glob("*.html")):
        evaluated = re.search(r"tests_eval_(?:archive\.org\.)?(.+)\.html$", file.name)
        if evaluated:
            host = _longest_host(evaluated[1].lower())
            yield CorpusFile(host or made_up_host(evaluated[1]), "/", "", file)
        else:
            page = file.stem.split("__")[-1]
            yield _at(file, "/" if page == "index" else f"/{page}.html")


def _at(file: Path, path: str) -> CorpusFile:
    host, age = host_of_repository(file.stem)
    return CorpusFile(host, path, age, file)


def _longest_host(text: str) -> str | None:
    """Return the registrable host that a text such as `brandeins.de.something` begins with."""
    labels = re.split(r"[.]", re.split(r"[-_](?=[^.]*$)", text)[0])
    for count in range(2, len(labels) + 1):
        host = ".".join(labels[:count])
        if site_of(f"a.{host}") == host:
            return host
    return None


def answer(file: Path) -> Answer:
    """Return a file as a server would send it, with the media type of its content."""
    body = file.read_bytes()
    if file.suffix == ".xml":
        return text(body, "application/rsl+xml")
    if body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        return text(body, "text/html")
    return json_text(body) if file.suffix == ".json" else text(body, "text/plain")


def _page(host: str, *, licensed: bool) -> Answer:
    """Return a page for a host without one in the corpus, with a link to its licence if any."""
    link = f'<link rel="license" type="application/rsl+xml" href="http://{host}{LICENCE}">\n'
    return html(in_head=link if licensed else "")


def sites(corpus: Path) -> list[Site]:
    """Return one site for each host, with the newest version of each file."""
    by_host: dict[str, dict[str, CorpusFile]] = {}
    files = sorted((*robots(corpus), *others(corpus)), key=lambda f: (f.host, f.path, f.age))
    for file in files:
        by_host.setdefault(file.host, {})[file.path] = file
    return [
        Site(
            host=host,
            about=", ".join(str(page.file.relative_to(corpus)) for page in pages.values()),
            expect=MappingProxyType({}),
            pages=MappingProxyType(
                dict.fromkeys(PAGES, _page(host, licensed=LICENCE in pages))
                | {p: answer(f.file) for p, f in pages.items()}
            ),
        )
        for host, pages in by_host.items()
    ]


def counts(corpus: Path) -> dict[str, int]:
    """Return the tokens of each host in C4, RefinedWeb and Dolma together."""
    with (corpus / COUNTS).open(newline="", encoding="utf-8") as lines:
        return {
            row["url"].lower(): sum(
                int(float(row[f"{name}_tokens"] or 0)) for name in ("c4", "rf", "dolma")
            )
            for row in csv.DictReader(lines)
        }


def write_dataset(path: Path, hosts: Iterable[Site], weights: dict[str, int]) -> int:
    """Write three rows for each site, which share its known tokens; return the number of rows."""
    urls, tokens = [], []
    for site in hosts:
        total = weights.get(site.host) or weights.get(f"www.{site.host}") or NO_COUNT
        for page in PAGES:
            urls.append(site.origin + page)
            tokens.append(total // len(PAGES))
    pq.write_table(pa.table({"url": urls, "tokens": tokens}), path)
    return len(urls)


def command(output: Path, port: int) -> list[str]:
    loopback = ("--connect-to", f"::127.0.0.1:{port}", "--allow-network", "127.0.0.1/32")
    return [
        *("crawl", str(output / "dataset.parquet"), "--db", str(output / "audit.db")),
        *loopback,
        *("--delay", "0", "--weight-column", "tokens", "--no-progress"),
    ]


def run(arguments: list[str]) -> None:
    """Show and run a command as a user would, with what it prints and how long it takes."""
    print(f"\n$ tdm-audit {shlex.join(arguments)}", flush=True)
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "140"}
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "crawler", *arguments], env=env, check=False)
    print(f"[status {done.returncode}, {time.monotonic() - begun:.1f} s]", flush=True)


QUERIES = {
    "How much of the dataset is reserved, and how sure is it?": """
        SELECT purpose, state, origins, rows, round(weight / 1e6, 1) AS mtokens
        FROM dataset_summary WHERE purpose IN ('tdm', 'genai_train') ORDER BY purpose, weight DESC
    """,
    "Which agents are refused by how many sites, and on which words does that rest?": """
        SELECT agent, count(DISTINCT site) AS sites, min(tier) AS tier, min(raw) AS one_of_them
        FROM statements WHERE protocol = 'robots_txt' AND purpose = 'genai_train' AND counts = 1
        GROUP BY agent ORDER BY sites DESC LIMIT 10
    """,
    "Which reservations are the heaviest, and what proves them?": """
        SELECT t.origin, t.state, t.protocol, replace(t.raw, char(10), ' / ') AS raw,
            substr(t.digest, 1, 12) AS digest
        FROM trail AS t JOIN reservations AS r ON r.origin = t.origin
        WHERE t.purpose = 'tdm' AND t.rules = r.rules AND r.tdm IN ('reserved', 'conditional')
        ORDER BY t.origin LIMIT 10
    """,
    "What needs a human look?": """
        SELECT code, count(*) AS n, count(DISTINCT origin) AS origins, min(excerpt) AS example
        FROM issues GROUP BY code ORDER BY origins DESC LIMIT 15
    """,
}


def ask(db: Path) -> None:
    with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        for title, query in QUERIES.items():
            print(f"\n-- {title}\n{' '.join(query.split())};")
            rows = connection.execute(query)
            print(" | ".join(column[0] for column in rows.description))
            for row in rows:
                print(" | ".join(printable(cell) for cell in row))


def printable(cell: object) -> str:
    """Return a cell as one line of printable characters."""
    return "".join(c for c in " ".join(str(cell).split()) if c.isprintable())[:70]


def hosts_to_explain(db: Path) -> list[str]:
    """Return a host that reserves, with a conflict if possible, and one that reserves in part."""
    query = """
        SELECT r.host FROM reservations AS r WHERE {} ORDER BY r.conflict DESC, r.rows DESC, r.host
        LIMIT 1
    """
    wanted = ("r.tdm IN ('reserved', 'conditional')", "r.genai_train = 'partial'")
    with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return [host for where in wanted for (host,) in connection.execute(query.format(where))]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--output", type=Path, required=True, help="folder for dataset and database"
    )
    options.add_argument("--corpus", type=Path, default=CORPUS)
    options.add_argument("--serve", action="store_true", help="only serve, until interrupted")
    given = options.parse_args()
    if not given.corpus.is_dir():
        print(f"there is no corpus at {given.corpus}", file=sys.stderr)
        return 1
    given.output.mkdir(parents=True, exist_ok=True)
    served = sites(given.corpus)
    rows = write_dataset(given.output / "dataset.parquet", served, counts(given.corpus))
    print(f"{len(served):,} sites, {rows:,} rows: {given.output / 'dataset.parquet'}")
    with LoopbackWeb(served) as web:
        if given.serve:
            return serve(given.output, web)
        run(command(given.output, web.port))
    db = given.output / "audit.db"
    for host in hosts_to_explain(db):
        run(["explain", f"http://{host}/articles/1.html", "--db", str(db)])
    ask(db)
    return 0


def serve(output: Path, web: LoopbackWeb) -> int:
    print(f"serving on port {web.port}; crawl with")
    print(f"  tdm-audit {shlex.join(command(output, web.port))}")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
