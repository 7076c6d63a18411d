"""`flag --as-of` and `--date-column`: columns of dates of every type, in every kind of file."""

import json
from contextlib import closing
from datetime import date, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.store.database import checkpoint, connect
from crawler.vocab import Resource
from tests.flags.test_as_of import visited
from tests.flags.test_flagger import _stored

URL = "https://h.example/a"
SILENT = "User-agent: *\nDisallow:"
RESERVES = "User-agent: *\nContent-Signal: ai-train=no"
#: What the rows of each time get: silent until 3 March 2026, 00:00, reserved from 5 March on.
UNKNOWN = ("unknown_at_collection", "unknown", None)
SEEN = ("seen", "silent", False)
CHANGED = ("changed_between", "unknown", None)
BEFORE = ("before_only", "reserved", True)
NONE = ("no_date", "unknown", None)


def said(robots):
    """What a host says whose robots.txt is this."""
    nothing = {Resource.AI_TXT: "", Resource.TDMREP_JSON: "[]"}
    return {Resource.ROBOTS_TXT: robots, Resource.HOME: [], Resource.PAGE: [], **nothing}


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    path = tmp_path_factory.mktemp("as-of") / "audit.db"
    with closing(connect(path, create=True)) as db:
        _stored(db, [])
        for hours, robots in ((0, SILENT), (48, SILENT), (96, RESERVES), (120, RESERVES)):
            visited(db, [(hours, 1, said(robots))])
        rebuild(db, chosen=rulesets.load("signals"))
        checkpoint(db)
    return path


@pytest.fixture
def flag(audit, tmp_path, tdm_audit):
    def flagging(table, *options, name="rows.parquet", out="out.parquet"):
        if table is None:
            pass  # as it was written before
        elif name.endswith(".parquet"):
            pq.write_table(table, tmp_path / name)
        elif name.endswith(".csv"):
            pyarrow.csv.write_csv(table, tmp_path / name)
        else:
            rows = (json.dumps(row, default=str) + "\n" for row in table.to_pylist())
            (tmp_path / name).write_text("".join(rows))
        given = ["flag", tmp_path / name, "-o", tmp_path / out, "--db", audit, "--json", *options]
        return tdm_audit(*map(str, given))

    return flagging


def told(path):
    rows = pq.read_table(path).to_pylist()
    return [(row["tdm_as_of_basis"], row["tdm_state"], row["tdm_reserved"]) for row in rows]


BERLIN = timezone(timedelta(hours=1))
at = datetime.fromisoformat
DATES = {
    "DATE": (
        [date(2026, 2, 28), date(2026, 3, 2), date(2026, 3, 4), date(2026, 3, 9), None],
        pa.date32(),
        [UNKNOWN, SEEN, CHANGED, BEFORE, NONE],
    ),
    "the days of looks": (
        [date(2026, 3, 1), date(2026, 3, 3), date(2026, 3, 5), date(2026, 3, 6)],
        pa.date32(),
        # The first look was when its day began, the last when the day before it ended.
        [SEEN, CHANGED, ("seen", "reserved", True), BEFORE],
    ),
    "TIMESTAMP": (
        [at("2026-03-02T12:00"), at("2026-03-02T23:59:59.999999"), at("2026-03-03T00:01")],
        pa.timestamp("us"),
        [SEEN, SEEN, CHANGED],
    ),
    "TIMESTAMP with a zone": (
        [datetime(2026, 3, 3, 0, 30, tzinfo=BERLIN), datetime(2026, 3, 3, 1, 1, tzinfo=BERLIN)],
        pa.timestamp("ms", "Europe/Berlin"),
        [SEEN, CHANGED],
    ),
    "nanoseconds": (
        [at("2026-03-02T12:00"), at("2026-03-04T12:00"), None],
        pa.timestamp("ns"),
        [SEEN, CHANGED, NONE],
    ),
    "text": (
        ["2026-03-02", "2026-03-03T00:30+01:00", "2026-03-03T00:01Z", "20260302120000", " "],
        pa.string(),
        [SEEN, SEEN, CHANGED, SEEN, NONE],
    ),
    "text that is no date": (
        ["2026", "2026-03", "last week", "2026-02-30", "1772323200", None],
        pa.string(),
        [NONE] * 6,
    ),
    "numbers": ([20260302120000, 20260302, 2026, None], pa.int64(), [SEEN, SEEN, NONE, NONE]),
    "nothing": ([None, None], pa.null(), [NONE, NONE]),
}


@pytest.mark.parametrize("kind", DATES)
def test_each_row_is_answered_for_its_own_date(flag, tmp_path, kind):
    values, arrow_type, expected = DATES[kind]
    table = pa.table({"url": [URL] * len(values), "when": pa.array(values, arrow_type)})
    result = json.loads(flag(table, "--date-column", "when").stdout)
    assert told(tmp_path / "out.parquet") == expected
    counted = {basis: rows for basis, rows in result["as_of"].items() if rows}
    assert counted == {b: sum(e[0] == b for e in expected) for b, *_ in expected}


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.json"])
def test_files_of_text(flag, tmp_path, name):
    when = ["2026-03-02", "2026-03-03T00:01:00Z", None]
    table = pa.table({"url": [URL] * 3, "when": when})
    flag(table, "--date-column", "when", name=name)
    assert told(tmp_path / "out.parquet") == [SEEN, CHANGED, NONE]


