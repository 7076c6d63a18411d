"""`crawl --dry-run` tells what would be asked, and leaves nothing behind."""

import hashlib
import json

import pytest

LINES = [
    "url,n",
    "https://a.example/x,1",
    "https://a.example/y,2",
    "b.example,9",
    ",2",
    "nope,1",
    "ftp://c.example/,1",
]


@pytest.fixture
def dry(tdm_audit, tmp_path):
    """Run `crawl --dry-run --json` in a folder of its own, in which nothing may appear."""
    (tmp_path / "a.csv").write_text("\n".join(LINES) + "\n")

    def run(*options):
        before = {path: path.read_bytes() for path in tmp_path.rglob("*")}
        done = tdm_audit("crawl", "a.csv", "--dry-run", *options, cwd=tmp_path)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*")} == before
        return done

    return run


def test_it_tells_origins_rows_and_unusable_rows(dry, tmp_path):
    done = dry("--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    data = (tmp_path / "a.csv").read_bytes()
    assert found["files"] == [
        {"path": "a.csv", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    ]
    assert (found["url_column"], found["rows"], found["unattributable_rows"]) == ("url", 6, 3)
    assert {reason: facts["rows"] for reason, facts in found["unusable"].items()} == {
        "empty": 1,
        "no_host": 1,
        "not_http": 1,
    }
    assert [(one["origin"], one["rows"]) for one in found["would_ask"]] == [
        ("https://a.example", 2),
        ("https://b.example", 1),
    ]
    assert found["would_ask"][0]["samples"] == ["https://a.example/x", "https://a.example/y"]


@pytest.mark.parametrize(
    ("options", "asked", "numbers"),
    [
        pytest.param([], ["https://a.example", "https://b.example"], (2, 0, 0), id="all"),
        pytest.param(["--limit-origins", "1"], ["https://a.example"], (1, 0, 1), id="limit"),
        pytest.param(
            ["--limit-origins", "1", "--weight-column", "n"],
            ["https://b.example"],
            (1, 0, 1),
            id="limit by weight",
        ),
    ],
)
def test_it_asks_what_the_crawl_would(dry, options, asked, numbers):
    found = json.loads(dry("--json", *options).stdout)
    assert [one["origin"] for one in found["would_ask"]] == asked
    assert (found["due"], found["fresh"], found["beyond_limit"]) == numbers


def test_origins_visited_recently_are_not_due(tdm_audit, demo_output, tmp_path):
    dataset = next(demo_output.glob("dataset.*"))
    db = demo_output / "audit.db"
    before = db.read_bytes()

    def found(age):
        options = ("--db", db, "--max-age", age, "--json")
        done = tdm_audit("crawl", dataset, "--dry-run", *options, cwd=tmp_path)
        return json.loads(done.stdout)

    recent, old = found("100d"), found("0")
    assert recent["due"] == 0
    assert recent["fresh"] == old["due"] == old["origins"] > 0
    assert db.read_bytes() == before


def test_in_words_and_silent(dry):
    said = dry().stdout
    assert "URL column: url (found by its name)" in said
    assert "Without a usable URL: 3 of 6 rows (empty 1, no_host 1, not_http 1)" in said
    assert "no_host, for example: 'nope'" in said
    assert "Nothing was requested and nothing was stored." in said
    assert dry("--quiet").stdout == ""


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param(["--strict"], 0, id="half is allowed"),
        pytest.param(["--strict", "--max-unusable", "49%"], 1, id="more than is allowed"),
        pytest.param(["--strict", "--max-unusable", "0.4"], 1, id="as a number"),
        pytest.param(["--max-unusable", "0"], 0, id="not strict"),
        pytest.param(["--max-unusable", "120%"], 2, id="no share"),
    ],
)
def test_too_many_unusable_rows_fail_if_strict(dry, options, status):
    done = dry(*options, "--quiet")
    assert done.returncode == status
    if status == 1:
        assert "50% of the rows have no usable URL in the column url" in done.stderr


def test_a_column_without_a_host_is_named(tdm_audit, tmp_path):
    (tmp_path / "t.csv").write_text("id,title\n1,some words\n2,more\n")
    done = tdm_audit("crawl", "t.csv", "--dry-run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "No row has a host in the column title" in done.stderr
