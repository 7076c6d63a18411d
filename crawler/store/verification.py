"""Verify evidence: the file, the schema, the chain of manifests, every row and every body.

Self-consistency proves only that nothing was changed by accident or by halves: whoever can write
the file can write manifests as well. A head that was kept elsewhere proves more.
"""

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from crawler.plurals import counted
from crawler.store import bodies, leaves, manifests, merkle, request_lists
from crawler.store.database import new_database, vocabulary_tables
from crawler.store.failures import code_of

_ADOPT = "has no manifest; `tdm-audit adopt` makes one"
# Differences that are listed of one table; a damaged file can have any number.
_MOST = 20


class Difference(NamedTuple):
    """Something that is not as it was: a table, what is named in it, and what is wrong."""

    table: str
    key: str
    what: str


def verify_evidence(db: sqlite3.Connection) -> Iterator[Difference]:
    """Yield what is not as the manifests, or this version of the program, say."""
    yield from _pages(db)
    yield from _schema(db)
    chain = manifests.stored(db)
    yield from _chain(chain)
    facts = [(n, manifests.facts_of(text)) for n, _, text, _ in chain]
    yield from _rows(db, [(n, fact) for n, fact in facts if fact is not None])
    yield from _bodies(db)
    yield from _references(db)


def _pages(db: sqlite3.Connection) -> Iterator[Difference]:
    try:
        for (line,) in db.execute(f"PRAGMA integrity_check({_MOST})"):
            if line != "ok":
                yield Difference("database", "pages", str(line))
    except sqlite3.OperationalError as error:
        # A CHECK that reads JSON raises at a value that is none; other errors are of the machine.
        if code_of(error) != sqlite3.SQLITE_ERROR:
            raise
        yield Difference("database", "pages", str(error))


def _schema(db: sqlite3.Connection) -> Iterator[Difference]:
    """Compare with a new database: schema, vocabulary, catalogue and descriptions."""
    schema, rows = _of_this_version()
    theirs = dict(db.execute(_OBJECTS))
    for name in sorted(schema.keys() | theirs.keys()):
        if schema.get(name) != theirs.get(name):
            what = "is missing" if name not in theirs else "is not that of this version"
            yield Difference("schema", name, what)
    for table, expected in rows.items():
        if set(db.execute(f"SELECT * FROM {table}")) != expected:  # noqa: S608 - our own names
            yield Difference(table, "", "is not that of this version")


_OBJECTS = "SELECT type || ' ' || name, sql FROM sqlite_schema"


@lru_cache(maxsize=1)
def _of_this_version() -> tuple[dict[str, str], dict[str, set[tuple[object, ...]]]]:
    """Return the schema of a new database, and the rows that every database has."""
    with closing(new_database()) as new:
        return dict(new.execute(_OBJECTS)), {
            table: set(new.execute(f"SELECT * FROM {table}"))  # noqa: S608 - our own names
            for table in vocabulary_tables()
        }


def _chain(chain: list[tuple[int, str, str, str]]) -> Iterator[Difference]:
    previous = ""
    for expected, (n, kind, text, digest) in enumerate(chain, start=1):
        facts = manifests.facts_of(text) or {}
        if n != expected:
            yield Difference("manifest", str(expected), "is missing")
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            yield Difference("manifest", str(n), "does not have its digest")
        if facts.get("previous") != previous or facts.get("kind") != kind:
            yield Difference("manifest", str(n), "does not continue the one before it")
        previous = digest


def _rows(db: sqlite3.Connection, chain: list[tuple[int, dict[str, Any]]]) -> Iterator[Difference]:
    removed = manifests.leaves_of_removals(db)
    last = 0
    for n, facts in chain:
        for run, trees in facts["runs"].items():
            yield from _compare(f"run {run}", trees, manifests.tree_of_run(db, int(run)))
        for dataset, trees in facts["datasets"].items():
            if dataset not in removed:
                own = manifests.tree_of_dataset(db, int(dataset))
                yield from _compare(f"dataset {dataset}", trees, own)
        origins = facts["origins"]
        if origins["first"] != last + 1:
            yield Difference("manifest", str(n), "leaves out origins")
        last = origins["last"]
        own_origins = manifests.tree_of_origins(db, origins["first"], last)
        yield from _compare(f"manifest {n}", {"origin": origins}, {"origin": own_origins})
        for dataset, leaf in facts["removals"].items():
            if removed.get(dataset) != leaf:
                yield Difference("forgotten", dataset, "is not as it was")
    all_facts = [facts for _, facts in chain]
    yield from _removals(db, all_facts)
    yield from _lists(db, all_facts)
    yield from _logs(db, chain)
    yield from _facets(db, all_facts, set(removed))
    yield from _uncovered(db, all_facts, set(removed))


