"""Runs of a crawl: their settings, the origins that are still due, and how they ended."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from crawler.model import Origin
from crawler.store import manifests, run_statistics
from crawler.store.database import StoreError, transaction

# Sampled URLs per media file that is wanted: most URLs of most datasets are pages.
_SAMPLES_PER_MEDIA_FILE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """The facts of a new run: command line, and versions and settings that JSON can hold."""

    command: str
    version: str
    versions: dict[str, str]
    settings: dict[str, object]
    user_agent: str
    suffix_list: str
    catalogue: str


def unfinished_run(db: sqlite3.Connection, dataset: int) -> int | None:
    """Return the number of the last run for a dataset, None if it has ended."""
    # Only the last run: one that was interrupted earlier is superseded, not continued.
    row = db.execute(
        "SELECT id, ended FROM run WHERE settings ->> 'dataset' = ? ORDER BY id DESC LIMIT 1",
        (dataset,),
    ).fetchone()
    return row[0] if row and row[1] is None else None


def fingerprint(db: sqlite3.Connection) -> str:
    """Return a digest that changes whenever evidence is added."""
    # The head covers what ended; of the rest, how much was observed, which is never changed.
    runs = db.execute("SELECT id, started_at, ended_at, version, settings FROM run ORDER BY id")
    observed = db.execute("SELECT count(*), max(id) FROM observation")
    facts = [manifests.head(db), *runs, *observed]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def begin_run(db: sqlite3.Connection, run: NewRun, now: str) -> int:
    """Store a new run. Return its number."""
    return int(
        db.execute(
            "INSERT INTO run (started_at, command, version, versions, settings, user_agent, "
            "suffix_list, catalogue) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                now,
                run.command,
                run.version,
                json.dumps(run.versions, sort_keys=True),
                json.dumps(run.settings, sort_keys=True),
                run.user_agent,
                run.suffix_list,
                run.catalogue,
            ),
        ).fetchone()[0]
    )


def end_run(db: sqlite3.Connection, run: int, ended: str, now: str) -> None:
    """Store that a run ended, with its manifest. One that is to be continued does not end."""
    with nullcontext() if db.in_transaction else transaction(db):
        db.execute("UPDATE run SET ended = ?, ended_at = ? WHERE id = ?", (ended, now, run))
        run_statistics.save_counts(db)
        manifests.write(db, "run", [run])


def end_unfinished(
    db: sqlite3.Connection, request_list: int, now: str, ended: str = "stopped"
) -> None:
    """End the runs for a list that have not ended; what is due is known without them."""
    query = "SELECT id FROM run WHERE ended IS NULL AND settings ->> 'list' = ?"
    # How a run ends is a closed list: a fault of this machine stopped it, too.
    known = ended if ended in ("finished", "budget") else "stopped"
    for (run,) in db.execute(query, (request_list,)).fetchall():
        end_run(db, run, known, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The origins that a run visits: those of its datasets without a visit after `fresh_since`.

    A visit later than `now` is not fresh: a clock was or is wrong (`~` sorts after every time).
    `limit` is a number of origins. `pages` is a number of sampled URLs for each origin.

    With `list`, the number of a request list, a run visits instead the origins of its URLs that
    were not requested after `fresh_since`, `pages` URLs of each, without the origins `stopped`.
    """

    run: int
    datasets: tuple[int, ...]
    fresh_since: str
    limit: int | None
    pages: int
    now: str = "~"
    list: int | None = None
    stopped: tuple[int, ...] = ()


def samples_for(pages: int, media: int) -> int:
    """Return a number of sampled URLs that probably include enough pages and media files."""
    return pages + _SAMPLES_PER_MEDIA_FILE * media


def due_of(db: sqlite3.Connection, run: int | None) -> tuple[Due, dict[str, Any]]:
    """Return which origins of an unfinished run are due, and its settings.

    Without `run` it is the last unfinished one. Raise `StoreError` if there is none.
    """
    row = db.execute(
        "SELECT id, settings FROM run WHERE ended IS NULL AND (id = ?1 OR ?1 IS NULL) "
        "ORDER BY id DESC LIMIT 1",
        (run,),
    ).fetchone()
    if row is None:
        raise StoreError("there is no unfinished run to continue; `tdm-audit crawl` begins one")
    settings = json.loads(row[1])
    request_list = settings.get("list")
    due = Due(
        run=row[0],
        datasets=(settings["dataset"],) if request_list is None else (),
        fresh_since=settings["fresh_since"],
        now=settings.get("due_at", "~"),  # runs of older versions do not have it
        limit=settings["limit_origins"],
        pages=samples_for(settings["pages"], settings.get("media", 0))
        if request_list is None
        else settings["pages"],
        list=request_list,
    )
    return due, settings


