"""What the server answers: pages, questions, data, and what it refuses."""

import asyncio
import csv
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from urllib.parse import urlencode

import pytest
from datasette.app import Datasette

from crawler.serve import plugin
from crawler.serve.audits import OneFile
from crawler.serve.errors_page import answer_of
from crawler.serve.questions import questions
from crawler.store.database import public_views
from crawler.vocab import Resource
from tests.conftest import ROOT
from tests.serve.conftest import FORMULA, SCRIPT, Served, judge, new_database, write_visit

ORIGIN = "http://unanimous.demo.test"


@pytest.mark.parametrize("question", questions().values(), ids=lambda q: q.key)
def test_every_question_is_answered(served, question):
    asked = {"origin": ORIGIN} if "origin" in question.parameters else {}
    status, _, body = served.get(f"/audit/{question.key}", **asked, **{"purpose": "genai_train"})
    assert status == 200
    assert question.title in body
    assert 'role="alert"' not in body


def test_questions_of_the_demo_have_an_answer(served):
    empty = {
        q.key
        for q in questions().values()
        if not json.loads(
            served.get(
                f"/audit/{q.key}.json", _shape="arrays", origin=ORIGIN, purpose="genai_train"
            )[2]
        )["rows"]
    }
    # The demo has no facets, no roles, no crawler that collected it, and one run.
    assert empty == {"facets", "roles", "collecting_crawler", "changed"}


def test_questions_read_public_views_alone(served):
    for question in questions().values():
        ctes = set(re.findall(r"(?:WITH|,)\s+(\w+) AS (?:MATERIALIZED )?\(", question.sql))
        read = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", question.sql))
        assert read - ctes <= set(public_views()), question.key


def test_a_question_without_its_parameter_is_asked_with_the_default(served):
    status, headers, _ = served.get("/audit/leverage_of_sites")
    assert (status, headers["location"]) == (302, "/audit/leverage_of_sites?purpose=genai_train")


@pytest.mark.parametrize(
    "written",
    ["unanimous.demo.test", f"{ORIGIN}/", f" {ORIGIN}", "https://Unanimous.demo.test/a?b#c"],
)
@pytest.mark.parametrize("path", ["state_of_origin", "answers_of_origin.json", "proof"])
def test_a_question_about_an_origin_takes_it_as_it_is_written_elsewhere(served, written, path):
    status, headers, _ = served.get(f"/audit/{path}", origin=written, _size="5")
    assert status == 302
    assert headers["location"] == f"/audit/{path}?{urlencode({'origin': ORIGIN, '_size': 5})}"
    assert served.get(headers["location"])[0] == 200


@pytest.mark.parametrize("written", ["https://never-asked.test", "no host"])
def test_a_question_says_that_there_is_no_such_origin(served, written):
    status, _, body = served.get("/audit/state_of_origin", origin=written)
    assert status == 200
    assert f"There is no origin <code>{written}</code> in this database." in body


def test_no_question_hides_a_view():
    assert set(questions()) & set(public_views()) == set()


@pytest.mark.parametrize("view", public_views())
def test_every_view_has_a_page(served, view):
    status, _, body = served.get(f"/audit/{view}")
    assert status == 200
    assert [column for column in public_views()[view][1] if column not in body] == []


def test_the_first_page_has_numbers_questions_figures_and_views(served, tdm_audit, demo_output):
    status, _, body = served.get("/")
    assert status == 200
    done = tdm_audit("report", "--db", demo_output / "audit.db", "-o", "-", "--format", "json")
    (bounds,) = (
        row
        for row in json.loads(done.stdout)["figures"]["answer"]["tables"]["bounds"]["rows"]
        if (row["purpose"], row["unit"]) == ("genai_train", "rows")
    )
    for share in ("share_min", "share_shown", "share_max"):
        assert f"{100 * bounds[share]:.1f}\u00a0%" in body
    assert body.index("Not legal advice") < body.index("1,879") < body.index('id="answer"')
    assert body.index('id="answer"') < body.index('id="questions"') < body.index('id="views"')
    assert body.index('id="views"') < body.index('id="sql"')
    assert all(q.title in body for q in questions().values())


