"""Versions of datasets: which one counts, what is read again, and what `forget` removes."""

import os
import shutil
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.commands.ingest import IngestRequest
from crawler.commands.ingest import ingest as ingested
from crawler.dataset import inventory as inventories
from crawler.dataset.inventory import inventory
from crawler.store import chosen_version, dataset_versions, forgetting
from crawler.store.database import connect, transaction
from crawler.store.dataset_versions import VersionError

ROWS = "SELECT coalesce(sum(rows), 0) FROM dataset_origin"
COUNTING = "SELECT name || '@' || version FROM datasets WHERE counts ORDER BY 1"
NOW = "2026-11-28T00:00:00.000Z"


@pytest.fixture
def reads(monkeypatch):
    """Record the names of the files of each call that reads rows."""
    seen = []

    def watched(paths, **options):
        seen.append(sorted(file.path.rpartition("/")[2] for file in options["identified"]))
        return inventory(paths, **options)

    monkeypatch.setattr(inventories, "inventory", watched)
    return seen


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "data"
    made.mkdir()
    return made


def shard(folder, name, *rows, head="url,language,tokens,date"):
    """Write rows (host, language, tokens, date) as a CSV file."""
    lines = [f"https://{row[0]}/{name}/{n},{','.join(row[1:])}" for n, row in enumerate(rows)]
    (folder / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")


def a_shard(folder, name, host="a.example", n=2):
    shard(folder, name, *[(host, "en", "1", "2024-01-01")] * n)


def ingest(db, *paths, **options):
    request = IngestRequest(datasets=tuple(map(str, paths)), **options)
    return ingested(db, None, request, max_bytes_in_process=1 << 30)


def one(db, query, *values):
    return db.execute(query, values).fetchone()[0]


def listed(db):
    query = "SELECT name, version, counts, rows, origins FROM datasets ORDER BY name, version"
    return db.execute(query).fetchall()


def test_a_file_with_other_bytes_is_a_new_version_and_the_newest_counts(db, folder):
    a_shard(folder, "d", n=10)
    first = ingest(db, folder / "d.csv")
    a_shard(folder, "d", n=11)
    second = ingest(db, folder / "d.csv")
    name = str(folder / "d.csv")
    assert one(db, ROWS) == 11
    assert listed(db) == [(name, 1, 0, 10, 1), (name, 2, 1, 11, 1)]
    a_shard(folder, "d", n=10)  # as it was: that version counts again
    assert ingest(db, folder / "d.csv") == first
    assert listed(db) == [(name, 1, 1, 10, 1), (name, 2, 0, 11, 1)]
    assert one(db, ROWS) == 10
    assert second == first + 1


def test_the_same_path_written_in_another_way(db, folder, monkeypatch):
    a_shard(folder, "d", n=2)
    ingest(db, folder / "d.csv")
    monkeypatch.chdir(folder)
    a_shard(folder, "d", n=3)
    ingest(db, "d.csv")
    a_shard(folder, "d", n=4)
    ingest(db, "../data/d.csv")
    assert one(db, ROWS) == 4
    assert [row[1:4] for row in listed(db)] == [(1, 0, 2), (2, 0, 3), (3, 1, 4)]


def test_one_relative_path_in_two_folders_is_two_datasets(db, folder, tmp_path, monkeypatch):
    a_shard(folder, "d", n=2)
    other = tmp_path / "other"
    other.mkdir()
    a_shard(other, "d", n=3)
    for place in (folder, other):
        monkeypatch.chdir(place)
        ingest(db, "d.csv")
    assert one(db, ROWS) == 5
    assert db.execute(COUNTING).fetchall() == [(f"{other}/d.csv@1",), ("d.csv@1",)]


def test_a_name_holds_versions_of_other_paths_together(db, folder):
    a_shard(folder, "monday", n=2)
    a_shard(folder, "tuesday", n=3)
    ingest(db, folder / "monday.csv")
    ingest(db, folder / "monday.csv", name="news")  # the path gets a name
    ingest(db, folder / "tuesday.csv", name="news")
    assert listed(db) == [("news", 1, 0, 2, 1), ("news", 2, 1, 3, 1)]
    a_shard(folder, "tuesday", n=5)
    ingest(db, folder / "tuesday.csv")  # and the name belongs to the path
    assert [row[:4] for row in listed(db)][-1] == ("news", 3, 1, 5)
    assert one(db, ROWS) == 5


def test_versions_of_a_path_get_the_name_that_is_given_later(db, folder):
    a_shard(folder, "d", n=2)
    ingest(db, folder / "d.csv")
    a_shard(folder, "d", n=3)
    ingest(db, folder / "d.csv", name="news")
    assert listed(db) == [("news", 1, 0, 2, 1), ("news", 2, 1, 3, 1)]


def test_one_file_is_no_version_of_two_named_datasets(db, folder):
    a_shard(folder, "d", n=2)
    ingest(db, folder / "d.csv", name="news")
    with pytest.raises(VersionError, match="version 1 of the dataset news"):
        ingest(db, folder / "d.csv", name="blogs")
    assert listed(db) == [("news", 1, 1, 2, 1)]


def test_two_columns_of_a_file_are_two_datasets_under_two_names(db, folder):
    path = folder / "d.csv"
    path.write_text("page,image\na.example,b.example\na.example,c.example\n")
    ingest(db, path, url_columns=("page",), name="pages")
    ingest(db, path, url_columns=("image",), name="images")
    assert one(db, ROWS) == 4
    ingest(db, path, url_columns=("page",))  # known, and takes nothing from the other
    assert db.execute(COUNTING).fetchall() == [("images@1",), ("pages@1",)]


def test_a_file_that_was_moved_keeps_the_name(db, folder):
    a_shard(folder, "d", n=2)
    number = ingest(db, folder / "d.csv")
    (folder / "d.csv").rename(folder / "e.csv")
    assert ingest(db, folder / "e.csv") == number
    a_shard(folder, "e", n=3)
    ingest(db, folder / "e.csv")
    assert one(db, ROWS) == 3


def test_a_file_that_was_replaced_by_a_copy_of_another_counts_once(db, folder):
    a_shard(folder, "a", n=2)
    a_shard(folder, "b", n=3)
    ingest(db, folder / "a.csv")
    ingest(db, folder / "b.csv")
    assert one(db, ROWS) == 5
    shutil.copy(folder / "a.csv", folder / "b.csv")
    ingest(db, folder / "b.csv")
    assert one(db, ROWS) == 2


def test_a_new_shard_is_read_alone(db, folder, reads):
    for name in "abc":
        a_shard(folder, name, f"{name}.example")
        ingest(db, folder)
    assert reads == [["a.csv"], ["b.csv"], ["c.csv"]]
    assert one(db, ROWS) == 6
    assert [row[1:] for row in listed(db)] == [(1, 0, 2, 1), (2, 0, 4, 2), (3, 1, 6, 3)]


def test_a_shard_that_is_removed_is_in_no_version_that_follows(db, folder, reads):
    for name in "abc":
        a_shard(folder, name, f"{name}.example")
        ingest(db, folder)
    (folder / "c.csv").unlink()
    ingest(db, folder)  # as the second version was
    (folder / "a.csv").unlink()
    ingest(db, folder)
    assert reads[3:] == [["b.csv"]]
    assert [row[1:] for row in listed(db) if row[2]] == [(4, 1, 2, 1)]
    key = "SELECT o.key FROM dataset_origin AS d JOIN origin AS o ON o.id = d.origin"
    assert db.execute(key).fetchall() == [("b.example",)]


def test_bytes_decide_what_is_unchanged_not_times_and_sizes(db, folder, reads):
    a_shard(folder, "a", "a.example")
    a_shard(folder, "b", "b.example")
    ingest(db, folder)
    times = (folder / "a.csv").stat()
    a_shard(folder, "a", "c.example")  # as long as before
    os.utime(folder / "a.csv", ns=(times.st_atime_ns, times.st_mtime_ns))
    ingest(db, folder)
    keys = "SELECT o.key FROM dataset_origin AS d JOIN origin AS o ON o.id = d.origin ORDER BY 1"
    assert db.execute(keys).fetchall() == [("b.example",), ("c.example",)]
    (folder / "b.csv").touch()
    (folder / "b.csv").rename(folder / "z.csv")
    ingest(db, folder)
    assert len(reads) == 2


def test_a_shard_without_the_column_is_read_with_the_others(db, folder, reads):
    a_shard(folder, "a", "a.example")
    ingest(db, folder)
    (folder / "b.csv").write_text("text\nx\n")
    ingest(db, folder)
    assert reads == [["a.csv"], ["b.csv"], ["a.csv", "b.csv"]]
    assert one(db, "SELECT rows FROM datasets WHERE counts") == 3
    assert one(db, "SELECT unattributable FROM datasets WHERE counts") == 1


def test_equal_shards_count_as_often_as_they_are_there(db, folder):
    a_shard(folder, "a")
    ingest(db, folder)
    shutil.copy(folder / "a.csv", folder / "b.csv")
    ingest(db, folder)
    assert one(db, ROWS) == 4


HOSTS = st.sampled_from(["a.example", "b.example", "C.example", "ftp:", ""])
SHARD = st.lists(
    st.tuples(
        HOSTS, st.sampled_from(["en", "de", ""]), st.sampled_from(["1", "2"]), st.just("2024-01-01")
    ),
    min_size=1,
    max_size=4,
)
STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.none() | SHARD), min_size=1, max_size=5)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_versions_are_what_a_single_reading_gives(steps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("growing")
    data = folder / "data"
    data.mkdir()
    options = {
        "url_columns": ("url",),
        "weight_column": "tokens",
        "facets": (("lang", "language"),),
    }
    with closing(connect(folder / "grown.db", create=True)) as grown:
        for name, content in steps:
            (data / f"{name}.csv").unlink(missing_ok=True)
            if content is not None:
                shard(data, name, *content)
            if any(data.iterdir()):
                ingest(grown, data, **options)
        if not any(data.iterdir()):
            return
        with closing(connect(folder / "once.db", create=True)) as once:
            ingest(once, data, **options)
            assert content_of(grown) == content_of(once)


def content_of(db):
    """Return what a database counts, without numbers that depend on its history."""
    return [
        db.execute(query).fetchall()
        for query in (
            "SELECT o.key, d.rows, d.weight FROM dataset_origin AS d "
            "JOIN origin AS o ON o.id = d.origin ORDER BY 1",
            "SELECT reason, rows FROM dataset_reject ORDER BY 1",
            "SELECT rows, bytes, digest, files, origins, unattributable FROM datasets WHERE counts",
            "SELECT value, purpose, state, rows, weight FROM dataset_facets ORDER BY 1, 2, 3",
        )
    ]


def test_a_version_is_chosen_for_a_connection(db, folder):
    for name in "ab":
        a_shard(folder, name, f"{name}.example")
        ingest(db, folder, name="news")
    with pytest.raises(VersionError, match="there is no dataset olds; there are news"):
        dataset_versions.resolve(db, "olds")
    assert dataset_versions.resolve(db, "news") == 2
    chosen_version.choose(db, dataset_versions.resolve(db, "news@1"))
    assert db.execute("SELECT version, counts, rows, origins FROM datasets").fetchall() == [
        (1, 1, 2, 1)
    ]
    assert db.execute("SELECT origin, rows FROM dataset_origin").fetchall() == [(1, 2)]


def test_forgetting_removes_rows_and_samples_of_a_version_alone(db, folder):
    for name in "abc":
        a_shard(folder, name, f"{name}.example")
        ingest(db, folder, name="news", facets=(("language", "language"),))
    with transaction(db):
        forgetting.forget(db, [3], "tdm-audit forget news@3 --yes", NOW)
    assert [row[1:4] for row in listed(db)] == [(1, 0, 2), (2, 1, 4)]
    assert one(db, ROWS) == 4
    assert one(db, "SELECT count(*) FROM origin") == 3  # what may have evidence stays
    tables = ("version_origin", "sample", "facet_origin", "facet_total", "dataset_file")
    assert [one(db, f"SELECT count(*) FROM {t} WHERE dataset = 3") for t in tables] == [0] * 5
    log = db.execute("SELECT dataset, name, version, rows, command FROM forgotten_datasets")
    assert log.fetchall() == [(3, "news", 3, 6, "tdm-audit forget news@3 --yes")]
    a_shard(folder, "c", "d.example")
    assert ingest(db, folder, name="news") == 4  # numbers are not used again


def test_samples_of_a_forgotten_version_stay_with_versions_that_contain_it(db, folder):
    for name in "ab":
        a_shard(folder, name, f"{name}.example")
        ingest(db, folder, name="news")
    urls = "SELECT DISTINCT url FROM sample ORDER BY 1"
    before = db.execute(urls).fetchall()
    with transaction(db):
        numbers = forgetting.chosen_versions(db, "news", older=True, every=False)
        forgetting.forget(db, numbers, "", NOW)
    assert db.execute(urls).fetchall() == before
    assert len(before) == 4


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("news", {}, "name a version of it"),
        ("news@1", {"older": True}, "is one version"),
        ("news@7", {}, "there is no dataset news@7"),
    ],
)
def test_what_to_forget_must_be_said(db, folder, text, options, message):
    a_shard(folder, "a")
    ingest(db, folder, name="news")
    wanted = {"older": False, "every": False} | options
    with pytest.raises(VersionError, match=message):
        forgetting.chosen_versions(db, text, **wanted)


def test_files_that_two_datasets_share_are_told(db, folder, tmp_path):
    a_shard(folder, "a", "a.example")
    a_shard(folder, "b", "b.example")
    ingest(db, folder / "a.csv")
    number = ingest(db, folder / "a.csv", folder / "b.csv")  # what a shell makes of a pattern
    assert dataset_versions.shared_files(db, number) == (str(folder / "a.csv"), 1, 2)
    a_shard(folder, "a", "c.example")
    assert dataset_versions.shared_files(db, ingest(db, folder / "a.csv", folder / "b.csv")) is None
