"""Run commands on audits in parts, and say what such an audit says, by natural keys."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import checkpoint, connect, public_views
from crawler.store.part_facts import code_digest, facts_of
from crawler.store.part_plan import PartPlan
from crawler.store.part_writer import seal
from crawler.store.parts import LocalStorage
from tests.conftest import run
from tests.store.cutting import cut

# Columns that differ between any two crawls: times, numbers of rows, and what has them in it.
_VOLATILE = re.compile(
    r"run|dataset|observation.*|.*_observation|.*statement|candidate|natural_key|confirms|headers|"
    r".*_at|.*_ms|last_seen|first_seen|since|not_before|valid_.*|gone_by|document"
)
#: Views of which a row is of one origin or site, so that those of the parts add up to the whole.
OF_ORIGINS = (
    *("observations", "reservations", "findings", "statements", "issues", "candidates"),
    *("coverage", "conflicts", "sites", "parties", "history", "changes"),
)
_SUMMARY = (
    "SELECT purpose, state, rules, sum(origins), sum(sites), sum(rows), total_rows "
    "FROM dataset_summary GROUP BY purpose, state, rules"
)
_BODIES = "SELECT digest, size, content FROM body"


def plan(folder, urls, *more):
    """Plan an audit of these URLs, and return the output."""
    dataset = folder / "dataset.txt"
    dataset.write_text("".join(f"{url}\n" for url in urls))
    done = run("plan", dataset, "--db", folder / "audit", "--json", "--no-progress", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def crawl_command(folder, web, *more, delay="0"):
    """Return the arguments that crawl parts of the audit in a folder."""
    return [
        *("crawl", "--db", folder / "audit", "--delay", delay, "--timeout", "3s", "--json"),
        *("--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32"),
        *("--no-progress", *more),
    ]


def opened(folder):
    """Return the audit in parts in a folder."""
    return AuditFolder(LocalStorage(folder / "audit"))


def newest(folder):
    """Return the newest database of each part."""
    return [folder / "audit" / files.newest.name for files in opened(folder).listed()]


def query(paths, sql):
    """Return the rows of a query on some databases together."""
    found = []
    for path in paths:
        with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)) as db:
            found += db.execute(sql).fetchall()
    return found


def said(*paths):
    """Return what databases say together, in the rows of their views and the bytes they keep."""
    columns = {view: described[1] for view, described in public_views().items()}
    words = {}
    for view in OF_ORIGINS:
        kept = ", ".join(c for c in columns[view] if not _VOLATILE.fullmatch(c))
        words[view] = sorted(query(paths, f"SELECT {kept} FROM {view}"), key=repr)
    words["bodies"] = sorted(set(query(paths, _BODIES)))
    return words


def summary(*paths):
    """Return the summary of the dataset over some databases, which each know the whole."""
    found = {}
    for purpose, state, rules, *numbers, total in query(paths, _SUMMARY):
        before = found.get((purpose, state, rules), (0, 0, 0))
        found[purpose, state, rules] = tuple(map(sum, zip(before, numbers, strict=True)))
        assert found.setdefault("total rows", total) == total
    return found


def cut_into(folder, path, parts, chosen):
    """Make an audit in parts with the evidence of one database, in `folder`; return its place."""
    root = folder / "audit"
    put(path, root / "datasets" / "g0.db")
    for part, made in enumerate(cut(path, folder, parts, chosen)):
        put(made, root / "parts" / f"{part:05d}" / "g0.db")
        made.unlink()
    (root / "plan.json").write_bytes(PartPlan(by_hash=parts).as_json())
    return root


def put(path, name):
    """Copy a database to a name of an audit in parts, as one file."""
    name.parent.mkdir(parents=True)
    with closing(connect(path)) as db:
        checkpoint(db)
    shutil.copyfile(path, name)


def put_parts(folder, paths, *, judged=True):
    """Make an audit of these databases, each of which is a part; return its folder."""
    audit = AuditFolder(LocalStorage(folder / "audit"))
    audit.storage.replace("plan.json", PartPlan(by_hash=len(paths)).as_json())
    for part, path in enumerate(paths):
        put_next(audit, part, path, judged=judged)
    return folder / "audit"


def put_next(audit, part, path, *, judged=True):
    """Put a database as the next generation of a part."""
    seal(path)
    newest = audit.newest(part)
    generation = newest.next if newest else Generation(part, 0)
    facts = facts_of(path, code=code_digest() if judged else "", about={})
    assert audit.put(generation, path, facts, path.parent)
