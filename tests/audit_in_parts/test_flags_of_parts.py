"""`flag` on an audit in parts writes what it writes from one database with the same evidence."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import rulesets
from crawler.commands import flag_parts
from crawler.commands.judge import rebuild
from crawler.flags import Flagger, wanted_keys
from crawler.model import Origin, Target
from crawler.store import evidence_writer, known_evidence, runs
from crawler.store.audit_folder import AuditFolder
from crawler.store.database import connect, connect_read_only, transaction
from crawler.store.excerpts import Excerpts, opened_excerpts
from crawler.store.parts import LocalStorage
from crawler.urls import canonical
from crawler.vocab import Purpose, Resource
from tests.audit_in_parts import folders
from tests.conftest import run
from tests.flags.test_flagger import NEW_RUN, URLS, VISITS, database, rows
from tests.sample_origins import Answer, observed
from tests.store.cutting import cut

PARTS, FILES = 3, 3
PATHS = ("", "/", "/a.html", "/private/x", "/a/b", "/open/1", "/z/", "/b/?q#f", "/%7Ejane/../a/")
ODD = (
    *("nobody.example", "https://nobody.example/x", "", "garbage url", "mailto:a@b.example"),
    *("HTTP://UNANIMOUS.demo.test:80/A", "unanimous.demo.test.", "//unanimous.demo.test/a"),
    *("http://u:p@unanimous.demo.test/", "https://[::1]/x", "https://unanimous.demo.test:8443/"),
)
WAYS = [
    "",
    "--agent GPTBot",
    "--purpose search --purpose tdm --rules strict",
    "--mask keep --keep-unknown",
    "--flags-only",
    "--workers 2 --agent CCBot",
]


@pytest.fixture(scope="module")
def one(demo_output, tmp_path_factory):
    """Return a copy of the demo's database, into which `flag` stores verdicts."""
    path = tmp_path_factory.mktemp("one") / "audit.db"
    shutil.copy(demo_output / "audit.db", path)
    return path


@pytest.fixture(scope="module")
def parts(one, tmp_path_factory):
    """Return an audit with the same evidence in parts."""
    folder = tmp_path_factory.mktemp("parts")
    return folders.put_parts(folder, cut(one, folder, PARTS, rulesets.load("signals")))


