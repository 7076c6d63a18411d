"""Versions in the database: older databases, and views for one version alone."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crawler import store
from crawler.commands.ingest import IngestRequest, ingest
from crawler.model import Origin
from crawler.store import chosen_version, database, evidence_writer
from crawler.store.database import connect, connect_read_only, transaction
from crawler.vocab import Reject, Resource
from tests.store.conftest import AT, answer

MIGRATIONS = sorted((Path(store.__file__).parent / "migrations").glob("*.sql"))
BEFORE = [file for file in MIGRATIONS if file.stem < "0008"]
HOST = Origin(scheme="https", host="a.example", port=443, site="a.example")


def older_database(path):
    """Make a database as it was before there were versions, with three datasets of two paths."""
    with closing(sqlite3.connect(path)) as db:
        for file in BEFORE:
            db.executescript(file.read_text("utf-8"))
        db.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, "
            "name TEXT, applied_at TEXT)"
        )
        db.execute("CREATE UNIQUE INDEX idx ON _sqlite_migrations (migration_set, name)")
        db.executemany(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('tdm-audit', ?, '')",
            [(file.stem,) for file in BEFORE],
        )
        db.execute("INSERT INTO reject VALUES ('empty')")
        db.execute(
            "INSERT INTO origin VALUES (1, 'a.example', 'https', 'a.example', 443, 'a.example', 0, "
            "'https://a.example')"
        )
        columns = "id, path, digest, bytes, format, url_column, column_given, weight_column, rows"
        for number, named, rows in ((1, "d.csv", 10), (2, "e.csv", 5), (3, "d.csv", 11)):
            db.execute(
                f"INSERT INTO dataset ({columns}, ingested_at) "
                "VALUES (?, ?, ?, 9, 'csv', 'url', 0, '', ?, '')",
                (number, named, f"digest {number}", rows),
            )
            db.execute(
                "INSERT INTO dataset_origin (dataset, origin, rows) VALUES (?, 1, ?)",
                (number, rows - 1),
            )
            db.execute("INSERT INTO dataset_reject VALUES (?, 'empty', 1, '')", (number,))
        db.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
        db.commit()


def test_of_an_older_database_the_dataset_read_last_under_a_path_counts(tmp_path):
    older_database(tmp_path / "audit.db")
    with closing(connect(tmp_path / "audit.db")) as db:
        query = (
            "SELECT dataset, name, version, counts, rows, origins, unattributable FROM datasets "
            "ORDER BY 1"
        )
        assert db.execute(query).fetchall() == [
            (1, "d.csv", 1, 0, 10, 1, 1),
            (2, "e.csv", 1, 1, 5, 1, 1),
            (3, "d.csv", 2, 1, 11, 1, 1),
        ]
        assert db.execute("SELECT sum(rows) FROM dataset_origin").fetchone() == (14,)


def test_a_dataset_of_an_older_database_goes_on_under_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    older_database(tmp_path / "audit.db")
    (tmp_path / "d.csv").write_text("url\nhttps://a.example/1\n")
    with closing(connect(tmp_path / "audit.db")) as db:
        ingest(db, tmp_path / "audit.db", IngestRequest(datasets=("d.csv",)))
        query = "SELECT name, version, rows FROM datasets WHERE counts ORDER BY 1"
        assert db.execute(query).fetchall() == [("d.csv", 3, 1), ("e.csv", 1, 5)]


@pytest.mark.parametrize("view", sorted(database.public_views()))
def test_every_view_shows_one_version_alone(audit, tmp_path, view):
    with closing(audit(*(answer(f"{x}.example", Resource.HOME, "/", x) for x in "ab"))) as db:
        new = evidence_writer.NewDataset(
            path="e",
            files=(("e", 1, "0" * 64),),
            format="csv",
            url_column="url",
            weight_column="",
            rows=8,
            rejects=((Reject.EMPTY, 1, ""),),
        )
        with transaction(db):
            evidence_writer.add_dataset(db, new, [(HOST.host, HOST, 7, None, [])], AT)
        assert db.execute("SELECT rows FROM sites ORDER BY site").fetchall() == [(10,), (3,)]
    with closing(connect_read_only(tmp_path / "audit.db")) as db:
        columns = [c[0] for c in db.execute(f"SELECT * FROM {view}").description]
        chosen_version.choose(db, 2)
        cursor = db.execute(f"SELECT * FROM {view}")
        assert [c[0] for c in cursor.description] == columns
        found = [dict(zip(columns, row, strict=True)) for row in cursor]
    assert {row["origin"] for row in found if "origin" in row} <= {"https://a.example"}
    assert {row["site"] for row in found if "site" in row} <= {"a.example"}
    if view != "forgotten_datasets":
        assert {row["dataset"] for row in found if "dataset" in row} <= {2}
    if view in ("reservations", "sites"):
        assert [row["rows"] for row in found] == [7]
