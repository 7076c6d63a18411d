"""Lists of URLs that are requested one by one: what they hold, and what is still to be requested.

A list is known by the digest of its files. Of each of its URLs the database has the time of the
last attempt, which a trigger keeps (migrations/0026_request_lists.sql): so a crawl that was
interrupted goes on where it ended, and a URL that another list or a sample had is not asked again.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from crawler.model import Origin
from crawler.store import domains
from crawler.store.evidence_writer import text
from crawler.store.runs import WAITING, Due
from crawler.urls.canonical import origin_key
from crawler.vocab import Outcome

# URLs that are stored at once; this bounds memory.
_BATCH = 5_000
# Numbers of origins that are remembered.
_MAX_IDS = 100_000
# The attempts at URLs, as the trigger of migrations/0034_lists.sql has them, and the last ones with
# their greatest time: the other columns of a group are those of its row. The path begins after the
# host; the shortest beginning of a URL is `http://h`.
_ALL_ATTEMPTS = """
    SELECT id, origin, substr(asked, 8 + instr(substr(asked, 9), '/')) AS path,
        {observed_at}, outcome
    FROM observation
    WHERE hop = 0 AND resource IN ('home', 'page', 'media') AND outcome <> 'local_failure'
        AND (
            outcome <> 'withheld'
            OR NOT (
                substr(note, 1, 14) = 'stopped after '
                OR substr(note, 1, 16) = 'budget used up: '
            )
        )
