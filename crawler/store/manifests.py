"""Manifests: what each run added, in digests, chained so that none can be changed alone.

A manifest is one line of JSON with sorted keys. It covers the run that ended, and the datasets and
origins that came since the manifest before it. `head` is the digest of the last one: whoever keeps
it elsewhere can tell later whether anything until then was changed.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crawler import __version__, rulesets
from crawler.protocols import PROTOCOLS
from crawler.store import leaves, merkle
from crawler.store.database import os_errors_as_store_error, schema_digest

FORMAT = "tdm-audit manifest/3"
#: The formats that this version verifies. The first one has no failures of this machine, no facets
#: and no logs, the second no request lists and no lists of parties.
FORMATS = ("tdm-audit manifest/1", "tdm-audit manifest/2", FORMAT)
Tree = dict[str, object]


def tree(found: list[bytes]) -> Tree:
    """Return the number of leaves and their root."""
    return {"rows": len(found), "root": merkle.root(found).hex()}


def tree_of_run(db: sqlite3.Connection, run: int) -> dict[str, Tree]:
    """Return the trees of what a run added."""
    return {table: tree(leaves.leaves(db, table, run)) for table in leaves.OF_RUN}


def tree_of_dataset(db: sqlite3.Connection, dataset: int) -> dict[str, Tree]:
    """Return the trees of a dataset."""
    return {table: tree(leaves.leaves(db, table, dataset)) for table in leaves.OF_DATASET}


def tree_of_list(db: sqlite3.Connection, request_list: int) -> dict[str, Tree]:
    """Return the trees of a request list."""
    return {table: tree(leaves.leaves(db, table, request_list)) for table in leaves.OF_LIST}


def tree_of_parties(db: sqlite3.Connection, party_list: int) -> dict[str, Tree]:
    """Return the trees of a list of parties."""
    return {table: tree(leaves.leaves(db, table, party_list)) for table in leaves.OF_PARTIES}


def lists_to_cover(db: sqlite3.Connection) -> list[int]:
    """Return the request lists that are in no manifest."""
    return _not_in_part(db, "lists", "SELECT id FROM request_list ORDER BY id")


def parties_to_cover(db: sqlite3.Connection) -> list[int]:
    """Return the lists of parties that are in no manifest."""
    return _not_in_part(db, "party_lists", "SELECT id FROM party_list ORDER BY id")


def _not_in_part(db: sqlite3.Connection, part: str, query: str) -> list[int]:
    covered = {int(n) for _, _, text, _ in stored(db) for n in _part(text, part)}
    return [n for (n,) in db.execute(query) if n not in covered]


def tree_of_origins(db: sqlite3.Connection, first: int, last: int) -> Tree:
    """Return the tree of the origins with these numbers."""
    return tree(leaves.leaves(db, "origin", first, last)) | {"first": first, "last": last}


def tree_of_facets(db: sqlite3.Connection, dataset: int) -> dict[str, Tree]:
    """Return the trees of the facets of a dataset."""
    return {table: tree(leaves.leaves(db, table, dataset)) for table in leaves.OF_FACETS}


def tree_of_log(db: sqlite3.Connection, table: str, first: int, last: int) -> Tree:
    """Return the tree of the rows of a log with these numbers."""
    return tree(leaves.leaves(db, table, first, last)) | {"first": first, "last": last}


def _new_of_logs(db: sqlite3.Connection, earlier: list[dict[str, Any]]) -> dict[str, Tree]:
    """Return the trees of what came to the logs since the manifest before."""
    found = {}
    for table in leaves.LOGS:
        first = 1 + covered_of_log(earlier, table)
        last = last_of_log(db, table)
        if last >= first:
            found[table] = tree_of_log(db, table, first, last)
    return found


def covered_of_log(chain: Iterable[dict[str, Any]], table: str) -> int:
    """Return the number of the last row of a log that is in a manifest; 0 without any."""
    logs = [facts.get("logs", {}).get(table) for facts in chain]
    return max([int(log["last"]) for log in logs if log], default=0)


def last_of_log(db: sqlite3.Connection, table: str) -> int:
    """Return the number of the last row of a log; 0 without any."""
    return int(db.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])  # noqa: S608 - our own names


def has_uncovered_logs(db: sqlite3.Connection) -> bool:
    """Return whether a log has rows that no manifest covers; time stamps need none."""
    chain = [json.loads(text) for _, _, text, _ in stored(db)]
    logs = (table for table in leaves.LOGS if table != "stamp")
    return any(last_of_log(db, table) > covered_of_log(chain, table) for table in logs)


def changed_facets(db: sqlite3.Connection) -> list[int]:
    """Return the datasets whose facets were stored since the last manifest."""
    return [n for (n,) in db.execute("SELECT dataset FROM facets_changed ORDER BY dataset")]


def facets_in_no_manifest(db: sqlite3.Connection) -> set[int]:
    """Return the datasets whose facets no manifest has, and that were not stored since."""
    covered = {int(n) for _, _, text, _ in stored(db) for n in _part(text, "facets")}
    has_facets = {n for (n,) in db.execute("SELECT DISTINCT dataset FROM facet_total")}
    return has_facets - covered - set(changed_facets(db))


def facets_to_cover(db: sqlite3.Connection) -> list[int]:
    """Return the datasets whose facets the next manifest covers."""
    return sorted({*changed_facets(db), *facets_in_no_manifest(db)})


def leaves_of_removals(db: sqlite3.Connection) -> dict[str, str]:
    """Return the datasets that were removed, each with the leaf of its removal."""
    removed = [n for (n,) in db.execute("SELECT dataset FROM forgotten ORDER BY dataset")]
    return {str(n): leaves.leaves(db, "forgotten", n)[0].hex() for n in removed}


def removed_numbers(db: sqlite3.Connection, table: str) -> set[str]:
    """Return the numbers of what was removed, by a log of removals."""
    column = "list" if table == "forgotten_list" else "dataset"
    return {str(n) for (n,) in db.execute(f"SELECT {column} FROM {table}")}  # noqa: S608 - our own names


def has_uncovered_removals(db: sqlite3.Connection) -> bool:
    """Return whether something was removed that no manifest says was."""
    for part, table in (("removals", "forgotten"), ("removed_lists", "forgotten_list")):
        known = {n for _, _, text, _ in stored(db) for n in _part(text, part)}
        if removed_numbers(db, table) - known:
            return True
    return False


def leaves_of_removed_lists(db: sqlite3.Connection) -> dict[str, str]:
    """Return the request lists that were removed, each with the leaf of its removal."""
    removed = [n for (n,) in db.execute("SELECT list FROM forgotten_list ORDER BY list")]
    return {str(n): leaves.leaves(db, "forgotten_list", n)[0].hex() for n in removed}


def write(db: sqlite3.Connection, kind: str, runs: Iterable[int]) -> str:
    """Store the next manifest, over these runs, in the caller's transaction. Return its digest."""
    earlier = [json.loads(text) for (text,) in db.execute("SELECT text FROM manifest ORDER BY n")]
    covered = {int(number) for one in earlier for number in one["datasets"]}
    first = 1 + max([one["origins"]["last"] for one in earlier], default=0)
    last = db.execute("SELECT coalesce(max(id), 0) FROM origin").fetchone()[0]
    datasets = [n for (n,) in db.execute("SELECT id FROM dataset") if n not in covered]
    facts = {
        "format": FORMAT,
        "kind": kind,
        "version": __version__,
        "previous": head(db),
        "runs": {str(run): tree_of_run(db, run) for run in runs},
        "datasets": {str(n): tree_of_dataset(db, n) for n in datasets},
        "origins": tree_of_origins(db, first, max(last, first - 1)),
        "facets": {str(n): tree_of_facets(db, n) for n in facets_to_cover(db)},
        "lists": {str(n): tree_of_list(db, n) for n in lists_to_cover(db)},
        "party_lists": {str(n): tree_of_parties(db, n) for n in parties_to_cover(db)},
        "logs": _new_of_logs(db, earlier),
        "removals": leaves_of_removals(db),
        "removed_lists": leaves_of_removed_lists(db),
        "protocols": {p.NAME: p.VERSION for p in PROTOCOLS},
        "rules": {
            rules.label: hashlib.sha256(rules.text.encode()).hexdigest()
            for rules in map(rulesets.load, rulesets.NAMES)
        },
        "schema": schema_digest(db),
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    db.execute(
        "INSERT INTO manifest (n, kind, text, digest) VALUES "
        "((SELECT 1 + coalesce(max(n), 0) FROM manifest), ?, ?, ?)",
        (kind, text, digest),
    )
    db.execute("DELETE FROM facets_changed")
    return digest


def head(db: sqlite3.Connection) -> str:
    """Return the digest of the last manifest, empty without one."""
    row = db.execute("SELECT digest FROM manifest ORDER BY n DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def stored(db: sqlite3.Connection) -> list[tuple[int, str, str, str]]:
    """Return number, kind, text and digest of all manifests, in their order."""
    return db.execute("SELECT n, kind, text, digest FROM manifest ORDER BY n").fetchall()


def uncovered_runs(db: sqlite3.Connection) -> list[int]:
    """Return the runs that ended and that no manifest covers."""
    covered = {int(n) for _, _, text, _ in stored(db) for n in _part(text, "runs")}
    ended = db.execute("SELECT id FROM run WHERE ended IS NOT NULL ORDER BY id")
    return [run for (run,) in ended if run not in covered]


def covers_all_datasets(db: sqlite3.Connection) -> bool:
    """Return whether each dataset that is stored is in a manifest, with its facets."""
    if changed_facets(db):
        return False
    covered = {int(n) for _, _, text, _ in stored(db) for n in _part(text, "datasets")}
    return covered.issuperset(n for (n,) in db.execute("SELECT dataset FROM ingested"))


def runs_of(text: str) -> dict[str, Any]:
    """Return the runs of a manifest, by their number, with their trees."""
    return _part(text, "runs")


def facts_of(text: str) -> dict[str, Any] | None:
    """Return the facts of a manifest, None for a text that is none of a format known here."""
    try:
        facts = json.loads(text)
    except ValueError:
        return None
    is_known = isinstance(facts, dict) and facts.get("format") in FORMATS
    parts = ("runs", "datasets", "removals", "origins")
    return facts if is_known and all(isinstance(facts.get(p), dict) for p in parts) else None


def _part(text: str, name: str) -> dict[str, Any]:
    facts = facts_of(text)
    found: dict[str, Any] = facts.get(name, {}) if facts else {}
    return found


def file_beside(path: Path | str) -> Path:
    """Return the file of manifests next to a database."""
    path = Path(path)
    return path.with_name(f"{path.name}.manifests.jsonl")


def publish(db: sqlite3.Connection, path: Path | str) -> Path:
    """Append the manifests that the file next to the database does not have. Return the file.

    A line that is there stays, also one that differs: `verify` tells.
    """
    file = file_beside(path)
    with os_errors_as_store_error(file):
        text = file.read_text("utf-8") if file.exists() else ""
        # A line that was cut short by a crash is written again.
        whole = text[: text.rfind("\n") + 1]
        lines = [text for _, _, text, _ in stored(db)][whole.count("\n") :]
        if lines or whole != text:
            with file.open("r+" if text else "w", encoding="utf-8", newline="") as out:
                out.seek(len(whole.encode()))
                out.truncate()
                out.writelines(f"{line}\n" for line in lines)
    return file
