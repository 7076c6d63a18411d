"""Withhold evidence: erase bytes, URLs and header fields, and keep their digests.

A manifest still verifies afterwards: bodies are known by their digest and size, and a row keeps
the leaf that it had (`store/leaves`). What is left of a row still says when and how a host
answered; what it said is unseen from then on, and so it frees nothing.

Rules for editors: whatever quotes evidence must be deleted here as well. After the transaction,
erased bytes are still in the file until `store/erasure.finish` was successful.
"""

import json
import sqlite3
from typing import NamedTuple

from crawler.evaluate.current_answers import WITHHELD
from crawler.protocols.parse import REFUSED_BY_RULE
from crawler.store import derived, erasure, leaves, repeats
from crawler.store.redaction_targets import OWN_URLS, Sample, Targets, origins_of

# Origin, path, list and number of a URL in a request list.
_Requested = tuple[int, str, int, int]


class Withheld(NamedTuple):
    """Counts of what was erased and was there: bodies, their octets, and rows.

    Rows are observations, samples of datasets, and URLs of request lists.

    `origins` is how many origins the erased evidence is of, also what was erased earlier, and
    `listed` how many digests are withheld from now on, also of bytes that were never stored.
    """

    bodies: int
    octets: int
    observations: int
    samples: int
    requested: int
    origins: int
    listed: int


def redact(db: sqlite3.Connection, targets: Targets, reason: str, now: str) -> Withheld:
    """Erase targets for a reason, in the caller's transaction; what is erased already stays so.

    A redaction that erases nothing new is not logged.
    """
    query = "SELECT 1 FROM withheld_body WHERE digest = ? AND redaction IS NOT NULL"
    digests = [d for d in targets.digests if db.execute(query, (d,)).fetchone() is None]
    observations = [n for n in targets.observations if not _is_withheld(db, "observation", (n,))]
    samples = [s for s in targets.samples if not _is_withheld(db, "sample", s)]
    requested = _requested(db, targets)
    bodies, octets = 0, 0
    if digests or observations or samples or requested:
        redaction = db.execute(
            "INSERT INTO redaction (reason, redacted_at) VALUES (?, ?) RETURNING id", (reason, now)
        ).fetchone()[0]
        bodies, octets = _erase_bodies(db, digests, "redaction", redaction)
        _erase_rows(db, observations, samples, requested, redaction)
    _drop_quotations(db, targets, now)
    counts = (bodies, octets, len(observations), len(samples), len(requested))
    return Withheld(*counts, len(origins_of(db, targets)), len(digests))


def prune(db: sqlite3.Connection, what: str, targets: Targets, before: str, now: str) -> None:
    """Erase bodies that were last seen before a time, in the caller's transaction, and log it."""
    if targets.digests:
        pruning = log_pruning(db, what, before, len(targets.digests), now)
        _erase_bodies(db, list(targets.digests), "pruning", pruning)
        _drop_quotations(db, targets, now)


def log_pruning(db: sqlite3.Connection, what: str, before: str, items: int, now: str) -> int:
    """Log a pruning in the caller's transaction, as one to be finished. Return its number."""
    erasure.note(db, now)
    return int(
        db.execute(
            "INSERT INTO pruning (what, before, items, pruned_at) VALUES (?, ?, ?, ?) RETURNING id",
            (what, before, items, now),
        ).fetchone()[0]
    )


def count_octets(db: sqlite3.Connection, targets: Targets) -> tuple[int, int]:
    """Return how many of the bodies are there, and how many octets of the file they take."""
    query = (
        "SELECT count(*), coalesce(sum(length(content)), 0) FROM body "
        "WHERE content <> x'' AND digest IN (SELECT value FROM json_each(?))"
    )
    bodies, octets = db.execute(query, (json.dumps(targets.digests),)).fetchone()
    return bodies, octets


def _erase_bodies(
    db: sqlite3.Connection, digests: list[str], log: str, number: int
) -> tuple[int, int]:
    counts = count_octets(db, Targets(digests=tuple(digests)))
    for digest in digests:
        db.execute(
            f"INSERT INTO withheld_body (digest, size, {log}) "  # noqa: S608 - our own names
            "VALUES (?1, (SELECT size FROM body WHERE digest = ?1), ?2)",
            (digest, number),
        )
        db.execute("UPDATE body SET content = x'' WHERE digest = ? AND content <> x''", (digest,))
    return counts


def count_requested(db: sqlite3.Connection, targets: Targets) -> int:
    """Return how many rows of request lists the targets have that are not erased."""
    return len(_requested(db, targets))


def _requested(db: sqlite3.Connection, targets: Targets) -> list[_Requested]:
    """Return the URLs of request lists that are not erased: origin, path, list and number."""
    query = (
        "SELECT origin, path, list, n FROM requested_url "
        "WHERE origin = ? AND path = ? AND NOT erased"
    )
    return [row for place in targets.requested for row in db.execute(query, place)]


