"""Speed of judging, and of the first query of each view.

`python -m benchmarks.judge_speed [--origins 20000] [--hosts usual|alike|unlike] [--rounds 5]
[--quick] [--json FILE]` stores synthetic evidence through `crawler.store`, runs `tdm-audit judge`
on it and queries the views. Usual hosts have files of some systems, which differ by the address of
a sitemap and the title of a page. With `alike` every second host has byte-equal files of a system.
With `unlike` each host has a unique rule and meta element.
Status 1 if fewer than 5,000 origins a second are judged on one core (of a machine where Protego
parses 1 KB in 183 us: machines differ, the ratio does not), or a query takes more than a second
for 200,000 origins, less for fewer in proportion.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks import hosts, measure
from benchmarks.measure import MB, Goal
from benchmarks.robots_parse import KB, Files, cost, make_robots, protego
from crawler import __version__, agents, page
from crawler.model import Observation, Origin, Target
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, connect_read_only, transaction
from crawler.urls import canonical
from crawler.vocab import EXTRACTED, Outcome, Resource

ORIGINS_PER_SECOND = 5_000
#: Microseconds of Protego for 1 KB on the machine of the goals.
PROTEGO = 183
QUERY_SECONDS, QUERY_ORIGINS = 1.0, 200_000
#: CPU seconds after which a query is given up.
QUERY_TIMEOUT = 30.0
#: Virtual machine steps of SQLite between two checks of the timeout.
_STEPS = 100_000
_TRANSACTION_ORIGINS = 500
#: Sets of files that `alike` hosts share.
_SYSTEMS = 20
_WHEN = "2026-11-22T05:30:00.000Z"

QUERIES = {
    "reservations": "SELECT host, rows, tdm, genai_train, basis, tier, policy_url "
    "FROM reservations WHERE genai_train IN ('reserved', 'partial') ORDER BY rows DESC LIMIT 20",
    "dataset_summary": "SELECT * FROM dataset_summary",
    "leverage": "SELECT * FROM leverage WHERE purpose = 'genai_train' ORDER BY rank LIMIT 20",
    "sites": "SELECT * FROM sites ORDER BY rows DESC LIMIT 20",
    "conflicts": "SELECT kind, purpose, count(*) FROM conflicts GROUP BY kind, purpose",
    "rights_holders": "SELECT * FROM rights_holders ORDER BY rows DESC LIMIT 20",
}

_RESOURCES = {
    "/robots.txt": Resource.ROBOTS_TXT,
    "/ai.txt": Resource.AI_TXT,
    "/.well-known/tdmrep.json": Resource.TDMREP_JSON,
    "/.well-known/trust.txt": Resource.TRUST_TXT,
    "/trust.txt": Resource.TRUST_TXT,
    "/": Resource.HOME,
}
_HEADERS = (
    ("Date", "Sun, 22 Nov 2026 05:30:00 GMT"),
    ("Server", "nginx"),
    ("Cache-Control", "max-age=600"),
    ("X-Content-Type-Options", "nosniff"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Vary", "Accept-Encoding"),
)


def origin(number: int) -> Origin:
    """Return the origin of a host; two hosts make a site."""
    host = f"{'www' if number % 2 else 'shop'}.s{number // 2:07d}.test"
    return Origin(scheme="https", host=host, port=443, site=host.partition(".")[2])


def content(path: str, number: int) -> bytes | None:
    """Return the file of a host at a path; None if it answers 404."""
    match path:
        case "/robots.txt":
            return None if number % 20 < 4 else hosts.robots(number)
        case "/ai.txt":
            return hosts.numbered(hosts.AI_TXT, number) if number % 100 == 31 else None
        case "/.well-known/tdmrep.json":
            return hosts.numbered(hosts.TDMREP, number) if number % 100 == 57 else None
        case "/":
            return b""
    return None


_EXTRACTS: dict[bytes, bytes] = {}


def extract(number: int) -> bytes:
    """Return the head extract of a host's home page, made once for each kind of page."""
    template = hosts.page_template(number)
    if template not in _EXTRACTS:
        _EXTRACTS[template] = page.extract(template)
    return hosts.numbered(_EXTRACTS[template], number)


_RULE = b"User-agent: *\nDisallow: /%07d/\n"
_META = b"""{"attributes":[["name","x-%07d"],["content","1"]],"line":9,"raw":"","tag":"meta","""


def unlike(path: str, number: int, content: bytes) -> bytes:
    """Return a file or extract with a unique rule or element that protocols must parse."""
    if path == "/robots.txt":
        return content + _RULE % number
    element = _META % number + b'"text":"","where":"head"},'
    return content.replace(b'"elements":[', b'"elements":[' + element, 1)


def observation(path: str, number: int, base: str, *, unique: bool) -> Observation:
    """Return the observation of a path of a host; `unique` adds a rule or element to its files."""
    target = Target(resource=_RESOURCES[path], asked=base + path, url=base + path)
    body = content(path, number)
    extracted = extract(number) if target.resource in EXTRACTED else b""
    if unique and body is not None:
        body, extracted = unlike(path, number, body), unlike(path, number, extracted)
    media_type = "text/plain" if path.endswith(".txt") else "text/html; charset=utf-8"
    return Observation(
        target=target,
        outcome=Outcome.RESPONDED,
        status=404 if body is None else 200,
        headers=(*_HEADERS, ("Content-Type", "text/html" if body is None else media_type)),
        body=body or b"",
        size=len(body or b""),
        started_at=_WHEN,
        elapsed_ms=50,
        address="192.0.2.1:443",
        extract=extracted,
    )


