"""A server of an audit in parts shows what one of the same audit in one file shows."""

import csv
import io
import json
import os
import re
import shutil

import pytest

from crawler.store.whole_copy import OF_EVIDENCE
from tests.audit_in_parts.folders import crawl_command, newest, opened, plan
from tests.audit_in_parts.serving import answers, bounded, links, page, rows, serve, views
from tests.conftest import run

LEFT_OUT = "has more rows than are copied for these pages"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def audit(tmp_path_factory, plan_of_four, web, commands):
    """Return a folder with an audit in four parts that was crawled."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(plan_of_four, folder, dirs_exist_ok=True)
    done = commands.run(crawl_command(folder, web, "--workers", "2"))
    assert done.status == 0, done.err
    return folder


@pytest.fixture(scope="module")
def one(calm, cache):
    server = serve(calm, cache)
    yield server
    server.end()


@pytest.fixture(scope="module")
def whole(audit, cache):
    server = serve(audit / "audit", cache)
    yield server
    server.end()


@pytest.fixture(scope="module")
def large(audit, cache):
    """Return a server that takes the audit for one that is too large to copy all of."""
    server = serve(audit / "audit", cache, program=bounded(observations=10))
    yield server
    server.end()


@pytest.fixture
def either(request, whole, large):
    return {"whole": whole, "large": large}[request.param]


both = pytest.mark.parametrize("either", ["whole", "large"], indirect=True)


def origins(server):
    found = server.sql("SELECT origin FROM reservations ORDER BY origin")
    assert len(found) == 40
    return [origin for (origin,) in found]


def part_of(audit, origin):
    return opened(audit).plan().part_of(origin.partition("://")[2])


def differing(found, expected):
    assert set(found) == set(expected)
    return {name for name in expected if found[name] != expected[name]}


@both
def test_the_first_page_has_the_numbers_of_the_whole(either, one):
    def begin(server):
        status, text = page(server, "/")
        assert status == 200
        return text.partition('<section id="questions">')[0]

    assert begin(either) == begin(one)
    assert "origins of the dataset" in begin(one)
    assert 'id="answer"' in begin(one)


@both
def test_questions_are_answered_as_by_one_file(either, one):
    for origin in origins(one)[:40:13]:
        told = answers(one, origin)
        assert differing(answers(either, origin), told) == set()
    assert sum(len(found) > 1 for found in told.values()) > 15


def test_views_have_the_rows_of_one_file(whole, one):
    told = views(one)
    assert differing(views(whole), told) == set()
    assert sum(len(found) > 1 for found in told.values()) > 15


def test_counts_are_whole_numbers_as_of_one_file(whole, one):
    # 31 and 31.0 are equal in Python, and are not shown alike.
    told = rows(one, "/audit/dataset_bounds")
    assert repr(rows(whole, "/audit/dataset_bounds")) == repr(told)
    assert len(told) > 2


@both
def test_the_pages_of_origins_are_those_of_one_file(either, one):
    for origin in origins(one)[:40:3]:
        for asked in ({"url": origin, "about": "origin"}, {"url": f"{origin}/a", "agent": "CCBot"}):
            text = page(either, "/-/origin", **asked)
            # Without a view of times there is a question.
            text = (text[0], re.sub(r'/audit/state_at_a_time\?origin=([^"]+)', r"\1", text[1]))
            expected = page(one, "/-/origin", **asked)
            cut = [answer[1].partition("More of this origin")[0] for answer in (text, expected)]
            assert cut[0] == cut[1] != ""
            assert text[0] == expected[0] == 200


@both
def test_links_lead_to_the_bytes_in_the_right_part(either, one, audit):
    seen = set()
    for origin in origins(one)[:40:3]:
        asked = {"url": origin, "about": "origin"}
        found, expected = links(either, "/-/origin", **asked), links(one, "/-/origin", **asked)
        assert len(found) == len(expected)
        for link, other in zip(found, expected, strict=True):
            number = int(re.search(r"observation=(\d+)", link)[1])
            assert number >> 32 == part_of(audit, origin)
            assert page(either, link) == page(one, other)
            assert page(either, link)[0] == 200
            raw = [
                server.get(to.replace("?", "/raw?"))[2]
                for server, to in ((either, link), (one, other))
            ]
            assert raw[0] == raw[1] != ""
            seen.add(number >> 32)
    assert seen == {0, 1, 2, 3}


@both
def test_bytes_are_found_by_their_digest_alone(either, audit):
    link = links(either, "/-/origin", url=origins(either)[7], about="origin")[0]
    digest = link.split("/")[3].partition("?")[0]
    assert either.get(f"/-/bytes/{digest}")[0] == 200
    for number in (99 << 32, (3 << 32) + 10**6, 10**17):
        status, _, body = either.get(f"/-/bytes/{digest}", observation=number)
        assert (status, "no observation has bytes" in body) == (404, True)
    assert either.get(f"/-/bytes/{'0' * 64}")[0] == 404


@both
def test_rows_of_answers_lead_to_bytes_and_show_no_long_number(either, audit):
    origin = next(o for o in origins(either) if part_of(audit, o) == 3)
    _, _, body = either.get("/audit/answers_of_origin", origin=origin)
    assert " of part 3</span>" in body
    assert re.findall(r">\d{10,}<", body) == []
    found = links(either, "/audit/answers_of_origin", origin=origin)
    assert {either.get(link)[0] for link in found} == {200}
    data = json.loads(either.get("/audit/answers_of_origin.json", origin=origin)[2])
    number = data["columns"].index("observation")
    assert {row[number] >> 32 for row in data["rows"]} == {3}


@both
def test_csv_has_the_rows_of_the_page(either):
    for name in ("reservations", "not_seen", "runs"):
        _, headers, text = either.get(f"/audit/{name}.csv", _size="max")
        assert headers["content-type"].startswith("text/csv")
        data = json.loads(either.get(f"/audit/{name}.json", _shape="arrays", _size="max")[2])
        found = list(csv.reader(io.StringIO(text)))
        assert found[0] == data["columns"]
        assert len(found) == len(data["rows"]) + 1 > 1


@both
def test_filters_sorting_and_facets_work_on_views_of_the_whole(either, one):
    asked = {"genai_train__exact": "reserved", "_sort": "origin"}
    assert rows(either, "/audit/reservations", **asked) == rows(one, "/audit/reservations", **asked)
    _, _, body = either.get("/audit/reservations", **asked)
    assert '<aside aria-label="Counts">' in body
    # The definition is that of the view, and not that of its copy.
    assert "How the view is made" in body
    assert "rows_of_" not in body


@both
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM finding", "no such table: finding"),
        ("SELECT content FROM body", "not authorized: stored bytes"),
        ("SELECT load_extension('x')", "not authorized"),
        ("DELETE FROM reservations", "must be a SELECT"),
        ("SELECT readfile('/etc/passwd')", "no such function"),
        ("SELECT * FROM pragma_database_list", "not authorized"),
    ],
)
def test_sql_of_users_reads_no_more_than_of_one_file(either, sql, said):
    assert said in either.sql(sql)


def test_views_that_were_left_out_say_where_their_rows_are(large):
    _, _, first = large.get("/")
    assert first.count("Larger than what is copied for these pages") == len(OF_EVIDENCE)
    for view in OF_EVIDENCE:
        status, _, body = large.get(f"/audit/{view}", origin__exact="http://h01.test")
        assert (status, LEFT_OUT in body) == (404, True)
        assert "What the columns mean" in body
        for ending in (".json", ".csv"):
            status, _, body = large.get(f"/audit/{view}{ending}")
            assert (status, LEFT_OUT in json.loads(body)["error"]) == (404, True)
        assert LEFT_OUT in large.sql(f"SELECT count(*) FROM {view}")
    assert "reserved_in_part" in large.get("/audit/findings")[2]
    assert LEFT_OUT not in large.sql("SELECT * FROM nothing_such")


@both
def test_an_origin_that_is_not_there(either):
    status, _, body = either.get("/-/origin", url="https://never-asked.test/")
    assert (status, "is not in this database" in body) == (404, True)
    assert either.get("/-/origin", url="data:text/html,x")[0] == 400
    for written in ("https://never-asked.test", "no host", ""):
        status, _, body = either.get("/audit/state_of_origin", origin=written)
        assert (status, 'role="alert"' in body) == (200, False)
    status, headers, _ = either.get("/audit/proof", origin="h01.test")
    assert (status, headers["location"]) == (302, "/audit/proof?origin=http%3A%2F%2Fh01.test")


@pytest.mark.parametrize("q", ["location", "Disallow", '"tdm-reservation"', "zzz-nothing"])
@both
def test_search_finds_what_it_finds_in_one_file(either, one, q):
    # Each part has an order of its own.
    pages = [page(server, "/-/search", q=q)[1] for server in (either, one)]
    texts = [sorted(re.findall(r"<li>(.*?)</li>", text, re.DOTALL)) for text in pages]
    assert texts[0] == texts[1]
    assert ("<mark>" in "".join(texts[0])) == (q != "zzz-nothing")
    assert {either.get(link)[0] for link in links(either, "/-/search", q=q)} <= {200}


def copied(audit, folder):
    shutil.copytree(audit / "audit", folder / "audit")
    return folder / "audit"


def test_a_part_that_goes_missing_or_is_damaged_is_named(audit, tmp_path, one):
    folder = copied(audit, tmp_path)
    server = serve(folder, tmp_path / "cache")
    of = {part_of(audit, origin): origin for origin in origins(one)}
    files = newest(tmp_path)
    files[1].unlink()
    files[2].write_bytes(files[2].read_bytes()[:5000] + bytes(50_000))
    for part, said in ((1, "is missing"), (2, "is damaged")):
        status, _, body = server.get("/-/origin", url=of[part], about="origin")
        assert status == 503
        assert f"{files[part]} {said}" in body
    assert server.get("/-/origin", url=of[3], about="origin")[0] == 200
    assert server.get("/")[0] == 200
    assert server.end() == (0, "")
    shutil.rmtree(files[1].parent)
    done = run("serve", "--db", folder, "--no-open", "--port", 0)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "parts/00001 has no database" in done.stderr


def test_the_database_of_a_state_is_made_once_and_old_ones_go(
    audit, plan_of_four, web, commands, tmp_path
):
    folder, cache = copied(audit, tmp_path), tmp_path / "cache"

    def made():
        server = serve(folder, cache)
        assert server.get("/")[0] == 200
        server.end()
        return {file.name: file.stat().st_ino for file in (cache / "tdm-audit").glob("*.whole")}

    first = made()
    assert made() == first
    assert len(first) == 1
    assert (cache / "tdm-audit" / next(iter(first))).stat().st_mode & 0o77 == 0
    done = commands.run(["judge", "--db", folder, "--quiet"])
    assert done.status == 0, done.err
    second = made()
    assert (len(second), set(first) <= set(second)) == (2, True)
    # Another audit at the same place, whose parts have the generations of the first.
    shutil.rmtree(folder)
    shutil.copytree(plan_of_four / "audit", folder)
    done = commands.run(crawl_command(tmp_path, web, "--workers", "2"))
    assert done.status == 0, done.err
    assert [file.name for file in newest(tmp_path)] == [file.name for file in newest(audit)]
    third = made()
    assert (len(third), set(first) & set(third)) == (2, set())
    assert [f.name for f in (cache / "tdm-audit").glob("*.part")] == []


def test_without_a_cache_the_database_is_made_for_the_server(audit, tmp_path):
    (tmp_path / "file").write_text("")
    server = serve(audit / "audit", tmp_path / "file", env={"TMPDIR": str(tmp_path)})
    assert server.get("/audit/reservations")[0] == 200
    assert server.end() == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_one_part_names_the_folder_of_the_whole(audit, cache):
    server = serve(newest(audit)[1], cache)
    _, _, body = server.get("/")
    server.end()
    assert "This is one part of an audit" in body
    assert f"<code>tdm-audit serve --db {audit / 'audit'}</code>" in body


def test_what_is_only_planned_is_served(tmp_path, urls, cache):
    plan(tmp_path, urls, "--parts", "2")
    server = serve(tmp_path / "audit", cache)
    status, _, body = server.get("/")
    assert (status, "Nothing was judged yet" in body or "origins of the dataset" in body) == (
        200,
        True,
    )
    assert server.get("/-/origin", url=urls[0])[0] == 200
    assert server.end() == (0, "")


def test_a_folder_that_is_no_audit_is_one_sentence(tmp_path):
    done = run("serve", "--db", tmp_path, "--no-open", "--port", 0)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has no plan.json" in done.stderr