#: Condition of visits `v` that read the files of an origin, not only further pages of a list.
READ_FILES = """(
    v.run NOT IN (SELECT id FROM run WHERE settings ->> 'list' IS NOT NULL)
    OR EXISTS (
        SELECT 1 FROM observation
        WHERE origin = v.origin AND run = v.run AND resource = 'home'
    )
)"""
_DUE_OF_DATASETS = f"""
    FROM origin AS o
    JOIN (
        SELECT origin, sum(coalesce(weight, rows)) AS size FROM version_origin
        WHERE dataset IN (SELECT value FROM json_each(:datasets)) GROUP BY origin
        ORDER BY size DESC, origin LIMIT :limit
    ) AS d ON d.origin = o.id
    WHERE NOT EXISTS (
        SELECT 1 FROM visit AS v
        WHERE v.origin = o.id
            AND (
                v.run = :run
                OR (v.finished_at > :fresh_since AND v.finished_at <= :now AND {READ_FILES})
            )
    )
"""  # noqa: S608 - our own SQL
#: Condition of the URLs of a list that are still to be requested.
WAITING = (
    "list = :list AND NOT erased "
    "AND (asked_at IS NULL OR asked_at <= :fresh_since OR asked_at > :now)"
)
_DUE_OF_LIST = f"""
    FROM origin AS o
    JOIN (
        SELECT origin, count(*) AS size FROM requested_url WHERE {WAITING} GROUP BY origin
    ) AS d ON d.origin = o.id
    WHERE o.id NOT IN (SELECT value FROM json_each(:stopped))
        AND NOT EXISTS (SELECT 1 FROM visit AS v WHERE v.origin = o.id AND v.run = :run)
"""  # noqa: S608 - our own SQL


def due_sql(due: Due) -> str:
    """Return the FROM clause of the origins `o` that are due, with their `d.size`."""
    return _DUE_OF_DATASETS if due.list is None else _DUE_OF_LIST


def parameters(due: Due) -> dict[str, object]:
    """Return the parameters of `due_sql`."""
    times = {"fresh_since": due.fresh_since, "now": due.now, "run": due.run}
    if due.list is not None:
        return times | {"list": due.list, "stopped": json.dumps(due.stopped)}
    return times | {
        "datasets": json.dumps(due.datasets),
        "limit": -1 if due.limit is None else due.limit,
    }


def count_due(db: sqlite3.Connection, due: Due) -> int:
    """Return the number of origins that are due."""
    return int(db.execute(f"SELECT count(*) {due_sql(due)}", parameters(due)).fetchone()[0])


def count_due_again(db: sqlite3.Connection, due: Due) -> tuple[int, str]:
    """Return how many due origins were last visited later than now, and the latest such time."""
    latest = db.execute("SELECT coalesce(max(finished_at), '') FROM visit").fetchone()[0]
    if latest <= due.now:
        return 0, ""  # no join of all origins, for a case that is rare
    last = "SELECT finished_at FROM visit WHERE origin = o.id ORDER BY run DESC LIMIT 1"
    query = f"""
        SELECT count(*), coalesce(max(last), '') FROM (SELECT ({last}) AS last {due_sql(due)})
        WHERE last > :now
    """  # noqa: S608 - our own SQL
    number, latest = db.execute(query, parameters(due)).fetchone()
    return int(number), str(latest)


def is_repeated(db: sqlite3.Connection, due: Due) -> bool:
    """Return whether another run has visited anything."""
    query = "SELECT EXISTS (SELECT 1 FROM visit WHERE run != ?)"
    return bool(db.execute(query, (due.run,)).fetchone()[0])


def iter_due(
    db: sqlite3.Connection, due: Due, at_once: int = 500
) -> Iterator[tuple[int, Origin, tuple[str, ...]]]:
    """Yield the origins that are due (number, origin, sampled URLs), read `at_once` at a time.

    Those with the most weight (without a weight column, the most rows) come first.
    """
    db.execute("DROP TABLE IF EXISTS temp.due")
    db.execute(
        f"CREATE TEMP TABLE due AS SELECT o.id AS origin {due_sql(due)} ORDER BY d.size DESC, o.id",
        parameters(due),
    )
    last = 0
    while True:
        rows = db.execute(
            "SELECT due.rowid, o.id, o.scheme, o.host, o.port, o.site, o.assumed "
            "FROM due JOIN origin AS o ON o.id = due.origin WHERE due.rowid > ? "
            "ORDER BY due.rowid LIMIT ?",
            (last, at_once),
        ).fetchall()
        if not rows:
            return
        for rowid, number, scheme, host, port, site, assumed in rows:
            origin = Origin(scheme=scheme, host=host, port=port, site=site, assumed=bool(assumed))
            yield number, origin, samples_of(db, due, number)
            last = rowid


def samples_of(db: sqlite3.Connection, due: Due, origin: int) -> tuple[str, ...]:
    """Return at most `due.pages` URLs of an origin, each once.

    They are samples, those of the oldest dataset first, or the next ones of the list.
    """
    if due.list is None:
        query = (
            # A sample that was redacted is empty.
            "SELECT url FROM sample WHERE origin = :origin AND url <> '' "
            "GROUP BY url ORDER BY min(dataset), min(n), url LIMIT :most"
        )
    else:
        query = (
            "SELECT o.url || path FROM requested_url JOIN origin AS o ON o.id = origin "  # noqa: S608 - our own SQL
            f"WHERE origin = :origin AND {WAITING} ORDER BY n LIMIT :most"
        )
    values = parameters(due) | {"origin": origin, "most": due.pages}
    return tuple(url for (url,) in db.execute(query, values))


def archives(db: sqlite3.Connection) -> frozenset[int]:
    """Return the runs whose evidence is not of this client, but was imported."""
    query = "SELECT id FROM run WHERE settings ->> 'kind' = 'import'"
    return frozenset(run for (run,) in db.execute(query))
