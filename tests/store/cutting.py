"""Cut an audit database into parts by site, as an audit in parts has them."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from crawler.commands.judge import rebuild
from crawler.rulesets import RuleSet
from crawler.store.database import connect

#: What names no origin is in the first part alone.
_OF_NO_ORIGIN = ("version_reject", "dataset_role_reject")


def cut(path: Path, folder: Path, parts: int, chosen: RuleSet) -> list[Path]:
    """Write the parts of a database; each is judged for itself. Numbers stay what they are."""
    with closing(sqlite3.connect(path)) as db:
        sites = [site for (site,) in db.execute("SELECT DISTINCT site FROM origin ORDER BY site")]
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made = []
    for part in range(parts):
        made.append(folder / f"part-{part}.db")
        shutil.copyfile(path, made[-1])
        with closing(connect(made[-1])) as db:
            _keep(db, sites[part::parts], is_first=part == 0)
            rebuild(db, chosen=chosen)
    return made


def _keep(db: sqlite3.Connection, sites: list[str], *, is_first: bool) -> None:
    """Delete what belongs to other sites. No trigger keeps it: this is the test's own copy."""
    db.execute("PRAGMA foreign_keys = OFF")
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    db.execute("CREATE TEMP TABLE kept AS SELECT id FROM origin WHERE 0")
    for site in sites:
        db.execute("INSERT INTO kept SELECT id FROM origin WHERE site = ?", (site,))
    tables = db.execute(
        "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c "
        "WHERE m.type = 'table' AND c.name = 'origin'"
    ).fetchall()
    for (table,) in tables:
        db.execute(f"DELETE FROM {table} WHERE origin NOT IN (SELECT id FROM kept)")
    db.execute("DELETE FROM origin WHERE id NOT IN (SELECT id FROM kept)")
    for table in () if is_first else _OF_NO_ORIGIN:
        db.execute(f"DELETE FROM {table}")
    for _, sql in triggers:
        db.execute(sql)