def test_lines_of_json_get_the_columns(flag, tmp_path):
    table = pa.table({"url": [URL, URL], "meta": [{"at": "2026-03-09"}, {"at": "?"}]})
    flag(table, "--date-column", "meta.at", name="rows.jsonl", out="out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    found = rows[0]
    assert found["tdm_as_of"] == "2026-03-09"
    assert found["tdm_distance_days"] == 3.0
    assert found["tdm_seen_before"] == "2026-03-06T00:00:00.000Z"
    assert (found["tdm_state_before"], found["tdm_state_after"]) == ("reserved", None)
    assert found["tdm_source"] == "live"
    assert (rows[1]["tdm_as_of"], rows[1]["tdm_as_of_basis"]) == (None, "no_date")


def test_lists_and_roles_are_answered_for_the_date_of_their_row(flag, tmp_path):
    table = pa.table(
        {
            "page": ["https://never.example/", None, URL, URL],
            "images": [[URL, None], [], [URL], [URL, "https://never.example/"]],
            "when": ["2026-03-09", "2026-03-09", "2026-03-02", None],
        }
    )
    roles = ("--url-column", "page=page", "--url-column", "asset=images")
    flag(table, *roles, "--date-column", "when")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert told(tmp_path / "out.parquet") == [
        BEFORE,
        ("never_asked", "unknown", None),
        SEEN,
        NONE,
    ]
    assert [row["tdm_decided_by"] for row in rows] == ["asset", None, "page", "page"]
    assert [row["tdm_urls"] for row in rows] == [2, 0, 2, 3]
    assert [row["tdm_as_of"] for row in rows] == ["2026-03-09", "2026-03-09", "2026-03-02", None]


def test_one_time_for_all_rows_and_a_limit_of_the_distance(flag, tmp_path):
    table = pa.table({"url": [URL, "h.example", "https://never.example/"]})
    never = ("never_asked", "unknown", None)
    flag(table, "--as-of", "2026-03-09")
    assert told(tmp_path / "out.parquet") == [BEFORE, BEFORE, never]
    flag(table, "--as-of", "2026-03-09", "--max-distance", "3")
    assert told(tmp_path / "out.parquet") == [BEFORE, BEFORE, never]
    flag(table, "--as-of", "2026-03-09T00:00:00.001Z", "--max-distance", "3")
    assert told(tmp_path / "out.parquet") == [UNKNOWN, UNKNOWN, never]
    # The distance is no limit where a look after it shows the same.
    flag(table, "--as-of", "2026-03-02", "--max-distance", "0")
    assert told(tmp_path / "out.parquet")[0] == SEEN


def test_a_second_flagging_takes_the_columns_of_the_first_out(flag, tmp_path):
    table = pa.table({"url": [URL], "when": ["2026-03-02"]})
    flag(table, "--date-column", "when")
    first = pq.read_table(tmp_path / "out.parquet")
    flag(first, "--date-column", "when", out="again.parquet")
    assert pq.read_table(tmp_path / "again.parquet").equals(first)
    flag(first, out="now.parquet")
    assert not [n for n in pq.read_table(tmp_path / "now.parquet").column_names if "as_of" in n]


def test_a_folder_is_finished_with_its_counts(flag, tmp_path):
    table = pa.table({"url": [URL], "when": ["2026-03-02"]})
    first = json.loads(flag(table, "--date-column", "when", out="folder").stdout)
    again = json.loads(flag(None, "--date-column", "when", out="folder").stdout)
    assert again["finished_before"]
    assert again["as_of"] == first["as_of"]
    other = json.loads(flag(None, "--as-of", "2026-03-09", out="folder").stdout)
    assert "finished_before" not in other


WRONG = {
    "no such column": (("--date-column", "x"), 1, "no column x"),
    "lists": (("--date-column", "lists"), 1, "holds lists"),
    "of another type": (("--date-column", "weight"), 1, "is of type DOUBLE"),
    "no time": (("--as-of", "yesterday"), 2, "is no day and no time"),
    "both": (("--as-of", "2026-03-02", "--date-column", "url"), 2, "one time for all rows"),
    "a distance from nothing": (("--max-distance", "3"), 2, "needs a time"),
}


@pytest.mark.parametrize(("options", "status", "message"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_asked_is_said(flag, options, status, message):
    table = pa.table({"url": [URL], "lists": [["2026-03-02"]], "weight": [1.5]})
    result = flag(table, *options)
    assert result.returncode == status
    assert message in " ".join(result.stderr.split())


def test_a_second_run_reads_what_the_first_one_evaluated(flag, audit, tmp_path):
    table = pa.table({"url": [URL, URL], "when": ["2026-03-02", "2026-03-04T00:00Z"]})
    flag(table, "--date-column", "when")
    first = told(tmp_path / "out.parquet")
    with closing(connect(audit)) as db:
        kept = db.execute("SELECT count(DISTINCT cache_key) FROM flag_cache").fetchone()[0]
    assert kept
    flag(table, "--date-column", "when")
    assert told(tmp_path / "out.parquet") == first


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("times", [("--date-column", "when"), ("--as-of", "2026-03-02")])
def test_small_files_and_several_processes_give_the_same(
    audit, tmp_path, tdm_audit, times, workers
):
    (tmp_path / "in").mkdir()
    table = pa.table({"url": [URL, "h.example"], "when": ["2026-03-02", "2026-03-02T12:00Z"]})
    for name in "abc":
        pq.write_table(table, tmp_path / "in" / f"{name}.parquet")
    given = ["flag", tmp_path / "in", "-o", tmp_path / "out", "--db", audit, "--json"]
    done = tdm_audit(*map(str, given), *times, "--workers", workers)
    assert json.loads(done.stdout)["as_of"]["seen"] == 6
    for name in "abc":
        assert told(tmp_path / "out" / f"{name}.parquet") == [SEEN, SEEN]