"""


_ATTEMPTS = _ALL_ATTEMPTS.format(observed_at="max(observed_at) AS observed_at")
_EACH_ATTEMPT = _ALL_ATTEMPTS.format(observed_at="observed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewList:
    """A list that is being read: its files by `path` and `digest`, its columns, and its URLs.

    `column_given` are the columns that the user named, empty if they were found. `urls` are
    (origin, path with query), in the order of the rows; they may repeat.
    """

    path: str
    digest: str
    url_column: str
    column_given: str
    urls: Iterable[tuple[Origin, str]]


class ListTotals(NamedTuple):
    """A list in numbers: rows, rows without a usable URL, URLs, their origins, and those waiting.

    `answered`, `withheld` and `failed` count the others, by their last attempt.
    """

    path: str
    rows: int
    unusable: Mapping[str, int]
    urls: int
    origins: int
    waiting: int
    answered: int
    withheld: int
    failed: int

    @property
    def settled(self) -> int:
        """Return the number of URLs that need no request now."""
        return self.urls - self.waiting


def find_list(db: sqlite3.Connection, digest: str, column_given: str) -> int | None:
    """Return the number of a list that is stored already, None if there is none."""
    query = "SELECT id FROM request_list WHERE digest = ? AND column_given = ?"
    row = db.execute(query, (digest, column_given)).fetchone()
    return row[0] if row else None


def add_list(db: sqlite3.Connection, new: NewList, now: str) -> int:
    """Store a list with its URLs, in the caller's transaction. Return its number.

    `finish_list` stores the numbers that are known when all URLs were read.
    """
    number = db.execute(
        "INSERT INTO request_list "
        "(id, path, digest, url_column, column_given, rows, unusable, read_at) "
        "VALUES (1 + coalesce((SELECT max(list) FROM listed), 0), ?, ?, ?, ?, 0, '{}', ?) "
        "RETURNING id",
        (new.path, new.digest, new.url_column, new.column_given, now),
    ).fetchone()[0]
    ids: dict[str, int] = {}
    numbered = enumerate(new.urls)
    while batch := list(islice(numbered, _BATCH)):
        keys = [origin_key(origin) for _, (origin, _) in batch]
        _add_origins(db, {key: o for key, (_, (o, _)) in zip(keys, batch, strict=True)}, ids)
        db.executemany(
            "INSERT INTO requested_url (origin, path, list, n) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            [
                (ids[key], text(path), number, n)
                for key, (n, (_, path)) in zip(keys, batch, strict=True)
            ],
        )
        if len(ids) > _MAX_IDS:
            ids.clear()
    return int(number)


def finish_list(
    db: sqlite3.Connection, number: int, rows: int, unusable: Mapping[str, int]
) -> None:
    """Store the rows of a list, and what evidence says already about its URLs. It is final then."""
    db.execute(
        "UPDATE request_list SET rows = ?, unusable = ? WHERE id = ?",
        (rows, json.dumps(unusable, sort_keys=True), number),
    )
    db.execute(
        "UPDATE requested_url AS u "  # noqa: S608 - our own SQL
        "SET asked_at = seen.observed_at, outcome = seen.outcome, observation = seen.id "
        f"FROM ({_ATTEMPTS} AND origin IN (SELECT origin FROM requested_url WHERE list = ?1) "
        "GROUP BY origin, path) AS seen "
        "WHERE u.list = ?1 AND u.origin = seen.origin AND u.path = seen.path",
        (number,),
    )
    db.execute("INSERT INTO listed VALUES (?)", (number,))


def not_as_observed(db: sqlite3.Connection, most: int) -> list[tuple[int, str]]:
    """Return list and URL of URLs of which evidence says something else, `most` of them at most."""
    # Of an origin with a withheld observation it cannot be told why a request was not sent.
    query = f"""
        WITH attempt AS MATERIALIZED ({_EACH_ATTEMPT}),
        last AS MATERIALIZED (
            SELECT origin, path, max(observed_at) AS observed_at FROM attempt GROUP BY origin, path
        )
        SELECT u.list, o.url || u.path
        FROM requested_url AS u JOIN origin AS o ON o.id = u.origin
        LEFT JOIN last ON last.origin = u.origin AND last.path = u.path
        LEFT JOIN attempt AS made ON made.id = u.observation AND made.origin = u.origin
            AND made.path = u.path AND made.observed_at = u.asked_at AND made.outcome = u.outcome
        WHERE (u.asked_at IS NOT last.observed_at OR (u.asked_at IS NULL) <> (made.id IS NULL)
                OR (u.asked_at IS NULL) <> (u.observation IS NULL))
            AND NOT EXISTS (
                SELECT 1 FROM withheld_row AS w JOIN observation_row AS r ON r.id = w.observation
                WHERE r.origin = u.origin
            )
        LIMIT ?
    """  # noqa: S608 - our own SQL
    if not db.execute("SELECT EXISTS (SELECT 1 FROM requested_url)").fetchone()[0]:
        return []
    return db.execute(query, (most,)).fetchall()


def copy_attempts(source: sqlite3.Connection, db: sqlite3.Connection) -> None:
    """Note in the lists of one database what the evidence of another says about their URLs."""
    attempts = source.execute(
        f"SELECT a.observed_at, a.outcome, o.key, a.path FROM ({_ATTEMPTS} GROUP BY origin, path) "  # noqa: S608 - our own SQL
        "AS a JOIN origin AS o ON o.id = a.origin"
    )
    db.executemany(
        "UPDATE requested_url SET asked_at = ?1, outcome = ?2 "
        "WHERE origin = (SELECT id FROM origin WHERE key = ?3) AND path = ?4",
        attempts,
    )


def _add_origins(
    db: sqlite3.Connection, origins: Mapping[str, Origin], ids: dict[str, int]
) -> None:
    """Store origins that are new, and add the numbers of all of them to `ids`."""
    new = [(key, origin) for key, origin in origins.items() if key not in ids]
    if not new:
        return
    db.executemany(
        "INSERT INTO origin (key, scheme, host, port, site, assumed, url) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(key, o.scheme, o.host, o.port, o.site, o.assumed, o.url) for key, o in new],
    )
    domains.add(db, [origin.site for _, origin in new])
    query = "SELECT key, id FROM origin WHERE key IN (SELECT value FROM json_each(?))"
    ids.update(db.execute(query, (json.dumps([key for key, _ in new]),)))


def totals(db: sqlite3.Connection, due: Due) -> ListTotals:
    """Return a list in numbers, as of the times of `due`."""
    path, rows, unusable = db.execute(
        "SELECT path, rows, unusable FROM request_list WHERE id = ?", (due.list,)
    ).fetchone()
    counted = db.execute(
        f"""
        SELECT count(*), count(DISTINCT origin), count(*) FILTER (WHERE {WAITING}),
            count(*) FILTER (WHERE NOT ({WAITING}) AND outcome IN (:responded, :too_large)),
            count(*) FILTER (WHERE NOT ({WAITING}) AND outcome = :withheld)
        FROM requested_url WHERE list = :list AND NOT erased
        """,  # noqa: S608 - our own SQL
        _times(due)
        | {
            "responded": Outcome.RESPONDED,
            "too_large": Outcome.TOO_LARGE,
            "withheld": Outcome.WITHHELD,
        },
    ).fetchone()
    urls, origins, waiting, answered, withheld = counted
    failed = urls - waiting - answered - withheld
    return ListTotals(
        path, rows, json.loads(unusable), urls, origins, waiting, answered, withheld, failed
    )


def begin_round(db: sqlite3.Connection, due: Due) -> None:
    """Remember how many URLs of each origin are waiting, for `stopped_in_round`."""
    db.execute("DROP TABLE IF EXISTS temp.round")
    db.execute(
        "CREATE TEMP TABLE round AS SELECT origin, count(*) AS waiting FROM requested_url "  # noqa: S608 - our own SQL
        f"WHERE {WAITING} GROUP BY origin",
        _times(due),
    )


def stopped_in_round(db: sqlite3.Connection, due: Due) -> Iterator[int]:
    """Yield the origins of which the run `due.run` requested fewer URLs than it was to request.

    They do not answer, asked to slow down, or used up their budget.
    """
    query = f"""
        SELECT r.origin
        FROM temp.round AS r JOIN visit AS v ON v.origin = r.origin AND v.run = :run
        WHERE min(r.waiting, :pages) > r.waiting - (
            SELECT count(*) FROM requested_url AS u WHERE u.origin = r.origin AND {WAITING}
        )
    """  # noqa: S608 - our own SQL
    values = _times(due) | {"run": due.run, "pages": due.pages}
    for (origin,) in db.execute(query, values).fetchall():
        yield origin


def waiting_of(db: sqlite3.Connection, due: Due) -> int:
    """Return how many URLs of the origins `due.stopped` are waiting."""
    query = (
        "SELECT count(*) FROM requested_url WHERE origin IN (SELECT value FROM json_each(:stopped))"  # noqa: S608 - our own SQL
        f" AND {WAITING}"
    )
    values = _times(due) | {"stopped": json.dumps(due.stopped)}
    return int(db.execute(query, values).fetchone()[0])


def _times(due: Due) -> dict[str, object]:
    return {"list": due.list, "fresh_since": due.fresh_since, "now": due.now}
