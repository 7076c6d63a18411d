"""Tables of parts: what is exported, what is read, and how another DuckDB opens them."""

from contextlib import closing

import duckdb
import pyarrow.parquet as pq
import pytest

from crawler.dataset.duck import connect as connect_duckdb
from crawler.store import tables
from crawler.store.database import StoreError, connect, public_views
from crawler.store.whole_audit import open_tables, script
from crawler.vocab import Resource
from tests.store.conftest import SIGNALS, answer
from tests.store.cutting import cut

ROBOTS = "User-agent: *\nDisallow: /\n"
ACME = (
    '<head><script type="application/ld+json">{"@context": "https://schema.org", "@type": "WebPage"'
    ', "copyrightHolder": {"@type": "Organization", "@id": "https://acme.example/#us", '
    '"name": "ACME"}}</script></head>'
)
HOSTS = ("a.example", "b.example", "c.example")


@pytest.fixture
def path(audit, tmp_path):
    """A database of three sites, two of which name one holder."""
    robots = [answer(host, Resource.ROBOTS_TXT, "/robots.txt", ROBOTS) for host in HOSTS]
    audit(*robots, *(answer(host, Resource.HOME, "/", ACME) for host in HOSTS[:2]))
    return tmp_path / "audit.db"


@pytest.fixture
def duck(tmp_path):
    with closing(connect_duckdb(tmp_path, "256MB")) as duck:
        yield duck


def export(path, folder, **options):
    with closing(connect(path)) as db:
        tables.export(db, folder, **options)


def files(folder):
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def count(duck, what="origin"):
    return duck.execute(f"SELECT count(*) FROM {what}").fetchone()[0]


def test_numbers_and_keys_of_a_part_carry_its_number(path, tmp_path):
    export(path, tmp_path / "t", part=7, generation=3)
    observations = pq.read_table(tmp_path / "t/observation/00007-g3.parquet").to_pylist()
    assert {row["id"] >> 32 for row in observations} == {7}
    assert {row["origin"] for row in observations} == {(7 << 32) + n for n in (1, 2, 3)}
    readings = pq.read_table(tmp_path / "t/reading/00007-g3.parquet").to_pylist()
    assert all(row["id"].startswith("7:") for row in readings)
    # What is one in all parts has one number: datasets are of the whole.
    held = pq.read_table(tmp_path / "t/version_origin/00007-g3.parquet").to_pylist()
    assert {row["dataset"] for row in held} == {1}


def test_a_part_is_read_from_its_newest_generation(path, tmp_path, duck):
    folder = tmp_path / "t"
    for generation in (0, 2, 10):
        with closing(connect(path)) as db:
            db.execute("DELETE FROM finding WHERE purpose != 'tdm' AND ? = 10", (generation,))
            tables.export(db, folder, part=0, generation=generation)
    open_tables(duck, folder)
    assert count(duck) == len(HOSTS)
    assert duck.execute("SELECT DISTINCT purpose FROM findings").fetchall() == [("tdm",)]


def test_a_generation_that_is_not_whole_is_not_read(path, tmp_path, duck):
    folder = tmp_path / "t"
    for generation in (0, 1):
        export(path, folder, generation=generation)
    (folder / "origin/00000-g1.parquet").unlink()
    (folder / "finding/00000-g1.parquet").write_bytes(b"half a fi")
    open_tables(duck, folder)
    assert count(duck, "findings") > 0


def test_what_is_there_is_never_written_again(path, tmp_path):
    folder = tmp_path / "t"
    export(path, folder)
    before = {name: (folder / name).stat().st_mtime_ns for name in files(folder)}
    export(path, folder)
    assert {name: (folder / name).stat().st_mtime_ns for name in files(folder)} == before


def test_a_table_without_rows_has_no_file_and_is_empty(path, tmp_path, duck):
    folder = tmp_path / "t"
    export(path, folder)
    assert not (folder / "redaction").exists()
    open_tables(duck, folder)
    assert duck.execute("SELECT * FROM redactions").fetchall() == []