@pytest.fixture(scope="module")
def data(one, tmp_path_factory):
    """Return a folder of files that name all origins of the demo, and others."""
    folder = tmp_path_factory.mktemp("data")
    with closing(connect_read_only(one)) as db:
        hosts = [host for (host,) in db.execute("SELECT url FROM origin ORDER BY url")]
        asked = [url for (url,) in db.execute("SELECT DISTINCT asked FROM observations ORDER BY 1")]
    urls = [f"{host}{path}" for path in PATHS for host in hosts]
    urls += [*asked, *(host.partition("//")[2] for host in hosts), *ODD]
    for n in range(FILES):
        lines = (json.dumps({"n": row, "url": url}) for row, url in enumerate(urls[n::FILES]))
        (folder / f"{n}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "empty.jsonl").touch()
    return folder


def flag(db, data, out, *words, status=0):
    done = run("flag", data, "--db", db, "-o", out, "--json", *words)
    assert done.returncode == status, done.stderr
    return done.stderr if status else {**json.loads(done.stdout), "out": ""}


def contents(folder):
    """Return what files hold; the metadata of Parquet name the evidence, which is left out."""
    found = {}
    for path in folder.glob("*.*"):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            facts = json.loads((table.schema.metadata or {}).get(b"tdm_audit", b"{}"))
            found[path.name] = (
                table.schema.remove_metadata(),
                table.to_pylist(),
                facts | {"evidence": ""},
            )
        elif path.name != ".tdm-audit.jsonl":
            found[path.name] = path.read_bytes()
    return found


def want(duck, queries):
    """Add the keys of the rows of some queries to those that are wanted."""
    wanted_keys.begin(duck)
    wanted_keys.read(duck, queries)
    wanted_keys.choose_new(duck)
    wanted_keys.add_new(duck)


@pytest.mark.parametrize("way", WAYS)
def test_flags_are_those_of_one_database(one, parts, data, tmp_path, way):
    words = way.split()
    expected = flag(one, data, tmp_path / "one", *words)
    assert flag(parts, data, tmp_path / "parts", *words) == expected
    assert contents(tmp_path / "parts") == contents(tmp_path / "one")
    assert len(contents(tmp_path / "one")) == FILES + 1


def test_parquet_with_columns_of_roles(one, parts, tmp_path):
    urls = ["http://unanimous.demo.test/a.html", None, "nobody.example", *ODD]
    lists = [[url, "http://unanimous.demo.test/b"] for url in urls]
    pq.write_table(pa.table({"page": urls, "images": lists}), tmp_path / "x.parquet")
    words = ("--url-column", "page=page", "--url-column", "asset=images[]", "--quiet")
    for db, name in ((one, "one"), (parts, "parts")):
        (tmp_path / name).mkdir()
        flag(db, tmp_path / "x.parquet", tmp_path / name / "x.parquet", *words)
    assert contents(tmp_path / "parts") == contents(tmp_path / "one")


def test_portions_of_files_are_flagged_as_all_of_them(one, parts, data, tmp_path, monkeypatch):
    expected = flag(one, data, tmp_path / "one")
    monkeypatch.setattr(flag_parts, "_MAX_KEYS", 1)
    for workers in ("1", "2"):
        assert flag(parts, data, tmp_path / workers, "--workers", workers) == expected
        assert contents(tmp_path / workers) == contents(tmp_path / "one")


@pytest.mark.parametrize(("growth", "portions"), [(1.0, 3), (99.0, 1)])
def test_files_that_name_the_same_hosts_are_one_portion(
    parts, tmp_path, monkeypatch, growth, portions
):
    folder, made, write = tmp_path / "data", [], Excerpts.write
    folder.mkdir()
    for n, host in enumerate(("a.example", "b.example", "b.example", "c.example")):
        text = f"url\nhttp://unanimous.demo.test/{n}\nhttp://{host}/\n"
        (folder / f"{n}.csv").write_text(text)

    def counted(*given):
        made.append(given)
        write(*given)

    monkeypatch.setattr(flag_parts, "_MAX_KEYS", 1)
    monkeypatch.setattr(flag_parts, "_GROWTH", growth)
    monkeypatch.setattr(Excerpts, "write", counted)
    flag(parts, folder, tmp_path / "out", "--workers", "1")
    assert len(made) == portions


def test_finished_files_are_left_until_a_part_has_another_generation(one, parts, data, tmp_path):
    audit = shutil.copytree(parts, tmp_path / "audit")
    first = flag(audit, data, tmp_path / "out")
    again = flag(audit, data, tmp_path / "out")
    assert len(again.pop("finished_before")) == FILES + 1
    assert again == first
    shutil.copy(audit / "parts/00001/g0.db", tmp_path / "next.db")
    with closing(connect(tmp_path / "next.db")) as db:
        rebuild(db, chosen=rulesets.load("signals"))
    folders.put_next(AuditFolder(LocalStorage(audit)), 1, tmp_path / "next.db")
    assert flag(audit, data, tmp_path / "out") == first
    flag(one, data, tmp_path / "one")
    assert contents(tmp_path / "out") == contents(tmp_path / "one")


def visit_again(db):
    """Store a visit of an origin that is not judged, as after a crawl that was killed."""
    found = db.execute("SELECT id, url FROM origin WHERE key = 'unanimous.demo.test'").fetchone()
    if found is None:
        return
    number, url = found
    robots = Target(
        resource=Resource.ROBOTS_TXT, asked=f"{url}/robots.txt", url=f"{url}/robots.txt"
    )
    seen = observed(robots, Answer(body="User-agent: *\nDisallow: /private/\nDisallow: /z\n"))
    run = runs.begin_run(db, NEW_RUN, "2100-01-01T00:00:00.000Z")
    with transaction(db):
        at = "2100-01-01T00:00:01.000Z"
        evidence_writer.save_visit(db, run, number, (replace(seen, started_at=at),), at)


@pytest.mark.parametrize("way", ["", "--agent GPTBot", "--workers 2 --agent CCBot"])
def test_an_origin_that_waits_to_be_judged_is_flagged_as_explained(one, parts, data, tmp_path, way):
    audit, copy = shutil.copytree(parts, tmp_path / "audit"), tmp_path / "one.db"
    shutil.copy(one, copy)
    flag(copy, data, tmp_path / "before", *way.split())
    with closing(connect(copy)) as db:
        visit_again(db)
    for part in range(PARTS):
        path = tmp_path / f"{part}.db"
        shutil.copy(audit / f"parts/{part:05d}/g0.db", path)
        with closing(connect(path)) as db:
            visit_again(db)
        folders.put_next(AuditFolder(LocalStorage(audit)), part, path)
    expected = flag(copy, data, tmp_path / "one", *way.split())
    assert flag(audit, data, tmp_path / "parts", *way.split()) == expected
    assert contents(tmp_path / "parts") == contents(tmp_path / "one")
    assert contents(tmp_path / "one") != contents(tmp_path / "before")
    agent = dict([way.split()[-2:]]).get("--agent") if way else None
    with closing(connect_read_only(copy)) as db, Flagger(db, agent=agent) as flagger:
        for path in sorted((tmp_path / "one").glob("?.jsonl")):
            for line in map(json.loads, path.read_text().splitlines()):
                told = {name: line[f"tdm_{name}"] for name in ("state", "basis", "observed_at")}
                verdict = flagger.verdict(line["url"])
                assert told == {name: getattr(verdict, name) for name in told}, line["url"]


def test_nothing_is_left_and_nothing_changes_in_the_audit(parts, data, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    flag(parts, data, tmp_path / "out")
    before = {file: file.read_bytes() for file in parts.rglob("*.*")}
    flag(parts, data, tmp_path / "again", "--agent", "GPTBot", "--workers", "2")
    assert {file: file.read_bytes() for file in parts.rglob("*.*")} == before
    assert list(scratch.iterdir()) == []


def cut_off(file):
    file.write_bytes(file.read_bytes()[:-4096])


DAMAGES = {
    "parts/00001 has no database": lambda audit: shutil.rmtree(audit / "parts/00001"),
    # Under another agent, what the part holds is evaluated.
    "parts/00001/g0.db": lambda audit: cut_off(audit / "parts/00001/g0.db"),
}


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("words", DAMAGES)
def test_a_part_that_is_missing_or_damaged_is_named(parts, data, tmp_path, words, workers):
    flag(parts, data, tmp_path / "tables-are-made")
    audit = shutil.copytree(parts, tmp_path / "audit")
    DAMAGES[words](audit)
    said = flag(
        audit, data, tmp_path / "out", "--agent", "ClaudeBot", "--workers", workers, status=1
    )
    assert (words in said, str(audit) in said, said.count("\n")) == (True, True, 1), said
    assert "tdm-audit-" not in said
    assert not (tmp_path / "out").exists()


def test_a_table_that_is_damaged_is_made_again(parts, data, tmp_path):
    flag(parts, data, tmp_path / "out", "--agent", "ClaudeBot")
    audit = shutil.copytree(parts, tmp_path / "audit")
    (audit / "tables/verdict/00001-g0.parquet").write_bytes(b"PAR1 and nothing else PAR1")
    flag(audit, data, tmp_path / "again", "--agent", "ClaudeBot")
    for file in (tmp_path / "out").glob("*.jsonl"):
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_what_cannot_be_answered_is_refused(parts, data, tmp_path):
    said = flag(parts, data, tmp_path / "out", "--as-of", "2026-11-22", status=2)
    assert "gives verdicts of the present" in said
    said = flag(parts, data, tmp_path / "out", "--rules", "unheard-of", status=2)
    assert "unheard-of" in said
    (tmp_path / "other").mkdir()
    assert "has no plan.json" in flag(tmp_path / "other", data, tmp_path / "out", status=2)


def test_files_before_a_damaged_one_are_written(one, parts, tmp_path):
    (tmp_path / "in").mkdir()
    for n in range(3):
        rows = pa.table({"url": [f"http://unanimous.demo.test/{n}", "nobody.example"]})
        pq.write_table(rows, tmp_path / f"in/{n}.parquet")
    (tmp_path / "in/1.parquet").write_bytes((tmp_path / "in/0.parquet").read_bytes()[:-30])
    said = {
        name: flag(db, tmp_path / "in", tmp_path / name, status=1)
        for name, db in (("one", one), ("parts", parts))
    }
    assert said["one"] == said["parts"]
    assert contents(tmp_path / "parts") == contents(tmp_path / "one")
    assert set(contents(tmp_path / "one")) == {"0.parquet"}


def test_what_is_only_planned_was_never_asked(planned, tmp_path):
    words = ("flag", planned / "dataset.txt", "--db", planned / "audit", "--json")
    done = run(*words, "-o", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["reasons"]
    assert {reason["state"] for reason in found} == {"unknown"}
    assert sum(reason["rows"] for reason in found) == 41
    assert run(*words, "-o", "-", "--quiet").stdout == (tmp_path / "out.csv").read_text()


def test_parts_under_different_rule_sets(parts, one, data, tmp_path):
    audit = shutil.copytree(parts, tmp_path / "audit")
    shutil.copy(audit / "parts/00002/g0.db", tmp_path / "next.db")
    with closing(connect(tmp_path / "next.db")) as db:
        rebuild(db, chosen=rulesets.load("strict"))
    folders.put_next(AuditFolder(LocalStorage(audit)), 2, tmp_path / "next.db")
    said = flag(audit, data, tmp_path / "out", status=1)
    assert "part 0 was judged under signals/2 and part 2 under strict/2" in said
    flag(audit, data, tmp_path / "out", "--rules", "strict")
    flag(one, data, tmp_path / "one", "--rules", "strict")
    assert contents(tmp_path / "out") == contents(tmp_path / "one")


def put_ahead(path):
    """Have the clock of the first run ahead of that of one more run."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER run_ends_once")
        due = "UPDATE run SET settings = json_set(settings, '$.due_at', ?) WHERE id = ?"
        run, *facts = db.execute("SELECT * FROM run ORDER BY id").fetchone()
        marks = ", ".join("?" * (1 + len(facts)))
        db.execute(f"INSERT INTO run VALUES ({marks})", (run + 1000, *facts))
        db.execute(due, ("2031-01-01T00:00:00.000Z", run))
        db.execute(due, ("2030-01-01T00:00:00.000Z", run + 1000))
        db.commit()


@pytest.mark.parametrize(("is_ahead", "judged"), [(False, True), (False, False), (True, True)])
def test_keys_of_evidence_where_they_can_be_relied_on(one, data, tmp_path, is_ahead, judged):
    """Parts that other code judged, or whose clock was ahead, are evaluated origin by origin."""
    whole = Path(shutil.copy(one, tmp_path / "whole.db"))
    if is_ahead:
        put_ahead(whole)
    with closing(connect(whole)) as db:
        assert known_evidence.has_keys(db) != is_ahead
    audit = folders.put_parts(
        tmp_path, cut(whole, tmp_path, 2, rulesets.load("signals")), judged=judged
    )
    words = ("--agent", "Bytespider")
    flag(whole, data, tmp_path / "one", *words)
    flag(audit, data, tmp_path / "parts", *words)
    assert contents(tmp_path / "parts") == contents(tmp_path / "one")
    with (
        opened_excerpts(AuditFolder(LocalStorage(audit)), str(audit), tmp_path) as excerpts,
        closing(duckdb.connect()) as duck,
    ):
        wanted_keys.create(duck)
        duck.execute("INSERT INTO wanted_key VALUES ('unanimous.demo.test')")
        excerpts.write(duck, tmp_path / "excerpt.db", rulesets.load("signals"), None, ["tdm"])
    keys = folders.query([tmp_path / "excerpt.db"], "SELECT evidence_key FROM evaluated_visit")
    assert [key is not None for (key,) in keys] == [judged and not is_ahead]


@given(urls=st.lists(URLS, max_size=12))
def test_every_key_that_a_row_may_have_is_wanted(urls):
    with closing(duckdb.connect()) as duck:
        duck.register("rows", pa.table({"n": range(len(urls)), "url": pa.array(texts(urls))}))
        wanted_keys.create(duck)
        want(duck, ["SELECT n, url FROM rows"])
        found = {key for (key,) in duck.execute("FROM wanted_key").fetchall()}
        assert wanted_keys.count(duck) == len(found)
    origins = map(canonical.origin_of, texts(urls))
    keys = {canonical.origin_key(origin) for origin in origins if isinstance(origin, Origin)}
    assert keys <= found


def texts(urls):
    """Return URLs as UTF-8 can have them."""
    return [url and url.encode(errors="replace").decode() for url in urls]


@settings(max_examples=25)
@given(
    visits=st.lists(VISITS, min_size=1, max_size=4),
    urls=st.lists(URLS, min_size=1, max_size=12),
    purposes=st.sampled_from([(Purpose.TDM,), (Purpose.SEARCH, Purpose.GENAI_TRAIN)]),
    agent=st.sampled_from([None, "GPTBot"]),
    judged=st.booleans(),
)
def test_an_excerpt_answers_as_the_whole(visits, urls, purposes, agent, judged):
    rules, urls = rulesets.load("signals"), texts(urls)
    with TemporaryDirectory() as name, database(visits) as db:
        folder = Path(name)
        connect(folder / "first.db", create=True).close()
        with closing(sqlite3.connect(folder / "second.db")) as copy:
            db.backup(copy)
        paths = [folder / "first.db", folder / "second.db"]
        place = folders.put_parts(folder, paths, judged=judged)
        with (
            opened_excerpts(AuditFolder(LocalStorage(place)), str(place), folder) as excerpts,
            closing(duckdb.connect()) as duck,
        ):
            duck.register("rows", pa.table({"n": range(len(urls)), "url": pa.array(urls)}))
            wanted_keys.create(duck)
            want(duck, ["SELECT n, url FROM rows"])
            excerpts.write(duck, folder / "excerpt.db", rules, agent, purposes)
        with Flagger(folder / "excerpt.db", rules, purposes, agent) as flagger:
            assert rows(flagger.flag(urls)) == rows(Flagger(db, rules, purposes, agent).flag(urls))
