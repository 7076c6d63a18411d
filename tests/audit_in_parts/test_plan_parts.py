"""A plan cuts a dataset by site, keeps every row of it, and grows with it."""

import contextlib
import csv
import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.model import Origin
from crawler.store.part_plan import PartPlan, hashed_part
from crawler.urls.canonical import origin_of
from tests.audit_in_parts.folders import newest, opened, plan, query
from tests.conftest import run

SITES = [f"site{n}.com" for n in range(60)]
URLS = [f"https://{sub}{site}/page" for site in SITES for sub in ("", "www.", "a.b.")]
_PLACES = "SELECT o.site, p.number FROM origin AS o CROSS JOIN part_of_plan AS p"


def places(folder):
    """Return the parts in which each site is."""
    found = {}
    for site, part in query(newest(folder), _PLACES):
        found.setdefault(site, set()).add(part)
    return found


def files(folder):
    """Return all files of an audit with their content, without locks."""
    found = (p for p in (folder / "audit").rglob("*") if p.is_file() and p.suffix != ".lock")
    return {p.name if p.parent.name == "audit" else str(p): p.read_bytes() for p in found}


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seven")
    plan(folder, [*URLS, "no host", "mailto:me@example.org"], "--parts", "7")
    return folder


def test_no_site_is_in_two_parts(seven):
    found = places(seven)
    assert sorted(found) == sorted(SITES)
    assert {site: {hashed_part(site, 7)} for site in SITES} == found
    assert set().union(*found.values()) == set(range(7))


@pytest.mark.parametrize(
    ("site", "part"), [("example.org", 3), ("example.com", 2), ("xn--bcher-kva.example", 6)]
)
def test_the_hash_stays_what_it_is(site, part):
    # Audits are cut by it: another one would look for origins in the wrong parts.
    assert hashed_part(site, 7) == part


def test_every_row_is_in_one_part_and_what_names_no_origin_in_part_0(seven):
    parts = newest(seven)
    assert sorted(query(parts, "SELECT url FROM origin")) == sorted(
        (origin.url,) for url in URLS if isinstance(origin := origin_of(url), Origin)
    )
    assert sum(n for (n,) in query(parts, "SELECT sum(rows) FROM version_origin")) == len(URLS)
    sampled = sum(n for (n,) in query(parts, "SELECT count(*) FROM sample"))
    assert sampled == len(URLS)
    assert query(parts[:1], "SELECT sum(rows) FROM version_reject") == [(2,)]
    assert query(parts[1:], "SELECT count(*) FROM version_reject") == [(0,)] * 6
    assert set(query(parts, "SELECT rows FROM dataset")) == {(len(URLS) + 2,)}


def test_planned_again_nothing_changes(seven):
    before = files(seven)
    assert plan(seven, [*URLS, "no host", "mailto:me@example.org"])["changed"] == 0
    assert files(seven) == before


@pytest.mark.parametrize("lost", ["plan.json", "parts/00003", "datasets"])
def test_a_planning_that_was_cut_short_is_finished(seven, tmp_path, lost):
    shutil.copytree(seven, tmp_path, dirs_exist_ok=True)
    audit = tmp_path / "audit"
    (audit / "plan.json").unlink()
    if lost != "plan.json":
        shutil.rmtree(audit / lost)
    if lost == "datasets":  # the first file that is put
        shutil.rmtree(audit / "parts")
    more = ("--parts", "7") if lost == "datasets" else ()
    plan(tmp_path, [*URLS, "no host", "mailto:me@example.org"], *more)
    assert places(tmp_path) == places(seven)
    assert run("status", "--db", audit, "--quiet").returncode == 4


def test_the_number_of_parts_follows_from_that_of_origins(tmp_path, monkeypatch):
    monkeypatch.setattr("crawler.commands.plan.ORIGINS_PER_PART", 50)
    assert plan(tmp_path, URLS)["parts"] == 4