def test_the_page_of_an_origin_says_what_explain_says(served, tdm_audit, demo_output):
    db = demo_output / "audit.db"
    told = json.loads(tdm_audit("explain", f"{ORIGIN}/", "--db", db, "--json").stdout)
    status, _, body = served.get("/-/origin", url=f"{ORIGIN}/")
    assert status == 200
    for finding in told["findings"]:
        assert f"k-{finding['state']}" in body
    deciding = told["findings"][0]["decided_by"]
    link = f"/-/bytes/{deciding['stored']}?observation={deciding['observation']}&amp;line=2#L2"
    assert link in body
    status, _, lines = served.get(link.replace("&amp;", "&").partition("#")[0])
    assert status == 200
    assert '<tr class="marked"><th scope="row" id="L2">2</th>' in lines


def test_an_origin_in_a_table_leads_to_the_finding_that_the_table_shows(served):
    rows = served.sql("SELECT origin, genai_train FROM reservations ORDER BY origin LIMIT 25")
    _, _, table = served.get("/audit", sql="SELECT origin FROM reservations ORDER BY 1 LIMIT 25")
    links = re.findall(r'href="(/-/origin[^"]+)"', table.partition("<tbody>")[2])
    assert len(links) == len(rows)
    for link, (origin, state) in zip(links, rows, strict=True):
        _, _, page = served.get(link.replace("&amp;", "&"))
        row = page.partition("<small><code>genai_train")[2].partition("</tr>")[0]
        assert f"k-{state}" in row, origin


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("https://never-asked.test/", 404, "is not in this database"),
        ("data:text/html,x", 400, "names no host"),
        ("", 200, "One origin"),
    ],
)
def test_an_origin_that_cannot_be_shown(served, url, status, said):
    got, _, body = served.get("/-/origin", url=url)
    assert got == status
    assert said in body


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("GPTBoot", "has no <code>GPTBoot</code>; is <a"),
        ("gptbot/1.2", "has no <code>gptbot/1.2</code>; is <a"),
        ("zzyzx<b>", "has no <code>zzyzx&lt;b&gt;</code>. The findings"),
        ("gptbot", None),
        ("", None),
    ],
)
def test_the_page_of_an_origin_says_which_agent_is_meant(served, agent, said):
    status, _, body = served.get("/-/origin", url=ORIGIN, agent=agent, about="origin")
    assert status == 200
    if said is None:
        assert "catalogue of agents" not in body
        return
    assert said in body
    if link := re.search(r'is <a href="([^"]+)"><code>GPTBot</code></a> meant', body):
        _, _, meant = served.get(link[1].replace("&amp;", "&"))
        assert "for agent <code>GPTBot</code>" in meant
        assert "catalogue of agents" not in meant
    else:
        assert agent.startswith("zzyzx")


def digest(served, resource, condition="1"):
    ((stored, digest, number),) = served.sql(
        "SELECT stored, digest, observation FROM observations "
        f"WHERE resource = '{resource}' AND status = 200 AND {condition} LIMIT 1"
    )
    return stored, digest, number


def test_bytes_can_be_saved_and_never_open_in_the_browser(served):
    stored, _, number = digest(served, "robots_txt", "size > 10")
    status, headers, body = served.get(f"/-/bytes/{stored}/raw", observation=number)
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"
    assert "User-agent" in body


def test_an_extract_is_named_as_such_and_found_by_both_digests(served):
    stored, received, _ = digest(served, "terms")
    for name in (stored, received):
        status, _, body = served.get(f"/-/bytes/{name}")
        assert status == 200
        assert "Extract of a page" in body
        ids = re.findall(r' id="([^"]+)"', body)
        assert len(ids) == len(set(ids))
    assert 'id="L7"' in body
    assert "We reserve all rights" in body


def test_bytes_of_no_observation_are_not_shown(served):
    stored, _, _ = digest(served, "robots_txt", "size > 10")
    _, _, other = digest(served, "terms")
    for path, asked in [
        (f"/-/bytes/{'0' * 64}", {}),
        (f"/-/bytes/{stored}", {"observation": other}),
    ]:
        status, _, body = served.get(path, **asked)
        assert status == 404
        assert "no observation has bytes" in body
    assert served.get("/-/bytes/..%2f..%2fetc")[0] == 404


