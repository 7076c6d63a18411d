import pytest

from crawler.cli import main
from crawler.commands.ingest import IngestRequest
from crawler.commands.ingest import ingest as ingested
from crawler.dataset import inventory as inventories
from crawler.dataset.inventory import inventory


@pytest.fixture
def reads(monkeypatch):
    """Record the options of each call that reads rows."""
    seen = []

    def watched(paths, **options):
        seen.append(options)
        return inventory(paths, **options)

    monkeypatch.setattr(inventories, "inventory", watched)
    return seen


def ingest(db, path, **options):
    return ingested(db, path.parent / "audit.db", IngestRequest(datasets=(str(path),), **options))


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(
        "url,link,n\nhttps://a.example/x,b.example,3\nhttps://a.example/y,c.example,4\n"
    )
    return file


@pytest.mark.parametrize(
    ("first", "then", "same", "readings"),
    [
        pytest.param({}, {}, True, 1, id="as before"),
        pytest.param({"weight_column": "n"}, {"weight_column": "n"}, True, 1, id="weights"),
        pytest.param({"url_columns": ("link",)}, {"url_columns": ("link",)}, True, 1, id="column"),
        pytest.param({}, {"url_columns": ("url",)}, True, 1, id="the column that was found"),
        pytest.param({"url_columns": ("url",)}, {}, True, 2, id="the column that was given"),
        pytest.param({}, {"url_columns": ("URL",)}, True, 2, id="in other letters"),
        pytest.param({"url_columns": ("link",)}, {}, False, 2, id="another column"),
        pytest.param({}, {"weight_column": "n"}, False, 2, id="now with weights"),
    ],
)
def test_a_known_dataset_is_not_read_again(db, path, reads, first, then, same, readings):
    number = ingest(db, path, **first)
    assert (ingest(db, path, **then) == number) is same
    assert len(reads) == readings


def test_another_name_is_no_other_dataset(db, path, reads):
    number = ingest(db, path)
    assert ingest(db, path.rename(path.with_name("b.csv"))) == number
    assert len(reads) == 1


def test_other_bytes_are_another_dataset(db, path, reads):
    number = ingest(db, path)
    path.write_text(path.read_text() + "https://d.example/,,\n")
    assert ingest(db, path) == number + 1
    assert db.execute("SELECT key FROM origin ORDER BY id").fetchall() == [
        ("a.example",),
        ("d.example",),
    ]
    assert db.execute("SELECT dataset, origin, rows FROM dataset_origin").fetchall() == [
        (2, 1, 2),
        (2, 2, 1),
    ]
    # The version before it is history.
    query = "SELECT dataset, origin, rows FROM version_origin WHERE dataset = 1"
    assert db.execute(query).fetchall() == [(1, 1, 2)]


def test_more_origins_than_are_stored_at_once(db, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("".join(f"http://h{n:05}.example/{n}\n" for n in range(11_001)))
    ingest(db, path)
    query = "SELECT count(*), count(DISTINCT origin), min(url), max(url) FROM sample"
    assert db.execute("SELECT count(*), sum(rows) FROM dataset_origin").fetchone() == (11001, 11001)
    assert db.execute(query).fetchone() == (
        *(11001, 11001),
        *("http://h00000.example/0", "http://h11000.example/11000"),
    )


def test_the_memory_limit_is_handed_on(db, path, reads):
    ingest(db, path, memory_limit="300MB")
    assert reads[0]["memory_limit"] == "300MB"


def test_a_memory_limit_that_is_none(path, tmp_path, capsys):
    command = ["crawl", str(path), "--db", str(tmp_path / "a.db"), "--memory-limit", "much"]
    with pytest.raises(SystemExit) as ended:
        main(command, standalone_mode=False)
    assert ended.value.code == 1
    assert "'much' is no size of memory" in capsys.readouterr().err


def test_roles_are_stored_each_and_together(db, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("p,i\nhttps://a.example/,https://b.example/x\nhttps://a.example/,nope\n,\n")
    number = ingest(db, path, url_columns=("page=p", "asset=i"))
    assert ingest(db, path, url_columns=("page=p", "asset=i")) == number
    totals = "SELECT url_column, column_choice, records, rows, unattributable FROM datasets"
    assert db.execute(totals).fetchall() == [("page=p asset=i", "given", 3, 6, 3)]
    roles = (
        "SELECT role, url_column, rows, origins, unattributable, other_hosts "
        "FROM dataset_roles ORDER BY position"
    )
    assert db.execute(roles).fetchall() == [
        ("page", "p", 3, 1, 1, 0),
        ("asset", "i", 3, 1, 2, 1),
    ]
    summary = "SELECT role, state, rows FROM role_summary WHERE purpose = 'tdm' ORDER BY role"
    assert db.execute(summary).fetchall() == [("asset", "unknown", 3), ("page", "unknown", 3)]