def test_grouped_sites_have_a_part_for_themselves(tmp_path):
    group = tmp_path / "groups.csv"
    rows = [("host", "group"), ("www.site3.com", "shops"), ("site9.com", "shops")]
    rows += [("site5.com", "blogs"), ("site4.com", "blogs")]
    with group.open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    found = plan(tmp_path, URLS, "--parts", "2", "--group", group)
    assert (found["parts"], found["groups"]) == (4, {"blogs": 2, "shops": 3})
    by_part = {}
    for site, parts in places(tmp_path).items():
        for part in parts:
            by_part.setdefault(part, set()).add(site)
    assert by_part[2] == {"site5.com", "site4.com"}
    assert by_part[3] == {"site3.com", "site9.com"}
    assert by_part[0] | by_part[1] == set(SITES) - by_part[2] - by_part[3]
    explained = run("explain", "https://a.b.site9.com/", "--db", tmp_path / "audit")
    assert explained.returncode == 0, explained.stderr
    other = run("plan", tmp_path / "dataset.txt", "--db", tmp_path / "audit", "--parts", "3")
    assert (other.returncode, "a site stays in its part" in other.stderr) == (2, True)


REFUSED = {
    "no columns": ("shop.com,a\n", "needs a first line that names the columns host,group"),
    "no host": ("host,group\nno host,a\n", "line 2: no host and group"),
    "no group": ("host,group\nshop.example,\n", "line 2: no host and group"),
    "two groups": (
        "host,group\na.shop.com,x\nb.shop.com,y\n",
        "the site shop.com is in the group x already",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_groups_that_are_refused(tmp_path, case):
    content, sentence = REFUSED[case]
    (tmp_path / "dataset.txt").write_text("https://shop.example/\n")
    (tmp_path / "groups.csv").write_text(content)
    more = ("--db", tmp_path / "audit", "--group", tmp_path / "groups.csv")
    done = run("plan", tmp_path / "dataset.txt", *more)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (tmp_path / "audit").exists()


@pytest.mark.parametrize(
    "more", [("--url-column", "nosuch"), ("--facet", "nosuch")], ids=lambda more: more[0]
)
def test_a_plan_that_fails_leaves_nothing(tmp_path, more):
    (tmp_path / "dataset.csv").write_text("url,text\nhttps://shop.com/,x\n")
    done = run("plan", tmp_path / "dataset.csv", "--db", tmp_path / "new" / "audit", *more)
    assert done.returncode in (1, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.csv"]


def write(folder, name, urls):
    table = {"url": urls, "language": ["en" if n % 3 else "de" for n in range(len(urls))]}
    pq.write_table(pa.table(table), folder / name)


_OF_DATASET = {
    "rows": "SELECT d.version, o.key, v.rows FROM version_origin AS v "
    "JOIN origin AS o ON o.id = v.origin JOIN dataset AS d ON d.id = v.dataset",
    "facets": "SELECT d.version, v.facet, v.value, o.key, f.rows FROM facet_origin AS f "
    "JOIN facet_value AS v ON v.id = f.value JOIN origin AS o ON o.id = f.origin "
    "JOIN dataset AS d ON d.id = f.dataset",
    "roles": "SELECT d.version, r.role, o.key, r.rows FROM dataset_role_origin AS r "
    "JOIN origin AS o ON o.id = r.origin JOIN dataset AS d ON d.id = r.dataset",
    "samples": "SELECT d.version, o.key, s.n, s.url FROM sample AS s "
    "JOIN origin AS o ON o.id = s.origin JOIN dataset AS d ON d.id = s.dataset",
    "domains": "SELECT * FROM site_domain",
}
_WHOLE = (
    "SELECT name, version, counts, rows, facets, upstream FROM dataset ORDER BY id",
    "SELECT v.facet, v.value, t.rows, t.dataset FROM facet_total AS t "
    "JOIN facet_value AS v ON v.id = t.value ORDER BY 1, 2, 4",
    "SELECT role, rows, dataset FROM dataset_role ORDER BY 1, 3",
)


def test_a_dataset_that_grows_is_in_the_parts_as_in_one_file(tmp_path):
    data, audit, one = tmp_path / "data", tmp_path / "audit", tmp_path / "one"
    data.mkdir()
    hosted = [f"https://user{n}.github.io/x" for n in range(9)]
    write(data, "a.parquet", [*URLS[:90], *hosted])
    options = ("--facet", "language", "--upstream", "Common Crawl", "--url-column", "page=url")
    for name, more in (("a", ()), ("b", ("--facet", "again=language"))):
        if name == "b":
            write(data, "b.parquet", [*URLS[60:], *hosted, "no host"])
        for folder, parts in ((audit, "5"), (one, "1")):
            done = run("plan", data, "--db", folder, "--parts", parts, *options, *more)
            assert done.returncode == 0, done.stderr
    assert json.loads((audit / "plan.json").read_bytes())["dataset"][0]["version"] == 2
    assert {path.name for path in newest(tmp_path)} == {"g1.db"}
    whole = one / "parts" / "00000" / "g1.db"
    for name, sql in _OF_DATASET.items():
        assert sorted(query(newest(tmp_path), sql)) == sorted(query([whole], sql)), name
    for sql in _WHOLE:
        for part in newest(tmp_path):
            assert query([part], sql) == query([whole], sql)


def test_a_generation_is_not_changed_by_commands(planned):
    path = planned / "audit" / opened(planned).require(0).name
    before = path.read_bytes()
    for command in (("judge",), ("adopt",), ("import", "warc", path)):
        done = run(*command, "--db", path)
        assert done.returncode != 0, command
    assert "never changed" in run("judge", "--db", path).stderr
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["g0.db", "g0.json"]


@pytest.mark.parametrize(
    "command",
    [
        *(("changes", "--since", "1"), ("adopt",), ("hold", "list"), ("forget", "x")),
        ("flag", "x.csv", "-o", "y.csv", "--as-of", "2026-11-22"),
        *(("crawl", "x.csv"), ("crawl", "--limit-origins", "3"), ("judge", "--diff")),
        *(("explain", "--body", "00"), ("crawl", "--part", "4"), ("crawl", "--of", "4")),
    ],
    ids=" ".join,
)
def test_what_does_not_work_on_a_folder_is_wrong_usage(planned, command):
    before = files(planned)
    done = run(*command, "--db", planned / "audit")
    assert done.returncode == 2
    assert re.search(r"^Error: .*part", done.stderr, re.MULTILINE)
    assert files(planned) == before


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("crawl", "--part", "1"), "--part is for an audit in parts"),
        (("crawl", "x.txt", "--workers", "2"), "`tdm-audit crawl --db FOLDER --workers 2`"),
        (
            ("crawl", "--ask", "x.txt", "--budget", "1h", "--workers", "2"),
            "--workers is for an audit in parts",
        ),
        (("judge", "--workers", "2"), "--workers is for an audit in parts"),
        (("status", "--db", "."), "has no plan.json"),
        (("crawl", "--db", "."), "has no plan.json"),
        (("report", "-o", "r.html", "--db", "."), "has no plan.json"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_is_for_a_folder_alone(tmp_path, command, sentence):
    done = run(*command, cwd=tmp_path)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr


def test_parts_that_are_worked_on_are_not_planned_again(planned):
    dataset = planned / "dataset.txt"
    dataset.write_text(dataset.read_text() + "http://new.example/\n")
    words = ("plan", dataset, "--db", planned / "audit", "--no-progress")
    before = [file.name for file in newest(planned)]
    with contextlib.ExitStack() as held:
        for part in range(4):
            held.enter_context(opened(planned).storage.held(f"parts/{part:05d}"))
        done = run(*words)
    assert (done.returncode, "another run holds" in done.stderr) == (3, True), done.stderr
    assert [file.name for file in newest(planned)] == before
    assert run(*words).returncode == 0
    assert {file.name for file in newest(planned)} == {"g1.db"}


def test_a_plan_whose_numbers_differ_is_damaged(planned):
    file = planned / "audit" / "plan.json"
    file.write_text(file.read_text().replace('"parts": 4', '"parts": 5'))
    done = run("status", "--db", planned / "audit")
    assert (done.returncode, "is no plan of an audit in parts" in done.stderr) == (1, True)


def test_a_site_is_found_by_its_plan():
    sites = frozenset(["shop.com"])
    from crawler.store.part_plan import PartGroup, plan_from_json

    cut = PartPlan(by_hash=3, groups=(PartGroup("shops", 3, sites),))
    read = plan_from_json(cut.as_json(), "plan.json")
    assert (read.parts, read.groups) == (4, cut.groups)
    assert read.part_of("shop.com") == 3
    assert {read.part_of(site) for site in SITES} == {0, 1, 2}
