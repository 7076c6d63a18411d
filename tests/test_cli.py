"""Commands as users run them: what they print, what they leave, and how they fail."""

import csv
import json
import sqlite3
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import html, status, text
from crawler.demo.site import everywhere
from crawler.flags import COLUMNS
from crawler.protocols.files import ai_txt
from crawler.store.database import exclusive_lock, public_views
from crawler.vocab import State

UNANIMOUS = "http://unanimous.demo.test/"


def rows_of(path, sql, *values):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql, values).fetchall()


DERIVED = (
    "reading",
    "statement",
    "issue",
    "party",
    "observation_reading",
    "resource_evidence",
    "finding",
    "disagreement",
)


def derived(path):
    return {
        t: rows_of(path, f"SELECT * FROM {t} ORDER BY 1, 2, 3")
        for t in DERIVED
        if t != "observation_reading"
    } | {"observation_reading": rows_of(path, "SELECT * FROM observation_reading ORDER BY 1, 2")}


def test_judge_rebuilds_the_same_rows_without_the_network(demo_db_copy, tdm_audit):
    before = derived(demo_db_copy)
    assert all(before.values())
    with closing(sqlite3.connect(demo_db_copy)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for table in DERIVED:
            db.execute(f"DELETE FROM {table}")
        db.commit()
    done = tdm_audit("judge", "--db", demo_db_copy, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert derived(demo_db_copy) == before


def test_judge_shows_the_rule_set_that_was_chosen(demo_db_copy, tdm_audit):
    assert rows_of(demo_db_copy, "SELECT DISTINCT rules FROM reservations") == [("signals/2",)]
    done = tdm_audit("judge", "--db", demo_db_copy, "--rules", "strict", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["datasets"][0]["rules"] == "strict/2"
    assert rows_of(demo_db_copy, "SELECT DISTINCT rules FROM reservations") == [("strict/2",)]


FAILURES = [
    ("no such dataset", ["crawl", "none.csv"], 1, "none.csv"),
    ("no URL column", ["crawl", "numbers.csv"], 1, "--url-column"),
    ("not Parquet", ["crawl", "bad.parquet"], 1, "bad.parquet"),
    ("no such rule set", ["judge", "--db", "DB", "--rules", "none"], 2, "no rule set 'none'"),
    ("no database", ["judge", "--db", "none.db"], 1, "there is no database"),
    (
        "neither a database nor a rule set",
        ["judge", "--db", "none.db", "--rules", "none"],
        2,
        "no rule set 'none'",
    ),
    (
        "no database to explain from",
        ["explain", "h.example", "--db", "none.db"],
        1,
        "there is no database",
    ),
    ("a text for a database", ["judge", "--db", "numbers.csv"], 1, "not an SQLite database"),
    (
        "an origin never asked",
        ["explain", "https://nobody.example/", "--db", "DB"],
        1,
        "not in this database",
    ),
    (
        "no such view",
        ["export", "none", "--db", "DB", "-o", "x.csv"],
        2,
        "no view 'none'; `tdm-audit export --list` lists them",
    ),
    (
        "H6: a view in the singular",
        ["export", "reservation", "--db", "DB", "-o", "x.csv"],
        2,
        "did you mean reservations?",
    ),
    (
        "H6: a view with two letters swapped",
        ["export", "isseus", "--db", "DB", "-o", "x.csv"],
        2,
        "did you mean issues?",
    ),
    ("H6: a command", ["exlpain", "h.example"], 2, "no command 'exlpain'; did you mean explain?"),
    ("H6: a command in upper case", ["FLAG"], 2, "did you mean flag?"),
    ("H6: a command like none", ["zzz"], 2, "there are adopt, changes, check, completion"),
    ("H6: an option", ["judge", "--rul", "strict"], 2, "--rules"),
    (
        "H6: a rule set",
        ["judge", "--db", "DB", "--rules", "inclusiv"],
        2,
        "did you mean inclusive?",
    ),
    ("H6: a rule set in capitals", ["judge", "--db", "DB", "--rules", "STRICT"], 2, "strict?"),
    ("H6: a format", ["export", "runs", "--db", "DB", "-o", "x.csv", "--format", "xls"], 2, "csv"),
    *(
        (
            f"H6: an agent for {words[0]}: {agent}",
            [*words, "--db", "DB", "--agent", agent],
            2,
            f"is {meant} meant? --agent-as-written",
        )
        for words in (["explain", "h.example"], ["judge"], ["flag", "numbers.csv", "-o", "x.csv"])
        for agent, meant in (
            ("gtpbot", "GPTBot"),
            ("CC-Bot", "CCBot"),
            ("GPTBot/1.2", "GPTBot"),
            ("ClaudBot", "ClaudeBot"),
        )
    ),
    ("no such format", ["export", "runs", "--db", "DB", "-o", "x.xls"], 2, "suffix"),
    (
        "an unwritable place",
        ["export", "runs", "--db", "DB", "-o", "numbers.csv/x.csv"],
        1,
        "cannot write",
    ),
    ("no URL", ["explain", "--db", "DB"], 2, "give a URL"),
    ("garbage for a URL", ["explain", "data:,x", "--db", "DB"], 2, "names no host"),
    ("no such digest", ["explain", "--body", "0" * 64, "--db", "DB"], 1, "no bytes are kept"),
    ("no duration", ["crawl", "x.csv", "--delay", "soon"], 2, "is no duration"),
    ("a negative duration", ["crawl", "x.csv", "--max-age", "-3h"], 2, "negative"),
    ("no network", ["crawl", "x.csv", "--allow-network", "home"], 2, "home"),
    ("no connect-to", ["crawl", "x.csv", "--connect-to", "a:b"], 2, "HOST1:PORT1:HOST2:PORT2"),
    (
        "flag onto itself",
        ["flag", "numbers.csv", "--url-column", "a", "--db", "DB", "-o", "numbers.csv"],
        1,
        "itself",
    ),
    (
        "flag to nowhere",
        ["flag", "numbers.csv", "--url-column", "a", "--db", "DB", "-o", "x.xls"],
        2,
        "suffix",
    ),
    ("a report of no format", ["report", "--db", "DB", "-o", "x.xls"], 2, "is .html, .md or .json"),
    (
        "a crawl with a report that cannot be",
        ["crawl", "numbers.csv", "--url-column", "a", "--report", "x.pdf"],
        2,
        "x.pdf: a report is .html, .md or .json, not .pdf; open the .html in a browser and print",
    ),
    (
        "flag without the column",
        ["flag", "numbers.csv", "--url-column", "z", "--db", "DB", "-o", "x.csv"],
        1,
        "no column z",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "status", "said"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES]
)
def test_failure_is_one_clear_sentence(arguments, status, said, demo_output, tmp_path, tdm_audit):
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    arguments = [str(demo_output / "audit.db") if a == "DB" else a for a in arguments]
    done = tdm_audit(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (status == 2) or done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("x.*"))


def test_a_token_close_to_a_known_one_is_used_if_asked(demo_output, tdm_audit):
    words = ["explain", UNANIMOUS, "--db", demo_output / "audit.db", "--agent", "gtpbot"]
    done = tdm_audit(*words, "--agent-as-written")
    assert (done.returncode, done.stderr) == (0, "")
    assert "agent gtpbot" in done.stdout


def test_a_token_like_no_other_is_used_with_a_warning(demo_output, tdm_audit):
    done = tdm_audit(
        "explain", UNANIMOUS, "--db", demo_output / "audit.db", "--agent", "Quxzillator"
    )
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "no 'Quxzillator'" in done.stderr


def test_without_a_command_the_commands_are_printed(tdm_audit):
    done = tdm_audit()
    assert (done.returncode, done.stderr) == (0, "")
    commands = tdm_audit("--help").stdout.partition("\n\nAudit:\n")[2]
    assert commands
    assert commands.strip() in done.stdout


def test_a_second_run_fails_at_once(demo_db_copy, tdm_audit, tmp_path):
    with exclusive_lock(demo_db_copy):
        done = tdm_audit("judge", "--db", demo_db_copy)
    assert done.returncode == 3
    assert "another run holds" in done.stderr


def test_explain_leads_to_line_and_digest(demo_output, tdm_audit):
    db = demo_output / "audit.db"
    done = tdm_audit("explain", UNANIMOUS, "--db", db, "--json")
    said = json.loads(done.stdout)
    assert list(said) == [
        "url",
        "origin",
        "site",
        "about",
        "agent",
        "rules",
        "findings",
        "natural_language",
        "parties",
        "resources",
        "caveat",
    ]
    tdm = said["findings"][0]
    assert (tdm["purpose"], tdm["state"]) == ("tdm", "conditional")
    decided = tdm["decided_by"]
    body = tdm_audit("explain", "--body", decided["stored"], "--db", db)
    assert decided["raw"] in body.stdout
    text_ = tdm_audit("explain", UNANIMOUS, "--db", db).stdout
    assert f"body sha256 {decided['digest']}" in text_
    assert "Not legal advice" in text_
    assert ("unanimous.demo.test", decided["statement"]) in {
        (o.removeprefix("http://"), s)
        for o, s in rows_of(db, "SELECT origin, statement FROM statements")
    }


def test_explain_for_an_agent_and_for_the_whole_origin(demo_output, tdm_audit):
    db = demo_output / "audit.db"
    agent = json.loads(
        tdm_audit(
            "explain", UNANIMOUS, "--agent", "GPTBot", "--origin", "--db", db, "--json"
        ).stdout
    )
    assert (agent["agent"], agent["about"]) == ("GPTBot", "origin")
    bare = json.loads(tdm_audit("explain", "unanimous.demo.test", "--db", db, "--json").stdout)
    assert bare["about"] == "origin"


@pytest.mark.parametrize("view", sorted(public_views()))
def test_every_view_exports_as_every_format_alike(view, demo_output, tmp_path, tdm_audit):
    db = demo_output / "audit.db"
    for suffix in ("csv", "jsonl", "parquet"):
        done = tdm_audit("export", view, "--db", db, "-o", tmp_path / f"out.{suffix}")
        assert done.returncode == 0, done.stderr
    columns = list(public_views()[view][1])
    expected = rows_of(db, f"SELECT count(*) FROM {view}")[0][0]
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.reader(file))
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    parquet = pq.read_table(tmp_path / "out.parquet")
    assert table[0] == columns == parquet.column_names
    assert len(table) - 1 == len(lines) == parquet.num_rows == expected
    assert parquet.to_pylist() == lines
    for form in ("csv", "jsonl"):
        done = tdm_audit("export", view, "--db", db, "-o", "-", "--format", form)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == (tmp_path / f"out.{form}").read_text("utf-8")


def test_exports_repeat_byte_for_byte(demo_output, tmp_path, tdm_audit):
    for name in ("a.parquet", "b.parquet"):
        tdm_audit("export", "statements", "--db", demo_output / "audit.db", "-o", tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def records(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


URLS = [
    UNANIMOUS + "a.html",
    "garbage url",
    None,
    "https://nobody.example/x",
    "UNANIMOUS.demo.test",
]


def write(path, urls):
    if path.suffix == ".parquet":
        types = {"url": pa.large_string(), "n": pa.int8()}
        pq.write_table(
            pa.table({"url": urls, "n": range(len(urls))}, schema=pa.schema(types.items())), path
        )
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"url": u, "n": n}) + "\n" for n, u in enumerate(urls)))
    else:
        path.write_text("url,n\n" + "".join(f"{u or ''},{n}\n" for n, u in enumerate(urls)))