@pytest.mark.parametrize(
    ("q", "kind", "marked"),
    [
        ("reserve rights", "passage", "reserve"),
        ('"text and data mining"', "passage", "text and data mining"),
        ("GPTBot", "statement", "GPTBot"),
        ("obtainConsent", "policy", "obtainConsent"),
    ],
)
def test_search_finds_statements_passages_and_policies(served, q, kind, marked):
    status, _, body = served.get("/-/search", q=q)
    assert status == 200
    assert f"<mark>{marked}</mark>" in body
    assert f"{kind}, in " in body


@pytest.mark.parametrize(
    "q", ["NEAR(", '"', "* OR", "zzz-nothing", "a AND", "body:x", "-", "zzz\0nothing"]
)
def test_search_takes_no_word_for_an_operator(served, q):
    status, _, body = served.get("/-/search", q=q)
    assert status == 200
    assert "No text has these words" in body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/audit.db", 404),
        ("/audit/reservations.xlsx", 404),
        ("/audit/reservations.db", 404),
        ("/audit/reservations/1.blob", 404),
        ("/audit/reservations?_next=99999999999999999999", 400),
        ("/audit/reservations?_sort=nothing", 400),
        ("/audit/findings?purpose__in=[", 400),
        ("/x.db", 404),
        ("/audit/body", 403),
        ("/audit/party", 403),
        ("/audit/dataset_origin", 403),
        ("/audit/nothing", 404),
        ("/_internal", 404),
        ("/-/databases", 404),
        ("/-/metadata.json", 404),
        ("/-/static/app.css", 404),
        ("/audit/reservations?_next=x", 400),
        ("/audit?sql=drop+table+body", 400),
    ],
)
def test_what_is_not_public_is_refused(served, path, status):
    got, headers, body = served.get(path)
    assert got == status
    assert headers["content-security-policy"]
    assert "Traceback" not in body


def test_other_names_other_sites_and_other_methods_are_refused(served):
    assert served.get("/", {"Host": "evil.example"})[0] == 400
    cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert served.get("/audit.json", cross, sql="SELECT 1")[0] == 403
    linked = cross | {"Sec-Fetch-Mode": "navigate"}
    assert served.get("/", linked)[0] == 200
    assert served.get("/audit", linked, sql="SELECT 1")[0] == 403
    assert served.get("/audit/runs", linked, _where="1")[0] == 403
    assert (
        served.get("/audit", linked | {"Sec-Fetch-Site": "same-origin"}, sql="SELECT 1")[0] == 200
    )
    for method in ("POST", "PUT", "DELETE"):
        assert served.get("/", method=method)[0] == 405


def test_every_answer_has_the_headers_of_safety(served):
    for path in ("/", "/audit/reservations", "/audit/bounds.csv", "/-/style.css", "/x.db"):
        _, headers, _ = served.get(path)
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


PRIVATE = [
    "SELECT content FROM body LIMIT 3",
    "SELECT hex(content) FROM body FULL JOIN (SELECT NULL AS content) AS x USING (content)",
    "WITH reservations AS (SELECT content AS c FROM body) SELECT c FROM reservations LIMIT 3",
    "SELECT (SELECT content FROM body LIMIT 1)",
    "SELECT max(content) FROM body",
]


@pytest.mark.parametrize("sql", PRIVATE)
def test_stored_bytes_are_not_read_by_sql(served, sql):
    assert "stored bytes are not read by SQL" in served.sql(sql)
    for view in ("/audit/runs", "/audit/runs.json", "/audit/runs.csv"):
        status, _, body = served.get(view, _where=f"({sql}) IS NULL")
        assert status == 400
        assert "stored bytes are not read by SQL" in body


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT load_extension('x')",
        "WITH x AS (SELECT 1) ATTACH 'a' AS b",
        "SELECT hex(zeroblob(30000000))",
        "SELECT replace(hex(zeroblob(500000)), '0', '0123456789')",
        "SELECT printf('%.*c', 1000000000, 'x')",
    ],
)
def test_sql_beyond_the_limits_is_an_error_in_a_sentence(served, sql):
    status, _, body = served.get("/audit", sql=sql)
    assert status == 400
    assert 'role="alert"' in body


def test_a_query_without_end_is_ended(served):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    status, _, body = served.get("/audit", sql=endless, _timelimit=50)
    assert status == 400
    assert "took longer" in body


def test_rows_of_an_answer_are_limited_and_it_is_said(hostile):
    many = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 99) SELECT i FROM n"
    )
    _, _, body = hostile.get("/audit", sql=many)
    assert "The first 50 lines; there are more" in body
    _, headers, text = hostile.get("/audit.csv", sql=many)
    assert len(text.splitlines()) == 51
    assert "first-rows" in headers["content-disposition"]


