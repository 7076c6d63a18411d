"""Runs of a crawl: their settings, the origins that are still due, and how they ended."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from crawler.model import Origin
from crawler.store import manifests
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
        manifests.write(db, "run", [run])


def settings_of(db: sqlite3.Connection, run: int) -> dict[str, Any]:
    """Return the settings of a run."""
    row = db.execute("SELECT settings FROM run WHERE id = ?", (run,)).fetchone()
    settings: dict[str, Any] = json.loads(row[0])
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The origins that a run visits: those of its datasets without a visit after `fresh_since`.

    A visit later than `now` is not fresh: a clock was or is wrong (`~` sorts after every time).
    `limit` is a number of origins. `pages` is a number of sampled URLs for each origin.
    """

    run: int
    datasets: tuple[int, ...]
    fresh_since: str
    limit: int | None
    pages: int
    now: str = "~"


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
    due = Due(
        run=row[0],
        datasets=(settings["dataset"],),
        fresh_since=settings["fresh_since"],
        now=settings.get("due_at", "~"),  # runs of older versions do not have it
        limit=settings["limit_origins"],
        pages=samples_for(settings["pages"], settings.get("media", 0)),
    )
    return due, settings


#: FROM clause of the origins `o` of a run that are due, with their `d.size`; see `parameters`.
DUE = """
    FROM origin AS o
    JOIN (
        SELECT origin, sum(coalesce(weight, rows)) AS size FROM version_origin
        WHERE dataset IN (SELECT value FROM json_each(:datasets)) GROUP BY origin
        ORDER BY size DESC, origin LIMIT :limit
    ) AS d ON d.origin = o.id
    WHERE NOT EXISTS (
        SELECT 1 FROM visit AS v
        WHERE v.origin = o.id
            AND (v.run = :run OR (v.finished_at > :fresh_since AND v.finished_at <= :now))
    )
"""


def parameters(due: Due) -> dict[str, object]:
    """Return the parameters of `DUE`."""
    return {
        "datasets": json.dumps(due.datasets),
        "limit": -1 if due.limit is None else due.limit,
        "run": due.run,
        "fresh_since": due.fresh_since,
        "now": due.now,
    }


def count_due(db: sqlite3.Connection, due: Due) -> int:
    """Return the number of origins that are due."""
    return int(db.execute(f"SELECT count(*) {DUE}", parameters(due)).fetchone()[0])


def count_due_again(db: sqlite3.Connection, due: Due) -> tuple[int, str]:
    """Return how many due origins were last visited later than now, and the latest such time."""
    latest = db.execute("SELECT coalesce(max(finished_at), '') FROM visit").fetchone()[0]
    if latest <= due.now:
        return 0, ""  # no join of all origins, for a case that is rare
    last = "SELECT finished_at FROM visit WHERE origin = o.id ORDER BY run DESC LIMIT 1"
    query = f"""
        SELECT count(*), coalesce(max(last), '') FROM (SELECT ({last}) AS last {DUE})
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
        f"CREATE TEMP TABLE due AS SELECT o.id AS origin {DUE} ORDER BY d.size DESC, o.id",
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
            yield number, origin, samples_of(db, number, due.pages)
            last = rowid


def samples_of(db: sqlite3.Connection, origin: int, most: int) -> tuple[str, ...]:
    """Return at most `most` sampled URLs of an origin, each once, oldest dataset first."""
    query = (
        "SELECT url FROM sample WHERE origin = ? GROUP BY url ORDER BY min(dataset), min(n), url"
    )
    return tuple(url for (url,) in db.execute(f"{query} LIMIT ?", (origin, most)))


def archives(db: sqlite3.Connection) -> frozenset[int]:
    """Return the runs whose evidence is not of this client, but was imported."""
    query = "SELECT id FROM run WHERE settings ->> 'kind' = 'import'"
    return frozenset(run for (run,) in db.execute(query))
