"""Observations that are as an earlier one was: stored by their difference from it.

Rules for editors: view `observation` and `whole` here say the same, and a test compares them. Only
a whole observation is a base, so that one step leads to every value.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

#: The columns of an observation, in the order of view `observation` after its `id`.
COLUMNS = (
    *("run", "origin", "resource", "asked", "hop", "url", "outcome", "status", "headers"),
    *("digest", "stored", "size", "truncated", "observed_at", "elapsed_ms", "address", "note"),
    *("tls_version", "tls_certificate", "tls_verified", "confirms"),
)
# Columns that an observation has from its base where it has nothing itself.
_SHARED = (
    *("url", "digest", "stored", "address", "note"),
    *("tls_version", "tls_certificate", "tls_verified"),
)
_FROM_BASE = ", ".join(("id", "resource", "asked", "hop", "headers", *_SHARED))
_BASES = (
    f"SELECT {_FROM_BASE} FROM observation_row WHERE origin = ? AND base IS NULL "  # noqa: S608 - our own names
    "AND headers <> 'null' ORDER BY id DESC"
)
_INSERT = (
    f"INSERT INTO observation_row ({', '.join(COLUMNS)}, base) "  # noqa: S608 - our own names
    f"VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"
)
# Whole observations of a URL that are tried as a base: a server may answer in a few ways in turn.
_MAX_BASES = 3
# Characters of a difference of header fields up to which it is worth its reference.
_SHORT = 40

Row = dict[str, object]
_Place = tuple[object, object, object]


class _Base(NamedTuple):
    """A whole observation: its number, header fields, and what others may have from it."""

    number: int
    headers: str
    shared: tuple[object, ...]


Bases = dict[_Place, list[_Base]]


def bases(db: sqlite3.Connection, origin: int) -> Bases:
    """Return the latest whole observations of an origin by resource, URL asked for, and hop."""
    found: Bases = {}
    for number, resource, asked, hop, headers, *shared in db.execute(_BASES, (origin,)):
        of_place = found.setdefault((resource, asked, hop), [])
        if len(of_place) < _MAX_BASES:
            of_place.append(_Base(number, headers, tuple(shared)))
    return found


def save(db: sqlite3.Connection, row: Row, known: Bases) -> None:
    """Store an observation by column, as a difference where one of `known` is like it."""
    compact, base = _compact(row, known.get((row["resource"], row["asked"], row["hop"]), []))
    db.execute(_INSERT, (*[compact[column] for column in COLUMNS], base))


def make_whole(db: sqlite3.Connection, observations: Iterable[int]) -> None:
    """Store observations, and those that differ from one of them, whole: they say the same."""
    query = (
        f"SELECT {', '.join(COLUMNS)}, id FROM observation WHERE id IN "  # noqa: S608 - our own names
        "(SELECT id FROM observation_row WHERE base IS NOT NULL "
        "AND (id IN (SELECT value FROM json_each(?1)) "
        "OR base IN (SELECT value FROM json_each(?1))))"
    )
    rows = db.execute(query, (json.dumps(list(observations)),)).fetchall()
    names = ", ".join(f"{column} = ?" for column in COLUMNS)
    db.executemany(f"UPDATE observation_row SET {names}, base = NULL WHERE id = ?", rows)  # noqa: S608 - our own names


def _compact(row: Row, candidates: list[_Base]) -> tuple[Row, int | None]:
    headers = str(row["headers"])
    for base in candidates:
        patch = _patch(base.headers, headers)
        differs = {
            c: value for c, value in zip(_SHARED, base.shared, strict=True) if value != row[c]
        }
        # What is missing here and not there cannot be told from what is as before.
        if len(patch) > max(_SHORT, len(headers) // 2) or any(not row[c] for c in differs):
            continue
        same: Row = {c: _nothing(c) for c in _SHARED if c not in differs}
        return row | same | {"headers": patch}, base.number
    return row, None


def _nothing(column: str) -> str | None:
    return None if column in ("digest", "stored") else ""


def _patch(base: str, text: str) -> str:
    """Return the difference of two texts as JSON: characters in common before and behind, text."""
    prefix = _in_common(base, text)
    most = min(len(base), len(text)) - prefix
    suffix = min(most, _in_common(base[::-1], text[::-1]))
    return json.dumps([prefix, suffix, text[prefix : len(text) - suffix]], separators=(",", ":"))


def _in_common(one: str, other: str) -> int:
    """Return how many characters two texts begin with together."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def whole(patch: str, base: str) -> str:
    """Return the text that differs by a patch from a base; a damaged patch is returned as it is."""
    try:
        prefix, suffix, middle = json.loads(patch)
        return f"{base[:prefix]}{middle}{base[len(base) - suffix :]}"
    except (ValueError, TypeError):
        return patch