HOSTILE_PAGES = [
    "/",
    "/audit/statements",
    "/audit/candidates",
    "/audit/datasets",
    "/-/origin?url=https%3A%2F%2Fhostile.test",
    "/-/search?q=script",
    "/-/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/-/origin?url=%3Cscript%3Ealert(1)%3C/script%3E",
    "/audit?sql=select+raw+as+%22%3Cscript%3Ealert(1)%3C/script%3E%22+from+statements",
]


@pytest.mark.parametrize("path", HOSTILE_PAGES)
def test_texts_of_strangers_are_shown_as_text(hostile, path):
    _, _, body = hostile.get(path)
    assert "<script" not in body
    assert "<img" not in body
    assert "evil.test" not in "".join(re.findall(r'(?:href|src)="([^"/][^"]*)"', body))
    assert "\u202e" not in body
    assert "\x1b" not in body


def test_bytes_of_strangers_are_shown_as_text(hostile):
    stored, _, number = digest(hostile, "robots_txt")
    _, _, body = hostile.get(f"/-/bytes/{stored}", observation=number)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "\\u202e\\x1b[2J" in body
    assert SCRIPT not in body


def test_no_spreadsheet_calculates_a_cell(hostile):
    _, headers, text = hostile.get(
        "/audit.csv", sql="SELECT policy FROM statements WHERE policy <> ''"
    )
    assert headers["content-disposition"].startswith("attachment")
    assert {row[0] for row in list(csv.reader(io.StringIO(text)))[1:]} == {f"'{FORMULA}"}
    rows = hostile.sql("SELECT DISTINCT policy FROM statements WHERE policy <> ''")
    assert rows == [[FORMULA]]


def test_rows_appear_while_a_writer_holds_the_database(tmp_path, cache):
    path = tmp_path / "audit.db"
    db, run = new_database(path, ["one.test", "two.test"])
    server = Served(path, cache=cache)
    try:
        assert "Nothing was judged yet" in server.get("/")[2]
        assert server.get("/-/origin", url="https://two.test")[0] == 200
        write_visit(db, 1, "one.test", run, {})
        judge(db)
        assert "of the rows are unknown" in server.get("/")[2]
        db.execute("BEGIN IMMEDIATE")
        assert server.sql("SELECT count(*) FROM reservations") == [[1]]
        db.execute("ROLLBACK")
        # Nothing that was read keeps the log from being moved into the file.
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        write_visit(db, 2, "two.test", run, {})
        judge(db)
        assert server.sql("SELECT count(*) FROM reservations") == [[2]]
    finally:
        db.close()
        assert server.end() == (0, "")


def test_ctrl_c_ends_it_with_success(demo_output, cache):
    server = Served(demo_output / "audit.db", cache=cache)
    assert server.get("/-/icon.svg")[0] == 200
    # Nothing about errors of readers is on the terminal.
    for path in ("/audit/reservations?_sort=nothing", "/audit/nothing", "/audit?sql=select"):
        assert server.get(path)[0] in (400, 404)
    assert server.end() == (0, "")


# 40 patterns before the first jump: they take seconds, and nothing interrupts them.
LONG = "SELECT {} FROM (SELECT replace(hex(zeroblob(900000)), '0', 'a') AS x)".format(
    " + ".join(f"(x || {n} LIKE '%{'a' * 180}b%')" for n in range(38))
)


