"""Writer of evidence: datasets, their origins, and observations. All of it is append-only."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from crawler.model import Observation, Origin
from crawler.store import domains, repeats
from crawler.store.bodies import is_redacted, save_body
from crawler.vocab import EXTRACTED, Reject

# Origins that are stored by one statement; this bounds memory.
_BATCH = 5_000
_STAGING_TABLES = (
    "CREATE TEMP TABLE staged (key TEXT PRIMARY KEY, scheme TEXT, host TEXT, port INTEGER, "
    "site TEXT, assumed INTEGER, url TEXT, rows INTEGER, weight REAL)",
    "CREATE TEMP TABLE staged_page (key TEXT, n INTEGER, url TEXT)",
)
# CROSS JOIN keeps the order of the joins: each staged key is looked up in `origin`, which may have
# millions of rows.
_MERGE_STAGED = (
    "INSERT INTO origin (key, scheme, host, port, site, assumed, url) "
    "SELECT key, scheme, host, port, site, assumed, url FROM temp.staged "
    "WHERE true ORDER BY rowid ON CONFLICT DO NOTHING",
    "INSERT INTO version_origin (dataset, origin, rows, weight) "
    "SELECT :dataset, o.id, a.rows, a.weight "
    "FROM temp.staged AS a CROSS JOIN origin AS o ON o.key = a.key",
    "INSERT INTO sample (origin, dataset, n, url) "
    "SELECT o.id, :dataset, p.n, p.url "
    "FROM temp.staged_page AS p CROSS JOIN origin AS o ON o.key = p.key",
    "DELETE FROM temp.staged",
    "DELETE FROM temp.staged_page",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataset:
    """A dataset that was read.

    `files` are (path, size in octets, SHA-256). `rejects` are (reason, rows, an example).
    `column_given` tells whether the user named the column with URLs, `column_choice` how it was
    chosen. `records` counts the rows of the files, `rows` their URLs. `roles` are those of columns
    with roles: role, column, rows, rejects, and rows on another host than those of the first role.
    """

    path: str
    files: tuple[tuple[str, int, str], ...]
    format: str
    url_column: str
    weight_column: str
    rows: int
    rejects: tuple[tuple[Reject, int, str], ...]
    column_given: bool = False
    column_choice: str = ""
    records: int | None = None
    roles: Sequence[tuple[str, str, int, Sequence[tuple[Reject, int, str]], int | None]] = ()

    @property
    def digest(self) -> str:
        """The digest of all files, by which the dataset is found again."""
        return dataset_digest(self.files)


def dataset_digest(files: Iterable[tuple[str, int, str]]) -> str:
    """Return the SHA-256 of the one file, or of the sorted digests of all files, one a line."""
    digests = sorted(digest for _, _, digest in files)
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def find_dataset(
    db: sqlite3.Connection, digest: str, url_column: str | None, weight_column: str | None
) -> int | None:
    """Return the number of a dataset that was ingested before, None if there is none.

    Without `url_column` it must be one whose column was detected, since the same one would be.
    """
    row = db.execute(
        "SELECT id FROM dataset WHERE digest = ?1 AND weight_column = ?3 "
        "AND (url_column = ?2 OR (?2 IS NULL AND NOT column_given))",
        (digest, url_column, weight_column or ""),
    ).fetchone()
    return row[0] if row else None


def add_dataset(
    db: sqlite3.Connection,
    dataset: NewDataset,
    origins: Iterable[tuple[str, Origin, int, float | None, Sequence[str]]],
    now: str,
    *,
    is_whole: bool = True,
) -> int:
    """Store a dataset in the caller's transaction. Return its number.

    `origins` are (key, origin, rows, weight, sampled URLs). `now` is an RFC 3339 time in UTC. The
    dataset is final then; if it `is_whole` not yet, `finish_dataset` makes it so.
    """
    size = sum(size for _, size, _ in dataset.files)
    number = db.execute(
        "INSERT INTO dataset (id, name, path, digest, bytes, format, url_column, column_given, "
        # A number is never used again: the settings of runs name it.
        "weight_column, rows, ingested_at, column_choice, records) VALUES ("
        "1 + coalesce((SELECT max(dataset) FROM ingested), 0), "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            dataset.path,
            dataset.path,
            dataset.digest,
            size,
            dataset.format,
            dataset.url_column,
            dataset.column_given,
            dataset.weight_column,
            dataset.rows,
            now,
            dataset.column_choice,
            dataset.rows if dataset.records is None else dataset.records,
        ),
    ).fetchone()[0]
    db.executemany(
        "INSERT INTO dataset_file VALUES (?, ?, ?, ?)", [(number, *file) for file in dataset.files]
    )
    db.executemany(
        "INSERT INTO version_reject VALUES (?, ?, ?, ?)",
        [(number, reason, rows, example) for reason, rows, example in dataset.rejects],
    )
    _add_roles(db, int(number), dataset)
    _add_origins(db, int(number), iter(origins))
    if is_whole:
        finish_dataset(db, int(number))
    return int(number)


def finish_dataset(db: sqlite3.Connection, dataset: int) -> None:
    """Make the rows of a dataset final, in the transaction that stored it."""
    db.execute("INSERT INTO ingested VALUES (?)", (dataset,))


def _add_roles(db: sqlite3.Connection, number: int, dataset: NewDataset) -> None:
    for position, (role, column, rows, rejects, other_hosts) in enumerate(dataset.roles, start=1):
        db.execute(
            "INSERT INTO dataset_role VALUES (?, ?, ?, ?, ?, ?)",
            (number, role, position, column, rows, other_hosts),
        )
        db.executemany(
            "INSERT INTO dataset_role_reject VALUES (?, ?, ?, ?, ?)",
            [(number, role, reason, count, example) for reason, count, example in rejects],
        )


def add_role_origins(
    db: sqlite3.Connection, dataset: int, rows: Iterable[tuple[str, str, int]]
) -> None:
    """Store the rows of stored origins by role (key, role, rows), in the caller's transaction."""
    db.executemany(
        "INSERT INTO dataset_role_origin SELECT ?1, ?3, id, ?4 FROM origin WHERE key = ?2",
        ((dataset, *row) for row in rows),
    )