def visit(number: int, kind: str) -> Iterator[Observation]:
    """Yield all observations of a host; `kind` is a choice of `--hosts`."""
    files = number % _SYSTEMS if kind == "alike" and number % 2 else number
    for path in hosts.PATHS:
        if path != "/trust.txt" or content("/.well-known/trust.txt", files) is None:
            yield observation(path, files, origin(number).url, unique=kind == "unlike")


def build(path: Path, number: int, kind: str = "usual") -> None:
    """Write a database of `number` origins, as a crawl leaves it before judging."""
    dataset = evidence_writer.NewDataset(
        path="synthetic",
        files=(("synthetic", 0, "0" * 64),),
        format="text",
        url_column="url",
        weight_column="",
        rows=number,
        rejects=(),
    )
    counted = ((canonical.origin_key(o), o, 1 + n % 97, None, ()) for n, o in _origins(number))
    with closing(connect(path, create=True)) as db:
        with transaction(db):
            evidence_writer.add_dataset(db, dataset, counted, _WHEN)
        run = runs.begin_run(db, run_facts(), _WHEN)
        for first in range(0, number, _TRANSACTION_ORIGINS):
            with transaction(db):
                for n in range(first, min(first + _TRANSACTION_ORIGINS, number)):
                    evidence_writer.save_visit(db, run, n + 1, tuple(visit(n, kind)), _WHEN)
        runs.end_run(db, run, "finished", _WHEN)


def _origins(number: int) -> Iterator[tuple[int, Origin]]:
    for n in range(number):
        yield n, origin(n)


def run_facts() -> runs.NewRun:
    """Return the facts of a run in which nothing was fetched."""
    return runs.NewRun(
        command="benchmarks.judge_speed",
        version=__version__,
        versions={},
        settings={"dataset": 1},
        user_agent="none: nothing was fetched",
        suffix_list=canonical.suffix_list_version(),
        catalogue=agents.VERSION,
    )


def query_cost(path: Path, query: str) -> tuple[float, int]:
    """Return the CPU seconds of a query over a new connection, and its number of rows."""
    with closing(connect_read_only(path)) as db:
        begun = time.process_time()
        db.set_progress_handler(lambda: time.process_time() - begun > QUERY_TIMEOUT, _STEPS)
        try:
            rows = len(db.execute(query).fetchall())
        except sqlite3.OperationalError:  # interrupted
            rows = 0
        return time.process_time() - begun, rows


def query_costs(path: Path, query: str, rounds: int) -> list[tuple[float, int]]:
    """Return the cost of a query in each round, in fewer rounds if it takes long."""
    costs = [query_cost(path, query)]
    while len(costs) < rounds and sum(seconds for seconds, _ in costs) < QUERY_TIMEOUT / 2:
        costs.append(query_cost(path, query))
    return costs


def protego_microseconds() -> float:
    """Return the CPU microseconds of Protego for 1 KB of robots.txt on this machine."""
    return cost(protego, Files("1 KB", (make_robots(KB),)))


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--origins", type=int, help="20000, with --quick 1500")
    options.add_argument("--hosts", choices=("usual", "alike", "unlike"), default="usual")
    options.add_argument(
        "--db", type=Path, help="keep the database here, and take it if it is there"
    )
    given = options.parse_args()
    number, usual = (given.origins or 1_500, 3) if given.quick else (given.origins or 20_000, 5)
    with tempfile.TemporaryDirectory() as folder:
        path = given.db or Path(folder) / "audit.db"
        if not path.exists():
            build(path, number, given.hosts)
        return report(path, number, given.rounds or usual, given.json)


def report(path: Path, number: int, rounds: int, file: Path | None) -> int:
    """Measure, print, and return the exit status."""
    judged, yardstick = [], []
    for _ in range(rounds):
        yardstick.append(protego_microseconds())
        judged.append(measure.run(["crawler", "judge", "--db", str(path), "--quiet"]))
        yardstick[-1] = (yardstick[-1] + protego_microseconds()) / 2
    answers = {name: query_costs(path, query, rounds) for name, query in QUERIES.items()}
    speed = number / measure.median(spent.cpu for spent in judged)
    scaled = measure.median(
        number / spent.cpu * took / PROTEGO for spent, took in zip(judged, yardstick, strict=True)
    )
    slow = measure.median(yardstick) / PROTEGO
    seconds = {name: measure.median(s for s, _ in found) for name, found in answers.items()}
    print(f"{number:,} origins, {path.stat().st_size / MB:,.0f} MB; medians of {rounds} rounds")
    peak = measure.median(spent.peak for spent in judged)
    measure.table(
        ("judge", "origins/s/core", "where Protego takes 183 us", "Protego here, us", "peak MB"),
        [("", speed, scaled, measure.median(yardstick), peak)],
    )
    rows = ((q, s * 1000, s / slow * 1000, answers[q][0][1]) for q, s in seconds.items())
    measure.table(("query", "ms CPU", "where Protego takes 183 us", "rows"), rows)
    goals = [
        Goal(
            "origins judged a second where Protego takes 183 us",
            scaled,
            ORIGINS_PER_SECOND,
            at_least=True,
        )
    ]
    bound = QUERY_SECONDS * number / QUERY_ORIGINS
    goals += [
        Goal(f"seconds for {name}, likewise", took / slow, bound) for name, took in seconds.items()
    ]
    facts = {
        "origins": number,
        "judge": [{"cpu": s.cpu, "wall": s.wall, "peak_mb": s.peak} for s in judged],
        "protego_us": yardstick,
        "questions": answers,
    }
    return measure.conclude("judge_speed", file, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