@pytest.mark.parametrize("source", ["in.parquet", "in.csv", "in.jsonl"])
@pytest.mark.parametrize("out", ["out.parquet", "out.csv", "out.jsonl"])
def test_flag_keeps_rows_and_order(source, out, demo_output, tmp_path, tdm_audit):
    write(tmp_path / source, URLS)
    done = tdm_audit(
        "flag",
        tmp_path / source,
        "-o",
        tmp_path / out,
        "--db",
        demo_output / "audit.db",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(done.stdout)["rows"].values()) == len(URLS)
    match out.rpartition(".")[2]:
        case "parquet":
            rows = pq.read_table(tmp_path / out).to_pylist()
        case "csv":
            rows = records(tmp_path / out)
        case _:
            rows = [json.loads(line) for line in (tmp_path / out).read_text().splitlines()]
    assert [int(r["n"]) for r in rows] == list(range(len(URLS)))
    assert [r["tdm_state"] for r in rows] == [
        "reserved",
        "unknown",
        "unknown",
        "unknown",
        "reserved",
    ]
    assert list(rows[0]) == ["url", "n", *COLUMNS]


def test_flag_keeps_types_and_metadata_of_parquet(demo_output, tmp_path, tdm_audit):
    schema = pa.schema([("url", pa.large_string()), ("n", pa.int8())], metadata={"who": "me"})
    pq.write_table(pa.table({"url": URLS, "n": range(5)}, schema=schema), tmp_path / "in.parquet")
    tdm_audit(
        "flag",
        tmp_path / "in.parquet",
        "-o",
        tmp_path / "out.parquet",
        "--db",
        demo_output / "audit.db",
    )
    got = pq.read_schema(tmp_path / "out.parquet")
    assert (got.field("url").type, got.field("n").type) == (pa.large_string(), pa.int8())
    assert got.metadata[b"who"] == b"me"


