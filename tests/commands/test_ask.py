"""`crawl --ask`: the URLs of a list are requested one by one, politely, and each once."""

import json
import signal
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from crawler import rulesets
from crawler.cli import main
from crawler.demo.answers import RedirectsTo, html, status, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.evaluate.url_verdicts import PAGE, default_and_page_verdicts, verdicts_for_path
from crawler.flags import Flagger
from crawler.store.database import connect_read_only
from crawler.store.evidence_reader import snapshot_reader
from tests.conftest import patience
from tests.crawl_helpers import rows, start, waited_for

RESERVES = html(headers=(("TDM-Reservation", "1"),))
NOAI = html(headers=(("X-Robots-Tag", "noai"),))
MANY = 430


def site(host, pages):
    return Site(host=host, about="", expect={}, pages=pages)


WEB = (
    site("half.test", {f"/{n}": RESERVES if n % 2 else html() for n in range(40)}),
    site("noai.test", {f"/{n}.jpg": NOAI if n % 3 else html() for n in range(12)}),
    site(
        "robots.test",
        {"/robots.txt": text("User-agent: *\nDisallow: /shut/\n"), "/open/1": html()},
    ),
    site("moved.test", {"/a": RedirectsTo("http://target.test/1"), "/": html()}),
)
ADVERSE = ["nope", "", "ftp://a.test/x", "http://half.test/1#part", "http://half.test/1", "a b"]
URLS = [
    *(f"http://half.test/{n}" for n in range(40)),
    *(f"http://noai.test/{n}.jpg" for n in range(12)),
    *("http://robots.test/open/1", "http://robots.test/shut/1", "http://robots.test/shut/2"),
    *("http://moved.test/a", "http://moved.test/", "http://gone.test/x"),
]
FILES = ("/robots.txt", "/ai.txt", "/.well-known/ai.txt", "/.well-known/tdmrep.json", "/")


def arguments(folder, web, *more, delay="0"):
    """Return the command line of a crawl in a folder."""
    return [
        *(sys.executable, "-m", "crawler", "crawl", "--db", str(folder / "audit.db")),
        *("--delay", delay, "--timeout", "3s", "--no-progress", "--json"),
        *("--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32"),
        *map(str, more),
    ]


def crawl(folder, web, *more, **options):
    """Crawl to the end; return exit status, JSON output and standard error."""
    with start(arguments(folder, web, *more, **options)) as process:
        out, err = process.communicate(timeout=patience(100))
    return process.returncode, json.loads(out) if out else None, err


def write_list(folder, urls, name="list.txt"):
    path = folder / name
    path.write_text("".join(f"{url}\n" for url in urls))
    return path


