"""Evidence in: datasets, runs, and what was observed. Everything here is append-only."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard

from crawler.model import Observation, Origin
from crawler.store.database import StoreError
from crawler.vocab import Reject, Resource

_PAGES = frozenset({Resource.HOME, Resource.PAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataset:
    """A dataset as `dataset` has read it. `files` are (path, bytes, SHA-256)."""

    path: str
    files: tuple[tuple[str, int, str], ...]
    format: str
    url_column: str
    weight_column: str
    rows: int
    rejects: tuple[tuple[Reject, int, str], ...]

    @property
    def digest(self) -> str:
        """The digest of the one file, or of the sorted digests of all of them."""
        digests = sorted(digest for _, _, digest in self.files)
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def known_dataset(db: sqlite3.Connection, dataset: NewDataset) -> int | None:
    """The number of a dataset that was ingested before, by its digest."""
    row = db.execute(
        "SELECT id FROM dataset WHERE digest = ? AND url_column = ? AND weight_column = ?",
        (dataset.digest, dataset.url_column, dataset.weight_column),
    ).fetchone()
    return row[0] if row else None


def add_dataset(
    db: sqlite3.Connection,
    dataset: NewDataset,
    origins: Iterable[tuple[str, Origin, int, float | None, Sequence[str]]],
    now: str,
) -> int:
    """Store a dataset with its origins `(key, origin, rows, weight, samples)`, in the caller's
    transaction; the number it got comes back.
    """
    size = sum(size for _, size, _ in dataset.files)
    number = db.execute(
        "INSERT INTO dataset (path, digest, bytes, format, url_column, weight_column, rows, "
        "ingested_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            dataset.path,
            dataset.digest,
            size,
            dataset.format,
            dataset.url_column,
            dataset.weight_column,
            dataset.rows,
            now,
        ),
    ).fetchone()[0]
    db.executemany(
        "INSERT INTO dataset_file VALUES (?, ?, ?, ?)", [(number, *file) for file in dataset.files]
    )
    db.executemany(
        "INSERT INTO dataset_reject VALUES (?, ?, ?, ?)",
        [(number, reason, rows, example) for reason, rows, example in dataset.rejects],
    )
    for key, origin, rows, weight, samples in origins:
        known = _origin(db, key, origin)
        db.execute("INSERT INTO dataset_origin VALUES (?, ?, ?, ?)", (number, known, rows, weight))
        db.executemany(
            "INSERT INTO sample VALUES (?, ?, ?, ?)",
            [(known, number, n, url) for n, url in enumerate(samples, start=1)],
        )
    return int(number)


def _origin(db: sqlite3.Connection, key: str, origin: Origin) -> int:
    """The number of an origin. One that is known keeps the scheme it was first asked by."""
    db.execute(
        "INSERT INTO origin (key, scheme, host, port, site, assumed, url) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (key, origin.scheme, origin.host, origin.port, origin.site, origin.assumed, origin.url),
    )
    return int(db.execute("SELECT id FROM origin WHERE key = ?", (key,)).fetchone()[0])


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Which origins a run asks: those of its datasets that no visit since `fresh_since` covers."""

    run: int
    datasets: tuple[int, ...]
    fresh_since: str
    limit: int | None
    pages: int


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
        pages=settings["pages"],
    )
    return due, settings


_DUE = """
    FROM origin AS o
    JOIN (
        SELECT origin, sum(rows) AS rows FROM dataset_origin
        WHERE dataset IN (SELECT value FROM json_each(:datasets)) GROUP BY origin
        ORDER BY rows DESC, origin LIMIT :limit
    ) AS d ON d.origin = o.id
    WHERE NOT EXISTS (
        SELECT 1 FROM visit AS v
        WHERE v.origin = o.id AND (v.run = :run OR v.finished_at >= :fresh_since)
    )
"""


def _parameters(due: Due) -> dict[str, object]:
    return {
        "datasets": json.dumps(due.datasets),
        "limit": -1 if due.limit is None else due.limit,
        "run": due.run,
        "fresh_since": due.fresh_since,
    }


def count_due(db: sqlite3.Connection, due: Due) -> int:
    """How many origins a run still has to ask."""
    return int(db.execute(f"SELECT count(*) {_DUE}", _parameters(due)).fetchone()[0])


def iter_due(
    db: sqlite3.Connection, due: Due, at_once: int = 500
) -> Iterator[tuple[int, Origin, tuple[str, ...]]]:
    """The origins a run still has to ask, with sampled page URLs, fed in small portions.

    Those with most rows come first, in an order that does not change.
    """
    db.execute("DROP TABLE IF EXISTS temp.due")
    db.execute(
        f"CREATE TEMP TABLE due AS SELECT o.id AS origin {_DUE} ORDER BY d.rows DESC, o.id",
        _parameters(due),
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


def save_visit(
    db: sqlite3.Connection,
    run: int,
    origin: int,
    observations: Sequence[Observation],
    now: str,
    *,
    keep_pages: bool = False,
) -> None:
    """Store what was observed of an origin and that it was visited, in the caller's transaction.

    A visit that is stored already is left as it is, so saving twice changes nothing.
    """
    done = db.execute("SELECT 1 FROM visit WHERE origin = ? AND run = ?", (origin, run)).fetchone()
    if done:
        return
    for observation in observations:
        _save_observation(db, run, origin, observation, keep_pages=keep_pages)
    db.execute("INSERT INTO visit VALUES (?, ?, ?)", (origin, run, now))


def _save_observation(
    db: sqlite3.Connection, run: int, origin: int, seen: Observation, *, keep_pages: bool
) -> None:
    answered = seen.status is not None
    digest = hashlib.sha256(seen.body).hexdigest() if answered else None
    is_page = seen.target.resource in _PAGES
    if answered and (keep_pages or not is_page):
        save_body(db, seen.body, digest)
    stored = digest
    if is_page:
        stored = save_body(db, seen.extract) if seen.extract else None
    db.execute(
        "INSERT INTO observation (run, origin, resource, asked, hop, url, outcome, status, headers,"
        " digest, stored, size, truncated, observed_at, elapsed_ms, address, note)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run,
            origin,
            seen.target.resource,
            text(seen.target.asked),
            seen.target.hop,
            text(seen.target.url),
            seen.outcome,
            seen.status,
            json.dumps(seen.headers),
            digest,
            stored,
            seen.size,
            seen.truncated,
            seen.started_at,
            seen.elapsed_ms,
            seen.address,
            text(seen.note),
        ),
    )


def save_body(db: sqlite3.Connection, content: bytes, digest: str | None = None) -> str:
    """Store bytes once, compressed, under their SHA-256, which comes back."""
    digest = digest or hashlib.sha256(content).hexdigest()
    known = db.execute("SELECT 1 FROM body WHERE digest = ?", (digest,)).fetchone()
    if not known:
        compressed = zstandard.ZstdCompressor(level=3).compress(content)
        db.execute("INSERT INTO body VALUES (?, ?, ?)", (digest, len(content), compressed))
    return digest


def load_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """The bytes stored under a digest, None if there are none."""
    row = db.execute("SELECT size, content FROM body WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    return zstandard.ZstdDecompressor().decompress(row[1], max_output_size=max(1, row[0]))


def text(value: str) -> str:
    """Text that a database can hold: lone surrogates become their escapes."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
