"""Runs: which origins a crawl still has to ask, and how it ended."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crawler.model import Origin
from crawler.store.database import StoreError

# Sampled URLs for each media file that is wanted: most URLs of most datasets are pages.
_DRAWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run is: command line, versions and settings (both as plain data)."""

    command: str
    version: str
    versions: dict[str, str]
    settings: dict[str, object]
    user_agent: str
    suffix_list: str
    catalogue: str


def unfinished_run(db: sqlite3.Connection, dataset: int) -> int | None:
    """The last run for a dataset, if it has not ended."""
    row = db.execute(
        "SELECT id, ended FROM run WHERE settings ->> 'dataset' = ? ORDER BY id DESC LIMIT 1",
        (dataset,),
    ).fetchone()
    return row[0] if row and row[1] is None else None


def fingerprint(db: sqlite3.Connection) -> str:
    """What tells this state of the evidence from any other: a digest of the runs and of how much
    was observed; observations are only ever added.
    """
    runs = db.execute("SELECT id, started_at, ended_at, version, settings FROM run ORDER BY id")
    seen = db.execute("SELECT count(*), max(id) FROM observation")
    return hashlib.sha256(repr([*runs, *seen]).encode()).hexdigest()


def begin_run(db: sqlite3.Connection, run: NewRun, now: str) -> int:
    """Store a new run; its number comes back."""
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
    """Say how a run ended: `finished`, or not at all, so that it is continued."""
    db.execute("UPDATE run SET ended = ?, ended_at = ? WHERE id = ?", (ended, now, run))


def settings_of(db: sqlite3.Connection, run: int) -> dict[str, Any]:
    """What a run was begun with."""
    row = db.execute("SELECT settings FROM run WHERE id = ?", (run,)).fetchone()
    settings: dict[str, Any] = json.loads(row[0])
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Which origins a run asks: those of its datasets that no visit since `fresh_since` covers.

    `pages` is how many of the sampled URLs of an origin it is handed.
    """

    run: int
    datasets: tuple[int, ...]
    fresh_since: str
    limit: int | None
    pages: int


def samples_for(pages: int, media: int) -> int:
    """How many URLs to draw so that so many pages and media files are likely among them."""
    return pages + _DRAWN * media


def due_of(db: sqlite3.Connection, run: int | None) -> tuple[Due, dict[str, Any]]:
    """What an unfinished run still has to ask, and its settings; raises `StoreError`."""
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
        limit=settings["limit_origins"],
        pages=samples_for(settings["pages"], settings.get("media", 0)),
    )
    return due, settings


#: The origins `o` of a run that are due, with their `d.size`; bound to `parameters`.
DUE = """
    FROM origin AS o
    JOIN (
        SELECT origin, sum(coalesce(weight, rows)) AS size FROM dataset_origin
        WHERE dataset IN (SELECT value FROM json_each(:datasets)) GROUP BY origin
        ORDER BY size DESC, origin LIMIT :limit
    ) AS d ON d.origin = o.id
    WHERE NOT EXISTS (
        SELECT 1 FROM visit AS v
        WHERE v.origin = o.id AND (v.run = :run OR v.finished_at >= :fresh_since)
    )
"""


def parameters(due: Due) -> dict[str, object]:
    """What `DUE` is bound to."""
    return {
        "datasets": json.dumps(due.datasets),
        "limit": -1 if due.limit is None else due.limit,
        "run": due.run,
        "fresh_since": due.fresh_since,
    }


def count_due(db: sqlite3.Connection, due: Due) -> int:
    """How many origins a run still has to ask."""
    return int(db.execute(f"SELECT count(*) {DUE}", parameters(due)).fetchone()[0])


def is_repeated(db: sqlite3.Connection, due: Due) -> bool:
    """Whether anything was visited by another run than this one."""
    query = "SELECT EXISTS (SELECT 1 FROM visit WHERE run != ?)"
    return bool(db.execute(query, (due.run,)).fetchone()[0])


def iter_due(
    db: sqlite3.Connection, due: Due, at_once: int = 500
) -> Iterator[tuple[int, Origin, tuple[str, ...]]]:
    """The origins a run still has to ask, with sampled page URLs, fed in small portions.

    Those with most weight (with most rows, without a weight column) come first.
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
    """Sampled page URLs of an origin, from its oldest dataset on, each once."""
    query = (
        "SELECT url FROM sample WHERE origin = ? GROUP BY url ORDER BY min(dataset), min(n), url"
    )
    return tuple(url for (url,) in db.execute(f"{query} LIMIT ?", (origin, most)))