def requested(web):
    """Return how often each URL was requested, without the files of origins."""
    return Counter(
        f"http://{request.host.partition(':')[0]}{request.path}"
        for request in web.log
        if request.path not in FILES and not request.path.endswith("trust.txt")
    )


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Ask a list whose rows are adverse, too, in three commands; return what there is to see."""
    folder = tmp_path_factory.mktemp("asked")
    path = folder / "shard.parquet"
    pq.write_table(pa.table({"caption": ["x"] * 64, "url": [*URLS, *ADVERSE]}), path)
    ask = ("--ask", path)
    with LoopbackWeb(WEB) as web:
        too_short = crawl(folder, web, *ask, "--budget", "1ms")
        done = crawl(folder, web, *ask, "--budget", "1h")
        counted = requested(web)
        files = Counter(r.path for r in web.log if r.host.startswith("half.test"))
        before = len(web.log)
        again = crawl(folder, web, *ask, "--budget", "1h", "--strict")
        lengths = (before, len(web.log))
    return folder, too_short, done, again, counted, files, lengths


def test_nothing_is_requested_after_the_budget(asked):
    _, (code, found, err), *_ = asked
    assert code == 4
    assert found["ended"] == "budget"
    assert (found["ask"]["asked"], found["ask"]["waiting"], found["ask"]["runs"]) == (0, 58, [])
    assert "stopped early by the budget with 58 URLs left; run the same command again" in err


def test_a_list_is_asked_to_its_end_and_unusable_rows_are_counted(asked):
    _, _, (code, found, err), *_ = asked
    assert (code, err) == (0, "")
    ask = found["ask"]
    assert (ask["rows"], ask["urls"], ask["origins"], ask["asked"]) == (64, 58, 5, 58)
    assert ask["unusable"] == {"bad_host": 1, "empty": 1, "no_host": 1, "not_http": 1}
    assert (ask["asked_now"], ask["waiting"], ask["stopped_origins"]) == (58, 0, 0)
    assert ask["withheld"] == 2


def test_each_url_is_requested_once_and_a_later_command_requests_nothing(asked):
    *_, (code, again, _), counted, files, (asked_first, others) = asked

    assert set(counted.values()) == {1}
    assert (
        len(counted) == 58 - 2 - 1 + 1
    )  # withheld ones, a home page; and the target of a redirect
    assert files["/robots.txt"] == files["/.well-known/tdmrep.json"] == 1
    assert (code, again["ask"]["asked_now"], again["ask"]["runs"]) == (0, 0, [])
    assert others == asked_first


def test_the_urls_that_robots_txt_refuses_are_withheld_with_the_rule(asked):
    query = "SELECT asked, outcome, note FROM observations WHERE asked LIKE '%/shut/%' ORDER BY 1"
    found = rows(asked[0], query)
    assert [(url[-1], outcome) for url, outcome, _ in found] == [
        ("1", "withheld"),
        ("2", "withheld"),
    ]
    assert all("line 2 (Disallow: /shut/) " in note for *_, note in found)


def test_verdicts_of_urls_that_were_asked_are_exact(asked):
    with Flagger(str(asked[0] / "audit.db"), purposes=("tdm",)) as flagger:
        tdm = flagger.flag([f"http://half.test/{n}" for n in (*range(40), 999)])
    states, reserved = tdm["tdm_state"].to_pylist(), tdm["tdm_reserved"].to_pylist()
    assert states == [*["silent", "reserved"] * 20, "partial"]
    assert reserved == [*[False, True] * 20, None]
    with Flagger(str(asked[0] / "audit.db"), purposes=("ai_train",)) as flagger:
        flags = flagger.flag([f"http://noai.test/{n}.jpg" for n in range(12)])
    assert flags["tdm_reserved"].to_pylist() == [bool(n % 3) for n in range(12)]


def test_a_page_has_the_verdict_that_all_the_evidence_of_its_origin_gives(asked):
    rules = rulesets.load(rulesets.DEFAULT)
    compared = 0
    with closing(connect_read_only(asked[0] / "audit.db")) as db:
        reader = snapshot_reader(db)
        for (origin,) in db.execute("SELECT id FROM origin").fetchall():
            resources = reader.load(origin).resources
            for key, verdicts in default_and_page_verdicts(resources, rules, None, "now"):
                if key.startswith(PAGE):
                    path = key.removeprefix(PAGE)
                    assert verdicts == verdicts_for_path(resources, path, rules, None, "now")
                    compared += 1
    assert compared > 40


def test_explain_shows_the_answer_of_the_url(asked, tdm_audit):
    db = asked[0] / "audit.db"
    found = json.loads(tdm_audit("explain", "http://half.test/7", "--db", db, "--json").stdout)
    decided = next(f for f in found["findings"] if f["purpose"] == "tdm")
    assert decided["state"] == "reserved"
    assert decided["decided_by"]["url"] == "http://half.test/7"


def test_a_list_is_no_dataset(asked):
    assert rows(asked[0], "SELECT count(*) FROM datasets") == [(0,)]


def test_a_dry_run_tells_what_is_left(asked, tdm_audit, tmp_path):
    more = write_list(tmp_path, ["half.test/3", "http://half.test/new"])
    done = tdm_audit(
        *("crawl", "--ask", more, "--budget", "1h", "--dry-run", "--json"),
        *("--db", asked[0] / "audit.db"),
    )
    found = json.loads(done.stdout)["ask"]
    assert (found["urls"], found["asked"], found["waiting"]) == (2, 1, 1)


@pytest.fixture(scope="module")
def in_rounds(tmp_path_factory):
    """Ask more URLs of an origin than one visit requests, and interrupt the command by a signal."""
    folder = tmp_path_factory.mktemp("rounds")
    busy = {f"/{n}": html() if n < 5 else status(503) for n in range(30)}
    sites = [
        site("many.test", {f"/{n}": RESERVES if n % 2 else html() for n in range(MANY)}),
        site("busy.test", busy),
    ]
    path = write_list(folder, [f"http://{s.host}{page}" for s in sites for page in s.pages])
    ask = ("--ask", path, "--budget", "1h")
    with LoopbackWeb(sites) as web:
        with start(arguments(folder, web, *ask, delay="5ms")) as process:
            assert waited_for(lambda: len(web.log) > 60)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=patience(30))
        first = (process.returncode, json.loads(out), err)
        at_signal = len(requested(web))
        done = crawl(folder, web, *ask)
        counted = requested(web)
        files = Counter((r.host.partition(":")[0], r.path) for r in web.log)
    return folder, first, at_signal, done, counted, files


def test_an_interruption_loses_nothing(in_rounds):
    _, (code, found, err), at_signal, (_, done, _), counted, _ = in_rounds
    assert code == 4
    assert "stopped early by a signal; run the same command again to continue" in err
    assert 40 < found["ask"]["asked"] == at_signal < MANY
    assert done["ask"]["asked_now"] == done["ask"]["asked"] - found["ask"]["asked"]
    many = {url: n for url, n in counted.items() if "many.test" in url}
    assert many == {f"http://many.test/{n}": 1 for n in range(MANY)}


def test_the_files_of_an_origin_are_requested_once_for_all_rounds(in_rounds):
    folder, *_, files = in_rounds
    assert files["many.test", "/robots.txt"] == files["many.test", "/"] == 1
    per_run = rows(
        folder,
        "SELECT count(*) FROM observations WHERE resource = 'page' AND origin = "
        "'http://many.test' GROUP BY run",
    )
    assert len(per_run) > 2
    assert max(n for (n,) in per_run) == 200


def test_an_origin_that_asks_to_slow_down_is_left_to_a_later_command(in_rounds):
    folder, _, _, (code, done, _), counted, _ = in_rounds
    busy = [url for url in counted if "busy.test" in url]
    # One answer with 503 for each command that went there, and no URL is recorded as withheld.
    assert 6 <= len(busy) <= 7
    assert code == 0
    ask = done["ask"]
    assert (ask["stopped_origins"], ask["stopped_urls"]) == (1, 30 - len(busy))
    assert ask["waiting"] == ask["stopped_urls"]
    assert rows(folder, "SELECT count(*) FROM observations WHERE outcome = 'withheld'") == [(0,)]


def test_the_runs_of_a_list_have_ended(in_rounds):
    ended = [end for (end,) in rows(in_rounds[0], "SELECT ended FROM runs ORDER BY run")]
    assert ended[0] == "stopped"
    assert set(ended[1:]) == {"finished"}


def test_after_a_crawl_of_the_same_file_each_url_is_requested_once(tmp_path):
    sites = [site(f"s{n}.test", {f"/{p}": RESERVES for p in range(5)}) for n in range(6)]
    urls = [f"http://{s.host}{page}" for s in sites for page in s.pages]
    path = write_list(tmp_path, urls)
    ask = ("--ask", path, "--budget", "1h")
    with LoopbackWeb(sites) as web:
        # The sample of the crawl, and the files of origins, are not requested.
        first = crawl(tmp_path, web, path)
        before = len(web.log)
        code, found, err = crawl(tmp_path, web, *ask)
        counted, more = requested(web), len(web.log) - before
    assert (first[0], code, err) == (0, 0, "")
    assert counted == dict.fromkeys(urls, 1)
    assert found["ask"]["asked"] == 30
    assert more == found["ask"]["asked_now"] == 24


def test_a_dataset_is_crawled_first(tmp_path):
    path = write_list(tmp_path, URLS[:6])
    with LoopbackWeb(WEB) as web:
        code, found, err = crawl(tmp_path, web, path, "--ask", path, "--budget", "1h")
        counted = requested(web)
    assert (code, err) == (0, "")
    assert set(counted.values()) == {1}
    assert (found["visited"], found["rows"], found["ask"]["asked"]) == (1, 6, 6)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        pytest.param([], 2, "Missing argument 'DATASET...'; or give --ask FILE", id="nothing"),
        pytest.param(["--ask", "l.txt"], 2, "--ask needs --budget", id="no budget"),
        pytest.param(["--ask", "l.txt", "--budget", "0"], 2, "such as 2h", id="none"),
        pytest.param(["--ask", "l.txt", "--budget", "2"], 2, "has no unit", id="no unit"),
        pytest.param(["--ask", "l.txt", "--budget", "soon"], 2, "is no duration", id="no duration"),
        pytest.param(["l.txt", "--budget", "1h"], 2, "is the time for --ask", id="budget alone"),
        pytest.param(
            ["--ask", "l.txt", "--budget", "1h", "--report", "r.html"],
            2,
            "--report is about a dataset",
            id="report without a dataset",
        ),
        pytest.param(["--ask", "none.txt", "--budget", "1h"], 1, "none.txt", id="no file"),
        pytest.param(["--ask", "words.csv", "--budget", "1h"], 1, "No row has a host", id="words"),
        pytest.param(["--ask", "broken.parquet", "--budget", "1h"], 1, "parquet", id="broken"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path, monkeypatch, given, code, said):
    monkeypatch.chdir(tmp_path)
    Path("l.txt").write_text("http://a.test/\n")
    Path("words.csv").write_text("id,title\n1,some words\n2,more\n")
    Path("broken.parquet").write_bytes(b"PAR1" + b"x" * 50)
    done = CliRunner().invoke(main, ["crawl", *given, "--dry-run", "--db", "a.db"])
    assert done.exit_code == code
    assert said in done.stderr
    assert "Traceback" not in done.output
