"""Leaves of the trees in manifests: one digest for each row of evidence.

A leaf is the SHA-256 of the name of the table, LF, and the row as a JSON array that SQLite makes.
Rows are named by natural keys, never by numbers: a leaf is the same in every copy. A row that was
redacted keeps the leaf that it had, as long as what is left of it is unchanged (`withheld_row`).

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
_OF_VALUE = "JOIN facet_value AS v ON v.id = t.value"
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
_LIST = "t.id, t.path, t.digest, t.url_column, t.column_given, t.rows, t.unusable, t.read_at"
_FORGOTTEN_LIST = "t.list, t.path, t.digest, t.rows, t.urls, t.read_at, t.forgotten_at, t.command"
_PARTIES = "t.id, t.file, t.digest, t.publisher, t.version, t.imported_at"
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
    "local_failure": ("g.key, t.failed_at, t.note", _OF_ORIGIN, "run"),
    "facet_total": ("v.facet, v.value, t.rows", _OF_VALUE, "dataset"),
    "facet_origin": (
        f"v.facet, v.value, g.key, t.rows, {_WEIGHT}",
        f"{_OF_ORIGIN} {_OF_VALUE}",
        "dataset",
    ),
    "request_list": (_LIST, "", "id"),
    "requested_url": ("g.key, t.path, t.n, t.erased", _OF_ORIGIN, "list"),
    "forgotten_list": (_FORGOTTEN_LIST, "", "list"),
    "party_list": (_PARTIES, "", "id"),
    "party_list_entry": ("t.line, t.domain, t.name, t.name_key, t.identifiers", "", "list"),
    "redaction": ("t.id, t.reason, t.redacted_at", "", "id"),
    "pruning": ("t.id, t.what, t.before, t.items, t.pruned_at", "", "id"),
    "withheld_body": ("t.digest, t.size, t.redaction, t.pruning", "", "id"),
    "withheld_row": ("t.redaction, t.was, t.becomes", "", "id"),
    "hold": ("t.id, t.reason, t.added_at", "", "id"),
    "hold_release": ("t.hold, t.released_at", "", "id"),
    "stamp": ("t.manifest, t.authority, hex(t.token), t.received_at", "", "id"),
}
# How a row that may be withheld is found in `withheld_row`.
_WITHHELD = {
    "observation": "w.observation = t.id",
    "sample": "w.dataset = t.dataset AND w.origin = t.origin AND w.n = t.n",
    "requested_url": "w.list = t.list AND w.n = t.n",
}
_REPEATS = (
    f"SELECT json_array({_REPEATED}), {{known}} FROM observation_row AS t "  # noqa: S608 - our own names
    f"CROSS JOIN observation_row AS b ON b.id = t.base {_OF_ORIGIN} {{join}} WHERE {{where}}"
)
#: The tables whose rows belong to a run, and those whose rows belong to a dataset.
OF_RUN = ("run", "observation", "visit", "local_failure")
OF_DATASET = (
    *("dataset", "dataset_file", "version_reject", "dataset_role", "dataset_role_reject"),
    *("dataset_role_origin", "version_origin", "sample"),
)
#: The tables whose rows belong to a request list, and those whose rows belong to a list of parties.
OF_LIST = ("request_list", "requested_url")
OF_PARTIES = ("party_list", "party_list_entry")
#: The tables of facets, which may be stored again for a dataset that is stored already.
OF_FACETS = ("facet_total", "facet_origin")
#: The tables of what was done to evidence on purpose, numbered without gaps.
LOGS = (
    *("redaction", "pruning", "withheld_body", "withheld_row", "hold", "hold_release", "stamp"),
)


def leaves(db: sqlite3.Connection, table: str, first: int, last: int | None = None) -> list[bytes]:
    """Return the sorted leaves of the rows whose run, dataset or number is from `first` to `last`.

    Without `last` it is `first` alone.
    """
    number = _SPECS[table][2]
    where = f"t.{number} = ?" if last is None else f"t.{number} BETWEEN ? AND ?"
    bounds = (first,) if last is None else (first, last)
    found = [leaf for _, leaf, _ in _leaves_where(db, table, where, bounds)]
    found.sort()
    return found


def _leaves_where(
    db: sqlite3.Connection, table: str, where: str, values: tuple[int, ...]
) -> Iterator[tuple[str, bytes, bool]]:
    """Yield row, leaf, and whether the row is withheld: then the leaf is the one that it had."""
    columns, joins, _ = _SPECS[table]
    known, join = "NULL, NULL", ""
    if table in _WITHHELD and has_withheld_rows(db):
        known = "w.was, w.becomes"
        join = f"LEFT JOIN withheld_row AS w ON {_WITHHELD[table]}"
    queries: tuple[str, ...]
    if table == "observation":
        queries = (
            _REPEATS.format(known=known, join=join, where=where),
            f"SELECT json_array({columns}), {known} FROM observation_row AS t {joins} {join} "  # noqa: S608 - our own names
            f"WHERE {where} AND t.base IS NULL",
        )
    else:
        queries = (
            f"SELECT json_array({columns}), {known} FROM {table} AS t {joins} {join} WHERE {where}",  # noqa: S608 - our own names
        )
    for row, was, becomes in (row for query in queries for row in db.execute(query, values)):
        leaf = leaf_of(table, row)
        is_withheld = becomes is not None and leaf.hex() == becomes
        yield row, bytes.fromhex(was) if is_withheld else leaf, is_withheld


def leaf_of(table: str, row: str) -> bytes:
    """Return the leaf of a row of a table, given as JSON."""
    return hashlib.sha256(f"{table}\n{row}".encode("utf-8", "surrogatepass")).digest()


def has_withheld_rows(db: sqlite3.Connection) -> bool:
    """Return whether any row is withheld."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM withheld_row)").fetchone()[0])


def present_leaf(
    db: sqlite3.Connection, table: str, where: str, values: tuple[int | str, ...]
) -> str:
    """Return the leaf of one row as it is now, whether it is withheld or not."""
    columns, joins, _ = _SPECS[table]
    query = f"SELECT json_array({columns}) FROM {table} AS t {joins} WHERE {where}"  # noqa: S608 - our own names
    (row,) = db.execute(query, values).fetchone()
    return leaf_of(table, row).hex()


def observation_leaf(
    db: sqlite3.Connection, observation: int
) -> tuple[int, str | None, bytes] | None:
    """Return the run, the row and the leaf of an observation; None if there is none.

    The row is None if it is withheld.
    """
    query = "SELECT run FROM observation WHERE id = ?"
    found = db.execute(query, (observation,)).fetchone()
    if found is None:
        return None
    ((row, leaf, is_withheld),) = _leaves_where(db, "observation", "t.id = ?", (observation,))
    return int(found[0]), None if is_withheld else row, leaf