def _logs(db: sqlite3.Connection, chain: list[tuple[int, dict[str, Any]]]) -> Iterator[Difference]:
    """Compare the logs: each manifest has the rows that came to them since the one before."""
    last = dict.fromkeys(leaves.LOGS, 0)
    for n, facts in chain:
        for table, expected in facts.get("logs", {}).items():
            if expected["first"] != last[table] + 1:
                yield Difference("manifest", str(n), f"leaves out rows of {table}")
            last[table] = expected["last"]
            own = manifests.tree_of_log(db, table, expected["first"], expected["last"])
            yield from _compare(f"manifest {n}", {table: expected}, {table: own})
    for table, covered in last.items():
        # A stamp is of the last manifest, so that only a later one can cover it.
        if table != "stamp" and manifests.last_of_log(db, table) > covered:
            yield Difference(table, "", "has rows that no manifest covers")


def _removals(db: sqlite3.Connection, chain: list[dict[str, Any]]) -> Iterator[Difference]:
    """Yield what the logs say was removed, and no manifest does: whoever removes makes one."""
    for part, table in (("removals", "forgotten"), ("removed_lists", "forgotten_list")):
        known = {number for facts in chain for number in facts.get(part, {})}
        for number in sorted(manifests.removed_numbers(db, table) - known):
            yield Difference(table, number, _ADOPT)


def _lists(db: sqlite3.Connection, chain: list[dict[str, Any]]) -> Iterator[Difference]:
    """Compare request lists, their removals, and lists of parties."""
    removed = manifests.leaves_of_removed_lists(db)
    for facts in chain:
        for number, expected in facts.get("lists", {}).items():
            if number not in removed:
                own = manifests.tree_of_list(db, int(number))
                yield from _compare(f"list {number}", expected, own)
        for number, leaf in facts.get("removed_lists", {}).items():
            if removed.get(number) != leaf:
                yield Difference("forgotten_list", number, "is not as it was")
        for number, expected in facts.get("party_lists", {}).items():
            own = manifests.tree_of_parties(db, int(number))
            yield from _compare(f"list {number}", expected, own)
    known = {
        "request_list": ("listed", {int(n) for n in removed}),
        "party_list": ("imported", set[int]()),
    }
    for table, (marked, gone) in known.items():
        whole = {n for (n,) in db.execute(f"SELECT list FROM {marked}")}  # noqa: S608 - our own names
        there = {n for (n,) in db.execute(f"SELECT id FROM {table}")}  # noqa: S608 - our own names
        for n in sorted(whole ^ (there | gone)):
            yield Difference(table, str(n), "is not as it was stored")
    for n, url in request_lists.not_as_observed(db, _MOST):
        yield Difference("requested_url", f"list {n}: {url}", "is not as it was observed")


def _facets(
    db: sqlite3.Connection, chain: list[dict[str, Any]], removed: set[str]
) -> Iterator[Difference]:
    """Compare facets with the last manifest that has them; they may be stored again."""
    trees = {dataset: tree for facts in chain for dataset, tree in facts.get("facets", {}).items()}
    changed = set(map(str, manifests.changed_facets(db)))
    for number in sorted(manifests.facets_in_no_manifest(db)):
        yield Difference("facet_total", f"dataset {number}", _ADOPT)
    for dataset, expected in trees.items():
        if dataset not in removed | changed:
            own = manifests.tree_of_facets(db, int(dataset))
            yield from _compare(f"dataset {dataset}", expected, own)


