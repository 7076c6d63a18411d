"""Synthetic evidence of a large audit, for what people open: the report and `tdm-audit serve`.

Two datasets share origins: one with a weight, a facet and sampled pages, one that a known crawler
collected. Every fourth host belongs to one of a few platforms, the others are two to a site. Some
hosts do not answer, refuse or forbid; the others have the files of `hosts`, some of them prose,
misspelt rules, contradicting signals, policies and named publishers. A second run visits a tenth
again, and some of those have begun or stopped to refuse an agent.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

from benchmarks import hosts
from benchmarks.judge_speed import run_facts
from crawler import page, rulesets
from crawler.commands.judge import rebuild
from crawler.model import Observation, Origin, Target
from crawler.store import evidence_writer, facet_writer, run_statistics, runs
from crawler.store.database import checkpoint, connect, transaction
from crawler.urls import canonical
from crawler.vocab import EXTRACTED, Outcome, Reject, Resource

_TIMES = ("2026-11-{:02}T05:30:00.000Z", "2026-12-{:02}T05:30:00.000Z")
_TRANSACTION_ORIGINS = 500
_PLATFORMS, _LANGUAGES = 40, 20
#: One of so many origins is in the second dataset too, and in the second run.
SECOND_DATASET, SECOND_RUN = 5, 10
_REJECTED = 1_000
_PATHS = {
    "/robots.txt": Resource.ROBOTS_TXT,
    "/ai.txt": Resource.AI_TXT,
    "/.well-known/tdmrep.json": Resource.TDMREP_JSON,
    "/.well-known/trust.txt": Resource.TRUST_TXT,
    "/trust.txt": Resource.TRUST_TXT,
    "/": Resource.HOME,
    "/articles/1.html": Resource.PAGE,
    "/articles/2.html": Resource.PAGE,
}
_HEADERS = (
    ("Date", "Sun, 22 Nov 2026 05:30:00 GMT"),
    ("Server", "nginx"),
    ("Cache-Control", "max-age=600"),
    ("Strict-Transport-Security", "max-age=31536000"),
)
_TYPES = {"txt": "text/plain", "json": "application/json"}
_FORBIDDING = b"User-agent: *\nDisallow: /\n# host @@@@@@@\n"
_AGENT = b"\nUser-agent: GPTBot\nDisallow: /\n"
_SIGNAL = b"\nUser-agent: *\nContent-Signal: ai-train=yes, search=yes\nAllow: /\n"
_MISSPELT = b"\nUser-agent: CCBot\nDisalow: /\nNoindex /x\n"
_PROSE = (
    b"\n# All rights are reserved, including text and data mining under Article 4 of Directive "
    b"(EU) 2019/790.\n"
)
_TERMS = b', "tdm-policy": "https://www.example.org/@@@@@@@/tdm"'
_TDMREP = b'[{"location": "/", "tdm-reservation": 1%s}]\n'
_FOOTER = b"<footer>\xc2\xa9 2026 Verlag @@@@@@@ GmbH</footer></body></html>\n"


def origin(number: int) -> Origin:
    """Return the origin of a host."""
    if number % 4 == 0:
        host = f"h{number:07d}.platform{number // 4 % _PLATFORMS}.test"
    else:
        host = f"{'www' if number % 2 else 'shop'}.s{number // 4 * 2 + number % 4 // 2:07d}.test"
    return Origin(scheme="https", host=host, port=443, site=host.partition(".")[2])


def rows(number: int, count: int) -> int:
    """Return the rows of an origin: a few have most of them."""
    return 1 + count // (1 + number * 7919 % count)


def _robots(number: int, run: int) -> bytes | None:
    kind = number % 100
    if kind in (6, 7):
        return hosts.numbered(_FORBIDDING, number)
    if number // 3 % 10 < 2:
        return None
    text = hosts.robots(number // 7)
    text += _PROSE if number % 97 == 0 else b""
    text += _MISSPELT if number % 19 == 0 else b""
    text += _SIGNAL if number % 53 == 0 else b""
    return text + (_AGENT if number % (3 * SECOND_RUN) == run * SECOND_RUN else b"")


def _content(path: str, number: int, run: int) -> bytes | None:
    """Return the file of a host at a path; None if it answers 404."""
    if path == "/robots.txt":
        return _robots(number, run)
    if path == "/ai.txt":
        return hosts.numbered(hosts.AI_TXT, number) if number % 100 == 31 else None
    if path == "/.well-known/tdmrep.json":
        if number % 53 == 0:
            return hosts.numbered(_TDMREP % (b"" if number % 2 else _TERMS), number)
        return hosts.numbered(hosts.TDMREP, number) if number % 100 == 57 else None
    if _PATHS[path] in EXTRACTED:
        return None if path != "/" and number % 23 == 0 else b"<!doctype html>"
    return None


@cache
def _extract(template: bytes) -> bytes:
    return page.extract(template)


def _extracted(path: str, number: int) -> bytes:
    template = hosts.page_template(number if path == "/" else number + 1)
    if path == "/" and number % 10 == 3:
        template = template.replace(b"</body></html>\n", _FOOTER)
    return hosts.numbered(_extract(template), number)


def _observation(path: str, number: int, run: int, outcome: Outcome, status: int) -> Observation:
    url = origin(number).url + path
    at = _TIMES[run].format(1 + number % 28)
    target = Target(resource=_PATHS[path], asked=url, url=url)
    if outcome is not Outcome.RESPONDED:
        note = "robots.txt forbids it" if outcome is Outcome.WITHHELD else "no answer"
        return Observation(target=target, outcome=outcome, started_at=at, note=note)
    body = _content(path, number, run) if status == 200 else None
    kind = _TYPES.get(path.rpartition(".")[2], "text/html") if body is not None else "text/html"
    reserved = (("tdm-reservation", "1"),) if number % 111 == 5 and path == "/" else ()
    return Observation(
        target=target,
        outcome=outcome,
        status=status if status != 200 or body is not None else 404,
        headers=(*_HEADERS, ("Content-Type", kind), *reserved),
        body=body or b"",
        size=len(body or b""),
        started_at=at,
        elapsed_ms=40 + number % 60,
        address=f"192.0.2.{number % 250}:443",
        extract=_extracted(path, number) if body and target.resource in EXTRACTED else b"",
    )


def visit(number: int, run: int) -> Iterator[Observation]:
    """Yield all observations of a host in a run."""
    dead = {0: Outcome.NOT_FOUND_HOST, 1: Outcome.NOT_FOUND_HOST, 2: Outcome.TIMED_OUT}
    if number % 100 in dead:
        yield _observation("/robots.txt", number, run, dead[number % 100], 0)
        return
    status = {4: 403, 5: 503}.get(number % 100, 200)
    wanted = list(_PATHS)[: 6 + number % 3]
    for path in wanted:
        withheld = number % 100 in (6, 7) and path != "/robots.txt"
        outcome = Outcome.WITHHELD if withheld else Outcome.RESPONDED
        yield _observation(path, number, run, outcome, status)


def build(path: Path, count: int, copies: int = 1) -> None:
    """Write and judge a database of `count` origins, and copy its rows so that it has `copies`.

    Judging takes two milliseconds an origin, copying a tenth of that. A copy has names, documents
    and readings of its own; bodies are shared.
    """
    with closing(connect(path, create=True)) as db:
        _add_datasets(db, count)
        for run in (0, 1):
            step = SECOND_RUN if run else 1
            _crawl(db, run, range(0, count, step))
        rebuild(db, chosen=rulesets.load(rulesets.DEFAULT))
        if copies > 1:
            multiply(db, copies)
        checkpoint(db)


def _add_datasets(db: sqlite3.Connection, count: int) -> None:
    whole = sum(rows(n, count) for n in range(count))
    part = range(0, count, SECOND_DATASET)
    with transaction(db):
        first = _add(db, "large.parquet", range(count), count, whole, "tokens")
        second = _add(db, "part.parquet", part, count, sum(rows(n, count) for n in part), "")
        db.execute("UPDATE dataset SET crawler = 'CCBot' WHERE id = ?", (second,))
        facets = list(_facets(count))
        totals = [("language", "", _REJECTED)]
        totals += [(facet, value, rows) for _, facet, value, rows, _ in facets]
        facet_writer.save_facets(db, first, [("language", "lang")], totals, facets)


def _add(
    db: sqlite3.Connection,
    name: str,
    numbers: Sequence[int],
    count: int,
    whole: int,
    weight: str,
) -> int:
    dataset = evidence_writer.NewDataset(
        path=name,
        files=((name, 0, _digest(name)),),
        format="parquet",
        url_column="url",
        weight_column=weight,
        rows=whole + _REJECTED,
        rejects=((Reject.NOT_HTTP, _REJECTED, "urn:isbn:0"),),
    )
    return evidence_writer.add_dataset(
        db, dataset, _origins(numbers, count, bool(weight)), _TIMES[0].format(1)
    )


def _digest(name: str) -> str:
    """Return a digest for a file that is not there."""
    return name.encode().hex().ljust(64, "0")[:64]


def _origins(
    numbers: Sequence[int], count: int, weighted: bool
) -> Iterator[tuple[str, Origin, int, float | None, tuple[str, ...]]]:
    for n in numbers:
        of, many = origin(n), rows(n, count)
        weight = float(many * (300 + n % 700)) if weighted else None
        yield canonical.origin_key(of), of, many, weight, (f"{of.url}/articles/1.html",)


def _facets(count: int) -> Iterator[tuple[str, str, str, int, float | None]]:
    for n in range(count):
        key, many = canonical.origin_key(origin(n)), rows(n, count)
        rest = many // 10
        yield key, "language", f"l{n % _LANGUAGES}", many - rest, float((many - rest) * 500)
        if rest:
            yield key, "language", f"l{(n + 1) % _LANGUAGES}", rest, float(rest * 500)


def _crawl(db: sqlite3.Connection, run: int, numbers: range) -> None:
    at = _TIMES[run].format(28)
    number = runs.begin_run(db, run_facts(), at)
    for first in range(0, len(numbers), _TRANSACTION_ORIGINS):
        with transaction(db):
            for n in numbers[first : first + _TRANSACTION_ORIGINS]:
                evidence_writer.save_visit(db, number, n + 1, tuple(visit(n, run)), at)
    runs.end_run(db, number, "finished", at)


# What a copy changes in a column, by the name of the column: numbers are moved on, the others get
# the number of the copy. Keys of their own tables are named with the table.
_MOVED = {
    **dict.fromkeys(("origin.id", "origin"), "{} + :copy * :origins"),
    **dict.fromkeys(
        "observation_row.id observation last first before after lost confirms base".split(),
        "{} + :copy * :observations",
    ),
    **dict.fromkeys(
        "reading.id reading reserving_reading permitting_reading party_group".split(),
        "{} || '-' || :copy",
    ),
    **dict.fromkeys(
        "key host site url asked".split(), "replace({}, '.test', '-' || :copy || '.test')"
    ),
}
_COPIED = (
    *("origin", "version_origin", "sample", "facet_origin", "observation_row", "visit", "reading"),
    *("statement", "issue", "candidate", "url_pattern", "party", "party_page", "party_group"),
    *("observation_reading", "resource_evidence", "finding", "page_share", "disagreement"),
    *("verdict", "steady", "phase", "evaluated_visit", "agent_answer", "origin_summary"),
)


def multiply(db: sqlite3.Connection, copies: int) -> None:
    """Copy all rows of origins, with evidence and what is derived, until there are `copies`."""
    # Evidence is append-only, and it is faster to make an index once.
    made = db.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL "
        "AND type IN ('index', 'trigger') AND tbl_name NOT IN (SELECT name FROM pragma_table_list "
        "WHERE type = 'view')"
    ).fetchall()
    sizes = db.execute(
        "SELECT (SELECT max(id) FROM origin), (SELECT max(id) FROM observation_row)"
    ).fetchone()
    db.execute("PRAGMA foreign_keys = OFF")
    with transaction(db):
        for kind, name, _ in made:
            db.execute(f"DROP {kind} {name}")
        for table in _COPIED:
            statement = _copying(db, table)
            db.execute(f"CREATE TEMP TABLE copied AS SELECT * FROM {table}")
            for copy in range(1, copies):
                values = {"copy": copy, "origins": sizes[0], "observations": sizes[1]}
                db.execute(statement, values)
            db.execute("DROP TABLE temp.copied")
        db.execute("UPDATE facet_total SET rows = rows * ?", (copies,))
        db.execute("UPDATE dataset SET rows = ? * (rows - ?) + ?", (copies, _REJECTED, _REJECTED))
        for *_, sql in made:
            db.execute(sql)
        db.execute("DELETE FROM run_counts")
        run_statistics.save_counts(db)


def _copying(db: sqlite3.Connection, table: str) -> str:
    columns = [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    rules = (_MOVED.get(f"{table}.{c}", _MOVED.get(c, "{}")) for c in columns)
    values = (rule.format(f'"{c}"') for rule, c in zip(rules, columns, strict=True))
    return f"INSERT INTO {table} SELECT {', '.join(values)} FROM temp.copied"