def _is_withheld(db: sqlite3.Connection, table: str, key: tuple[int, ...]) -> bool:
    query = f"SELECT 1 FROM withheld_row WHERE {_KEYS[table]}"  # noqa: S608 - our own names
    return db.execute(query, key).fetchone() is not None


# The keys of rows in `withheld_row`, and the same in their own tables as `t`.
_KEYS = {"observation": "observation = ?", "sample": "origin = ? AND dataset = ? AND n = ?"}
_OWN_KEYS = {"observation": "t.id = ?", "sample": "t.origin = ? AND t.dataset = ? AND t.n = ?"}
_KEY_OF_REQUESTED = "t.origin = ? AND t.path = ? AND t.list = ?"


def _erase_rows(
    db: sqlite3.Connection,
    observations: list[int],
    samples: list[Sample],
    requested: list[_Requested],
    redaction: int,
) -> None:
    repeats.make_whole(db, observations)
    # All leaves are taken before anything changes: the leaf of a 304 names what it confirms.
    rows: list[tuple[str, tuple[int, ...]]] = [("observation", (n,)) for n in observations]
    rows += [("sample", sample) for sample in samples]
    leaves_before = [leaves.present_leaf(db, table, _OWN_KEYS[table], key) for table, key in rows]
    for (table, key), leaf in zip(rows, leaves_before, strict=True):
        columns = "observation" if table == "observation" else "origin, dataset, n"
        marks = ", ".join("?" * len(key))
        db.execute(
            f"INSERT INTO withheld_row (redaction, was, {columns}) VALUES (?, ?, {marks})",  # noqa: S608 - our own names
            (redaction, leaf, *key),
        )
    numbers: dict[str, int] = {}
    for number in observations:
        _erase_observation(db, number, redaction, numbers)
    for sample in samples:
        db.execute("UPDATE sample SET url = '' WHERE origin = ? AND dataset = ? AND n = ?", sample)
    for row in requested:
        _erase_requested(db, row, redaction, numbers)
    for table, key in rows:
        leaf = leaves.present_leaf(db, table, _OWN_KEYS[table], key)
        db.execute(f"UPDATE withheld_row SET becomes = ? WHERE {_KEYS[table]}", (leaf, *key))  # noqa: S608 - our own names


def _erase_observation(
    db: sqlite3.Connection, number: int, redaction: int, numbers: dict[str, int]
) -> None:
    """Erase URLs, header fields, address and note of an observation.

    A URL that is asked for at every host stays. `numbers` has those of the URLs of a redaction:
    equal ones become equal again, so that looks at one place remain looks at one place.
    """
    resource, asked, url, note, base = db.execute(
        "SELECT o.resource, o.asked, o.url, o.note, g.url FROM observation AS o "
        "JOIN origin AS g ON g.id = o.origin WHERE o.id = ?",
        (number,),
    ).fetchone()

    def erased(text: str) -> str:
        if resource not in OWN_URLS and text == asked:
            return text
        return f"{base}{_erased_path(text, redaction, numbers)}"

    db.execute(
        "UPDATE observation_row SET asked = ?, url = ?, headers = ?, address = '', note = ? "
        "WHERE id = ?",
        # Whether a host refused this client ends freedom, and must not be lost.
        (
            *(erased(asked), erased(url), WITHHELD),
            REFUSED_BY_RULE if REFUSED_BY_RULE in note else "",
            number,
        ),
    )


def _erase_requested(
    db: sqlite3.Connection, row: _Requested, redaction: int, numbers: dict[str, int]
) -> None:
    """Erase the path of a URL in a request list, which is not asked for from then on."""
    origin, path, number, n = row
    was = leaves.present_leaf(db, "requested_url", _KEY_OF_REQUESTED, (origin, path, number))
    db.execute(
        "INSERT INTO withheld_row (redaction, was, list, n) VALUES (?, ?, ?, ?)",
        (redaction, was, number, n),
    )
    (base,) = db.execute("SELECT url FROM origin WHERE id = ?", (origin,)).fetchone()
    # As that of its observations, so that they are still of one place.
    erased = _erased_path(f"{base}{path}", redaction, numbers)
    db.execute(
        "UPDATE requested_url SET path = ?, erased = 1 WHERE origin = ? AND path = ? AND list = ?",
        (erased, origin, path, number),
    )
    becomes = leaves.present_leaf(db, "requested_url", _KEY_OF_REQUESTED, (origin, erased, number))
    db.execute("UPDATE withheld_row SET becomes = ? WHERE list = ? AND n = ?", (becomes, number, n))


def _erased_path(url: str, redaction: int, numbers: dict[str, int]) -> str:
    return f"/withheld-by-redaction-{redaction}/{numbers.setdefault(url, 1 + len(numbers))}"


def _drop_quotations(db: sqlite3.Connection, targets: Targets, now: str) -> None:
    """Delete what was derived from targets, so that their origins wait to be judged again."""
    erasure.note(db, now)
    for origin in origins_of(db, targets):
        derived.drop_derived_of_origin(db, origin)
        db.execute("DELETE FROM evaluated_visit WHERE origin = ?", (origin,))
    derived.drop_unreferenced(db)