def test_flag_again_replaces_the_verdicts(demo_output, tmp_path, tdm_audit):
    db = demo_output / "audit.db"
    write(tmp_path / "in.parquet", URLS)
    tdm_audit("flag", tmp_path / "in.parquet", "-o", tmp_path / "a.parquet", "--db", db)
    tdm_audit(
        "flag",
        tmp_path / "a.parquet",
        "-o",
        tmp_path / "b.parquet",
        "--db",
        db,
        "--purpose",
        "search",
    )
    got = pq.read_table(tmp_path / "b.parquet")
    assert got.column_names == ["url", "n", *COLUMNS]
    assert set(got["tdm_purpose"].to_pylist()) == {"search"}


def test_side_cars_are_keyed_by_file_and_row(demo_output, tmp_path, tdm_audit):
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name, URLS)
    done = tdm_audit(
        "flag", tmp_path / "a.csv", tmp_path / "b.csv",
        "--flags-only", "-o", tmp_path / "f.parquet",
        "--db", demo_output / "audit.db",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    got = pq.read_table(tmp_path / "f.parquet").to_pylist()
    assert [r["row_number"] for r in got] == [0, 1, 2, 3, 4] * 2
    assert {r["file"] for r in got} == {str(tmp_path / "a.csv"), str(tmp_path / "b.csv")}


def test_flag_for_an_agent(demo_output, tmp_path, tdm_audit):
    write(tmp_path / "in.csv", ["http://contradiction-agents.demo.test/x"])
    for agent in ("GPTBot", "CCBot"):
        tdm_audit(
            "flag",
            tmp_path / "in.csv",
            "-o",
            tmp_path / f"{agent}.csv",
            "--agent",
            agent,
            "--db",
            demo_output / "audit.db",
        )
    got = {a: records(tmp_path / f"{a}.csv")[0]["tdm_state"] for a in ("GPTBot", "CCBot")}
    assert got == {"GPTBot": "reserved", "CCBot": "silent"}


def small_web(*hosts):
    page = html(in_body="<p>hello</p>")
    return [
        Site(
            host=h,
            about="",
            expect=everywhere(State.SILENT),
            pages={"/": page, "/robots.txt": text("User-agent: *\nDisallow:")},
        )
        for h in hosts
    ]


@pytest.fixture
def crawl(tmp_path, tdm_audit):
    def run(web, urls, *more):
        dataset = tmp_path / "d.txt"
        dataset.write_text("".join(f"{u}\n" for u in urls))
        return tdm_audit(
            "crawl", dataset, "--db", tmp_path / "a.db", "--delay", "0", "--timeout", "3s",
            "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32",
            "--json", *more,
        )  # fmt: skip

    return run


def test_crawl_asks_again_only_what_is_stale(crawl, tmp_path):
    hosts = ["a.test", "b.test"]
    with LoopbackWeb(small_web(*hosts)) as web:
        first = json.loads(crawl(web, [f"http://{h}/x" for h in hosts]).stdout)
        asked = len(web.log)
        second = json.loads(crawl(web, [f"http://{h}/x" for h in hosts]).stdout)
        assert len(web.log) == asked
        third = json.loads(crawl(web, [f"http://{h}/x" for h in hosts], "--max-age", "0s").stdout)
        assert len(web.log) == 2 * asked
    assert [(r["due"], r["visited"]) for r in (first, second, third)] == [(2, 2), (0, 0), (2, 2)]
    assert rows_of(tmp_path / "a.db", "SELECT ended, origins FROM runs") == [("finished", 2)] * 2


def test_crawl_continues_an_unfinished_run_under_its_number(crawl, tmp_path):
    hosts = [f"h{n}.test" for n in range(6)]
    urls = [f"http://{h}/x" for h in hosts]
    with LoopbackWeb(small_web(*hosts)) as web:
        stopped = crawl(web, urls, "--time-budget", "0s", "--concurrency", "1")
        assert stopped.returncode == 4
        assert "run the same command again" in stopped.stderr
        rest = json.loads(crawl(web, urls).stdout)
    left = json.loads(stopped.stdout)["visited"]
    assert left + rest["visited"] == 6
    assert rest["run"] == 1
    assert rows_of(tmp_path / "a.db", "SELECT run, ended, origins FROM runs") == [
        (1, "finished", 6)
    ]


def test_crawl_limits_origins_to_those_with_most_rows(crawl, tmp_path):
    with LoopbackWeb(small_web("a.test", "b.test")) as web:
        crawl(
            web, ["http://a.test/1", "http://b.test/1", "http://b.test/2"], "--limit-origins", "1"
        )
        assert {r.host for r in web.log} == {"b.test"}
    states = rows_of(
        tmp_path / "a.db",
        "SELECT state, origins FROM dataset_summary WHERE purpose = 'tdm' ORDER BY 1",
    )
    assert states == [("silent", 1), ("unknown", 1)]


def test_a_failure_after_a_good_look_never_erases_it(crawl, tmp_path):
    rule = '[{"location": "/", "tdm-reservation": 1}]'
    nothing = {"host": "a.test", "about": "", "expect": everywhere(State.SILENT)}
    with LoopbackWeb([Site(pages={"/.well-known/tdmrep.json": text(rule)}, **nothing)]) as web:
        crawl(web, ["http://a.test/"])
    with LoopbackWeb([Site(pages={"/robots.txt": status(503)}, **nothing)]) as web:
        crawl(web, ["http://a.test/"], "--max-age", "0s")
    db = tmp_path / "a.db"
    assert rows_of(db, "SELECT tdm, complete FROM reservations") == [("reserved", 1)]
    last = "SELECT resource, status, last_outcome, last_status FROM coverage ORDER BY 1 DESC"
    assert rows_of(db, last)[:4] == [
        ("trust_txt", 404, "withheld", None),
        ("trust_txt", 404, "responded", 404),
        ("tdmrep_json", 200, "withheld", None),
        ("robots_txt", 404, "responded", 503),
    ]


def test_a_reader_that_crashes_is_an_issue_not_a_stop(demo_db_copy, tdm_audit, monkeypatch):
    def parse(_document):
        raise RuntimeError("boom")

    monkeypatch.setattr(ai_txt, "parse", parse)
    done = tdm_audit("judge", "--db", demo_db_copy)
    assert done.returncode == 0, done.stderr
    assert "crashed a reader" in done.stdout
    crashes = "SELECT DISTINCT protocol, excerpt FROM issues WHERE code = 'internal.crash'"
    assert rows_of(demo_db_copy, crashes) == [("ai_txt", "ai_txt: RuntimeError('boom')")]
    tdm = "SELECT tdm FROM reservations WHERE origin = 'http://unanimous.demo.test'"
    assert rows_of(demo_db_copy, tdm) == [("conditional",)]


def test_help_of_every_command_has_an_example(tdm_audit):
    for command in ("crawl", "judge", "explain", "flag", "export", "demo"):
        assert "\n  Example" in tdm_audit(command, "--help").stdout


def test_six_facets_are_wrong_usage_whatever_the_dataset_holds(tdm_audit, tmp_path):
    facets = [word for n in range(6) for word in ("--facet", f"f{n}=url")]
    done = tdm_audit("crawl", "none.csv", *facets, "--dry-run", "--db", tmp_path / "a.db")
    assert done.returncode == 2
    assert "6 facets were given; at most 5 are kept." in done.stderr


READERS = {
    "changes": (),
    "datasets": (),
    "explain": ("a.test",),
    "export": ("runs", "-o", "{folder}/runs.csv"),
    "flag": ("{dataset}", "-o", "{folder}/flagged.csv"),
    "forget": ("d@1",),
    "hold add": ("case 4",),
    "judge": (),
    "prune": ("--media",),
    "redact": ("--origin", "a.test", "--reason", "x"),
    "report": ("-o", "{folder}/report.html"),
    "stamp": ("--tsa", "http://127.0.0.1:9/"),
    "verify": (),
}


@pytest.mark.parametrize("command", READERS)
def test_a_folder_that_does_not_exist_is_wrong_usage_and_is_not_made(command, tdm_audit, tmp_path):
    dataset = tmp_path / "urls.txt"
    dataset.write_text("http://a.test/\n")
    words = [word.format(folder=tmp_path, dataset=dataset) for word in READERS[command]]
    done = tdm_audit(*command.split(), *words, "--db", tmp_path / "no/such/audit.db")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"there is no folder {tmp_path}/no/such" in done.stderr.replace("\n", " ")
    assert list(tmp_path.iterdir()) == [dataset]