def _compare(
    key: str, expected: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    for table, tree in expected.items():
        now = found[table]
        if now["rows"] != tree["rows"]:
            yield Difference(table, key, f"has {counted(now['rows'], 'row')}, not {tree['rows']:,}")
        elif now["root"] != tree["root"]:
            yield Difference(table, key, "has other rows than it had")


def _uncovered(
    db: sqlite3.Connection, chain: list[dict[str, Any]], removed: set[str]
) -> Iterator[Difference]:
    """Yield what no manifest covers, or more than one does."""
    runs = [run for facts in chain for run in facts["runs"]]
    for run in sorted({run for run in runs if runs.count(run) > 1}):
        yield Difference("manifest", f"run {run}", "is covered twice")
    for number in manifests.uncovered_runs(db):
        yield Difference("run", str(number), _ADOPT)
    ingested = {n for (n,) in db.execute("SELECT dataset FROM ingested")}
    known = {n for (n,) in db.execute("SELECT id FROM dataset")} | {int(n) for n in removed}
    for number in sorted(ingested ^ known):
        yield Difference("dataset", str(number), "is not as it was ingested")


# Of each body: whether it is empty, and of digests that are withheld the size of what was erased
# (0 if nothing was stored), and whether a redaction did it.
_BODIES = """
    SELECT body.digest, body.size, body.content = x'', w.size, w.is_redacted
    FROM body LEFT JOIN (
        SELECT digest, coalesce(max(size), 0) AS size, max(redaction) IS NOT NULL AS is_redacted
        FROM withheld_body GROUP BY digest
    ) AS w ON w.digest = body.digest
"""


def _bodies(db: sqlite3.Connection) -> Iterator[Difference]:
    wrong = 0
    for digest, size, is_empty, withheld_size, is_redacted in db.execute(_BODIES):
        what = ""
        if is_empty and withheld_size is not None:
            what = "" if size == withheld_size else "does not have the size that it had"
        elif is_redacted:
            what = "is redacted, and has bytes"
        else:
            content = bodies.load_body(db, digest)
            if content is None or len(content) != size:
                what = "does not have its digest"
        if what:
            wrong += 1
            if wrong <= _MOST:
                yield Difference("body", digest, what)


def _references(db: sqlite3.Connection) -> Iterator[Difference]:
    for n, (table, row, parent, _) in enumerate(db.execute("PRAGMA foreign_key_check")):
        if n == _MOST:
            return
        yield Difference(table, str(row), f"refers to nothing in {parent}")


@contextmanager
def copy_of(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Open a copy of a database in a temporary folder, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="tdm-audit-") as folder:
        path = Path(folder) / "copy.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA synchronous = OFF")
            yield copy


def count_rows(db: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows of evidence there are, and how many of runs that have not ended."""
    tables = ("run", "observation", "visit", "body", "dataset", "origin", "manifest")
    counts = {
        table: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own names
        for table in tables
    }
    counts |= {name: int(db.execute(query).fetchone()[0]) for name, query in _COUNTS.items()}
    uncovered = len(manifests.lists_to_cover(db)) + len(manifests.parties_to_cover(db))
    return counts | {"lists_not_covered": uncovered}


_COUNTS = {
    "not_covered": "SELECT count(*) FROM observation WHERE run IN "
    "(SELECT id FROM run WHERE ended IS NULL)",
    "facets_not_covered": "SELECT count(*) FROM facets_changed",
    "erased_bodies": "SELECT count(*) FROM body WHERE content = x'' "
    "AND digest IN (SELECT digest FROM withheld_body)",
    "erased_rows": "SELECT count(*) FROM withheld_row",
    "unfinished_erasures": "SELECT count(*) FROM unfinished_erasure",
}


def proof_of(db: sqlite3.Connection, observation: int) -> dict[str, object] | None:
    """Return the proof that an observation is in the manifest of its run; None if it is in none."""
    found = leaves.observation_leaf(db, observation)
    if found is None:
        return None
    run, row, leaf = found
    for n, _, text, digest in manifests.stored(db):
        tree = manifests.runs_of(text).get(str(run), {}).get("observation")
        if tree is None:
            continue
        all_leaves = leaves.leaves(db, "observation", run)
        index = all_leaves.index(leaf)
        path = merkle.proof(all_leaves, index)
        return {
            "row": row,
            "leaf": leaf.hex(),
            "index": index,
            "size": len(all_leaves),
            "path": [node.hex() for node in path],
            "root": tree["root"],
            "run": run,
            "manifest": n,
            "manifest_digest": digest,
            "manifest_text": text,
        }
    return None
