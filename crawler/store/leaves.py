"""Leaves of the trees in manifests: one digest for each row of evidence.

A leaf is the SHA-256 of the name of the table, LF, and the row as a JSON array that SQLite makes.
Rows are named by natural keys, never by numbers: a leaf is the same in every copy.

Rules for editors: what is here was published in heads. A column that is added to a table needs a
new format of manifests (`manifests.FORMAT`); the leaves of the old one must stay as they are.
"""

import hashlib
import sqlite3
from collections.abc import Iterator

# Of each table of evidence: the columns of a leaf, its joins, and the column that chooses rows.
_CONFIRMED = (
    "(SELECT json_array(g.key, c.resource, c.asked, c.hop, c.observed_at) FROM observation AS c "
    "JOIN origin AS g ON g.id = c.origin WHERE c.id = t.confirms)"
)
_OBSERVATION = (
    "g.key, t.resource, t.asked, t.hop, t.observed_at, t.url, t.outcome, t.status, t.headers, "
    "t.digest, t.stored, t.size, t.truncated, t.elapsed_ms, t.address, t.note, t.tls_version, "
    f"t.tls_certificate, t.tls_verified, CASE WHEN t.confirms IS NOT NULL THEN {_CONFIRMED} END"
)
# The same of one that is stored by its difference from a whole one (`repeats`): as in the view, but
# with one look-up for all columns.
_WHOLE = {
    **{
        f"t.{column}": f"iif(t.{column} <> '', t.{column}, b.{column})"
        for column in ("url", "address", "note", "tls_version", "tls_certificate", "tls_verified")
    },
    **{f"t.{column}": f"coalesce(t.{column}, b.{column})" for column in ("digest", "stored")},
    "t.headers": "iif(json_valid(t.headers), substr(b.headers, 1, t.headers ->> 0) || "
    "(t.headers ->> 2) || substr(b.headers, length(b.headers) + 1 - (t.headers ->> 1)), t.headers)",
}
_REPEATED = ", ".join(_WHOLE.get(column, column) for column in _OBSERVATION.split(", "))
_OF_ORIGIN = "JOIN origin AS g ON g.id = t.origin"
_WEIGHT = "CASE WHEN t.weight IS NOT NULL THEN printf('%!.17g', t.weight) END"
_RUN = (
    "t.id, t.started_at, t.ended_at, t.ended, t.command, t.version, t.versions, t.settings, "
    "t.user_agent, t.suffix_list, t.catalogue"
)
_DATASET = (
    "t.id, t.path, t.digest, t.bytes, t.format, t.url_column, t.column_given, t.weight_column, "
    "t.rows, t.ingested_at, t.column_choice, t.records"
)
_FORGOTTEN = (
    "t.dataset, t.name, t.version, t.path, t.digest, t.rows, t.origins, t.ingested_at, "
    "t.forgotten_at, t.command"
)
_SPECS = {
    "run": (_RUN, "", "id"),
    "observation": (_OBSERVATION, _OF_ORIGIN, "run"),
    "visit": ("g.key, t.finished_at", _OF_ORIGIN, "run"),
    "origin": ("t.key, t.scheme, t.host, t.port, t.site, t.assumed, t.url", "", "id"),
    "dataset": (_DATASET, "", "id"),
    "dataset_file": ("t.path, t.bytes, t.digest", "", "dataset"),
    "version_reject": ("t.reason, t.rows, t.example", "", "dataset"),
    "dataset_role": ("t.role, t.position, t.url_column, t.rows, t.other_hosts", "", "dataset"),
    "dataset_role_reject": ("t.role, t.reason, t.rows, t.example", "", "dataset"),
    "dataset_role_origin": ("t.role, g.key, t.rows", _OF_ORIGIN, "dataset"),
    "version_origin": (f"g.key, t.rows, {_WEIGHT}", _OF_ORIGIN, "dataset"),
    "sample": ("g.key, t.n, t.url", _OF_ORIGIN, "dataset"),
    "forgotten": (_FORGOTTEN, "", "dataset"),
}
_REPEATS = (
    f"SELECT json_array({_REPEATED}) FROM observation_row AS t "  # noqa: S608 - our own names
    f"CROSS JOIN observation_row AS b ON b.id = t.base {_OF_ORIGIN} WHERE {{}}"
)
#: The tables whose rows belong to a run, and those whose rows belong to a dataset.
OF_RUN = ("run", "observation", "visit")
OF_DATASET = (
    *("dataset", "dataset_file", "version_reject", "dataset_role", "dataset_role_reject"),
    *("dataset_role_origin", "version_origin", "sample"),
)


def leaves(db: sqlite3.Connection, table: str, first: int, last: int | None = None) -> list[bytes]:
    """Return the sorted leaves of the rows whose run, dataset or number is from `first` to `last`.

    Without `last` it is `first` alone.
    """
    prefix = f"{table}\n".encode()
    sha256 = hashlib.sha256
    found = [
        sha256(prefix + row.encode("utf-8", "surrogatepass")).digest()
        for (row,) in _rows(db, table, first, last)
    ]
    found.sort()
    return found


def _rows(db: sqlite3.Connection, table: str, first: int, last: int | None) -> Iterator[tuple[str]]:
    columns, joins, number = _SPECS[table]
    where = f"t.{number} = ?" if last is None else f"t.{number} BETWEEN ? AND ?"
    bounds = (first,) if last is None else (first, last)
    if table == "observation":
        table, where = "observation_row", f"{where} AND t.base IS NULL"
        yield from db.execute(_REPEATS.format(where.replace("IS NULL", "IS NOT NULL")), bounds)
    yield from db.execute(
        f"SELECT json_array({columns}) FROM {table} AS t {joins} WHERE {where}",  # noqa: S608 - our own names
        bounds,
    )


def observation_leaf(db: sqlite3.Connection, observation: int) -> tuple[int, str, bytes] | None:
    """Return the run, the row and the leaf of an observation; None if there is none."""
    columns, joins, _ = _SPECS["observation"]
    found = db.execute(
        f"SELECT t.run, json_array({columns}) FROM observation AS t {joins} WHERE t.id = ?",  # noqa: S608 - our own names
        (observation,),
    ).fetchone()
    if found is None:
        return None
    run, row = found
    return run, row, hashlib.sha256(b"observation\n" + row.encode()).digest()