def _add_origins(
    db: sqlite3.Connection,
    dataset: int,
    origins: Iterator[tuple[str, Origin, int, float | None, Sequence[str]]],
) -> None:
    """Store origins in batches. A known origin keeps the scheme under which it was stored first."""
    for statement in _STAGING_TABLES:
        db.execute(statement)
    while batch := list(islice(origins, _BATCH)):
        db.executemany(
            "INSERT INTO temp.staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (key, o.scheme, o.host, o.port, o.site, o.assumed, o.url, rows, weight)
                for key, o, rows, weight, _ in batch
            ],
        )
        db.executemany(
            "INSERT INTO temp.staged_page VALUES (?, ?, ?)",
            [(key, n, url) for key, *_, urls in batch for n, url in enumerate(urls, start=1)],
        )
        for statement in _MERGE_STAGED:
            db.execute(statement, {"dataset": dataset})
        domains.add(db, [origin.site for _, origin, *_ in batch])
    db.execute("DROP TABLE temp.staged")
    db.execute("DROP TABLE temp.staged_page")


def save_visit(
    db: sqlite3.Connection,
    run: int,
    origin: int,
    observations: Sequence[Observation],
    now: str,
    *,
    keep_pages: bool = False,
) -> None:
    """Store the observations of an origin and its visit, in the caller's transaction.

    A visit that is stored already is left unchanged. `keep_pages` stores pages whole, not only
    their extract.
    """
    done = db.execute("SELECT 1 FROM visit WHERE origin = ? AND run = ?", (origin, run)).fetchone()
    if done:
        return
    known = repeats.bases(db, origin)
    for observation in observations:
        row = _observation_row(db, run, origin, observation, keep_pages=keep_pages)
        repeats.save(db, row, known)
    db.execute("INSERT INTO visit VALUES (?, ?, ?)", (origin, run, now))


def _observation_row(
    db: sqlite3.Connection, run: int, origin: int, seen: Observation, *, keep_pages: bool
) -> repeats.Row:
    """Store the content of an observation, and return its row by column."""
    digest, stored = _save_content(db, seen, keep_pages=keep_pages)
    if seen.certificate:
        save_body(db, seen.certificate, seen.tls_certificate)
    return {
        "run": run,
        "origin": origin,
        "resource": seen.target.resource.value,
        "asked": text(seen.target.asked),
        "hop": seen.target.hop,
        "url": text(seen.target.url),
        "outcome": seen.outcome.value,
        "status": seen.status,
        "headers": json.dumps(seen.headers),
        "digest": digest,
        "stored": stored,
        "size": seen.size,
        "truncated": seen.truncated,
        "observed_at": seen.started_at,
        "elapsed_ms": seen.elapsed_ms,
        "address": seen.address,
        "note": text(seen.note),
        "tls_version": seen.tls_version,
        "tls_certificate": seen.tls_certificate,
        "tls_verified": text(seen.tls_verified),
        "confirms": seen.confirms.observation if seen.confirms else None,
    }


def _save_content(
    db: sqlite3.Connection, seen: Observation, *, keep_pages: bool
) -> tuple[str | None, str | None]:
    """Store a body. Return the digests of the body as received and of what is stored of it.

    A 304 has no body (RFC 9110, 15.4.5): it gets the digests of the response that it confirms.
    """
    if seen.confirms is not None:
        query = "SELECT digest, stored FROM observation WHERE id = ?"
        digest, stored = db.execute(query, (seen.confirms.observation,)).fetchone()
        return digest, stored
    answered = seen.status is not None
    digest = hashlib.sha256(seen.body).hexdigest() if answered else None
    if seen.target.resource not in EXTRACTED:
        return digest, save_body(db, seen.body, digest) if answered else None
    if digest is not None and is_redacted(db, digest):
        # An extract would be a quotation of it.
        return digest, save_body(db, seen.body, digest)
    if answered and keep_pages:
        save_body(db, seen.body, digest)
    return digest, save_body(db, seen.extract) if seen.extract else None


def text(value: str) -> str:
    """Return text that SQLite can store as UTF-8: lone surrogates become escapes."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