def test_a_query_that_nothing_interrupts_does_not_keep_the_process(demo_output, cache):
    server = Served(demo_output / "audit.db", cache=cache)
    sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(6)]
    for one in sockets:
        asked = urlencode({"sql": LONG})
        one.sendall(f"GET /audit.json?{asked} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    try:
        # Pages that need no query of a user are there meanwhile.
        assert server.get("/")[0] == 200
        assert server.end(signal.SIGTERM)[0] == 0
    finally:
        for one in sockets:
            one.close()


def test_a_reader_waits_for_a_thread_and_is_told_when_none_becomes_free(tmp_path, monkeypatch):
    path = tmp_path / "audit.db"
    new_database(path, ["one.test"])[0].close()
    monkeypatch.setattr(plugin, "MAX_WAIT", 0.1)
    done, ended = threading.Event(), []

    async def ask():
        database = plugin.AuditDatabase(Datasette([]), OneFile(path))
        database.name = "audit"
        running = [
            asyncio.ensure_future(database.execute_fn(lambda _: done.wait(30)))
            for _ in range(plugin.THREADS)
        ]
        await asyncio.sleep(0)
        # Whoever leaves does not free the thread.
        running[0].cancel()
        try:
            await database.execute_fn(lambda _: None)
        except plugin.NoThreadError as error:
            ended.append(answer_of(error))
        done.set()
        await asyncio.gather(*running, return_exceptions=True)
        assert await database.execute_fn(lambda _: 1) == 1

    asyncio.run(ask())
    assert ended == [(503, "all queries that may run at once are running; try again.")]


def test_a_port_in_use_is_one_sentence(tdm_audit, demo_output):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = tdm_audit("serve", "--db", demo_output / "audit.db", "--port", port, "--no-open")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr


def test_a_database_that_is_not_there_is_one_sentence(tdm_audit, tmp_path):
    done = tdm_audit("serve", "--db", tmp_path / "none.db", "--no-open", "--port", 0)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "there is no database" in done.stderr


def test_what_must_be_installed_is_one_sentence():
    program = "import sys; sys.modules['datasette'] = None; from crawler.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "tdm-audit: `serve` needs Datasette; install it with: .venv/bin/pip install -e '.[serve]'\n"
    )


def test_an_address_for_others_is_warned_about(tdm_audit, tmp_path):
    done = tdm_audit("serve", "--db", tmp_path / "none.db", "--host", "0.0.0.0", "--port", 0)
    assert "anyone who reaches this port can read the audit" in done.stderr


def test_a_text_that_was_found_leads_to_its_line(served):
    _, _, body = served.get("/-/search", q='"User-agent: GPTBot"')
    links = re.findall(r'href="(/-/bytes/[^"#]+)#L(\d+)"', body)
    assert links
    for link, line in links[:5]:
        _, _, lines = served.get(link.replace("&amp;", "&"))
        (shown,) = re.findall(rf'id="L{line}">{line}</th><td><mark>([^<]*)', lines)
        assert re.match(r"(?i)\s*(dis)?allow|user-agent", shown)


def test_the_search_needs_no_folder_of_its_own(demo_output):
    server = Served(demo_output / "audit.db", cache="/dev/null/none")
    for _ in range(2):
        status, _, body = server.get("/-/search", q="reserve")
        assert status == 200
        assert 'class="hits"' in body
    assert server.end() == (0, "")


def test_bytes_in_csv_are_their_base64(served):
    assert served.get("/audit.csv", sql="SELECT x'00ff' AS b, 1 AS n")[2] == "b,n\nAP8=,1\n"


def test_what_is_no_port_is_said(tdm_audit):
    done = tdm_audit("serve", "--port", "abc")
    assert done.returncode == 2
    assert "'abc' is not a valid port" in done.stderr


def test_texts_of_any_length_are_cut_on_pages_and_whole_in_data(tmp_path, cache):
    path, long = tmp_path / "audit.db", "x" * 400_000
    db, run = new_database(path, ["long.test"])
    policy = f"https://long.test/{long}"
    signal = {"location": f"/{long}", "tdm-reservation": 1, "tdm-policy": policy}
    write_visit(
        db,
        1,
        "long.test",
        run,
        {
            Resource.ROBOTS_TXT: f"User-agent: GPTBot\nDisallow: /{long}\n",
            Resource.TDMREP_JSON: json.dumps([signal]),
        },
    )
    judge(db)
    db.close()
    server = Served(path, cache=cache)
    try:
        for page in (
            "/",
            "/audit/statements",
            "/audit/findings",
            "/audit/licence_offers",
            "/-/origin?url=long.test",
            f"/-/search?q={long[:2000]}",
            "/-/search?q=disallow",
        ):
            status, _, body = server.get(page)
            assert status == 200, page
            assert "x" * 3_000 not in body
        sql = "SELECT policy FROM statements WHERE policy IS NOT NULL"
        assert policy in server.get("/audit.csv", sql=sql)[2]
        status, _, body = server.get("/audit", sql=f"{sql} UNION SELECT hex(zeroblob(3000000))")
        assert (status, "larger than 2 MiB" in body) == (400, True)
    finally:
        server.end()