def test_a_part_without_origins_is_a_part(path, tmp_path, duck):
    made = cut(path, tmp_path, 5, SIGNALS)
    for part, database in enumerate(made):
        export(database, tmp_path / "t", part=part)
    open_tables(duck, tmp_path / "t")
    assert count(duck, "reservations") == len(HOSTS)


def test_a_folder_without_tables_is_an_error(tmp_path, duck):
    with pytest.raises(StoreError, match="no tables of an audit"):
        open_tables(duck, tmp_path / "nothing")


def test_a_damaged_table_is_an_error(path, tmp_path, duck):
    export(path, tmp_path / "t")
    (tmp_path / "t/finding/00000-g0.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(StoreError, match="cannot be read"):
        open_tables(duck, tmp_path / "t")


def in_parts(path, tmp_path):
    folder = tmp_path / "t"
    for part, database in enumerate(cut(path, tmp_path, 3, SIGNALS)):
        export(database, folder, part=part)
    return folder


def holders(engine):
    query = "SELECT holder, grouped, sites FROM rights_holders WHERE named = 1"
    return sorted(engine.execute(query).fetchall(), key=repr)


def holders_of_one_file(path):
    """What a database of one file says, which has a row for a holder of two sites."""
    with closing(connect(path)) as db:
        found = holders(db)
    assert 2 in [sites for *_, sites in found]
    return found


def test_a_holder_of_two_parts_is_one(path, tmp_path, duck):
    folder = in_parts(path, tmp_path)
    open_tables(duck, folder)
    assert holders(duck) == holders_of_one_file(path)
    # The next one who opens the folder finds the groups there.
    before = files(folder)
    assert any("all-" in name for name in before)
    with closing(connect_duckdb(tmp_path, "256MB")) as other:
        open_tables(other, folder)
        assert holders(other) == holders_of_one_file(path)
    assert files(folder) == before


def test_groups_that_were_altered_are_made_again(path, tmp_path, duck):
    folder = in_parts(path, tmp_path)
    open_tables(duck, folder)
    before = {file: file.read_bytes() for file in folder.rglob("all-*")}
    assert before
    other = next(folder.glob("origin/00000-*")).read_bytes()
    for file in before:
        file.write_bytes(other)
    with closing(connect_duckdb(tmp_path, "256MB")) as again:
        open_tables(again, folder)
        assert holders(again) == holders_of_one_file(path)
    assert {file: file.read_bytes() for file in folder.rglob("all-*")} == before


def test_groups_are_made_in_a_folder_that_can_only_be_read(path, tmp_path, duck, monkeypatch):
    folder = in_parts(path, tmp_path)

    def refuse(*_):
        raise PermissionError

    # The user of the tests may write everywhere.
    monkeypatch.setattr("crawler.store.whole_audit.write_once", refuse)
    open_tables(duck, folder)
    assert holders(duck) == holders_of_one_file(path)


def test_one_altered_file_of_groups_makes_them_all_again_without_writing(
    path, tmp_path, duck, monkeypatch
):
    folder = in_parts(path, tmp_path)
    open_tables(duck, folder)
    expected = holders(duck)
    next(folder.rglob("all-*")).write_bytes(b"altered")

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("crawler.store.whole_audit.write_once", refuse)
    with closing(connect_duckdb(tmp_path, "256MB")) as other:
        open_tables(other, folder)
        assert holders(other) == expected


def test_any_duckdb_opens_the_tables_by_the_script(path, tmp_path, duck, monkeypatch):
    folder = in_parts(path, tmp_path)
    with pytest.raises(StoreError, match="open it once"):
        script(folder)
    open_tables(duck, folder)
    text = script(folder, within=folder)
    monkeypatch.chdir(folder)
    with closing(duckdb.connect()) as plain:
        plain.execute(text)
        for view in public_views():
            assert count(plain, view) == count(duck, view), view
