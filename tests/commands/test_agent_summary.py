"""`--agent`: counts over a dataset, a check of a site, and tokens not in the catalogue."""

import json
import sqlite3
from contextlib import closing

import pytest

from crawler.commands.check import WELL_KNOWN
from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import html, text
from crawler.demo.site import everywhere
from crawler.vocab import Purpose, State

AGENTS_SITE = "http://contradiction-agents.demo.test"


def asked(tdm_audit, *arguments):
    done = tdm_audit(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("rules", ["signals", "strict"])
def test_judge_for_an_agent_counts_what_explain_says(demo_output, tdm_audit, rules):
    db = demo_output / "audit.db"
    said, warned = asked(tdm_audit, "judge", "--db", db, "--agent", "ccbot", "--rules", rules)
    (numbers,) = said["datasets"]
    assert (numbers["agent"], numbers["rules"], warned) == ("ccbot", f"{rules}/2", "")
    counted = numbers["purposes"]["genai_train"]
    with closing(sqlite3.connect(db)) as connection:
        origins = dict(
            connection.execute(
                "SELECT o.url, sum(d.rows) FROM origin AS o "
                "JOIN dataset_origin AS d ON d.origin = o.id GROUP BY o.url"
            )
        )
    expected = {state.value: [0, 0] for state in State}
    for origin, rows in origins.items():
        one, _ = asked(
            tdm_audit, "explain", origin, "--origin", "--agent", "CCBot", "--db", db,
            "--rules", rules,
        )  # fmt: skip
        state = {f["purpose"]: f["state"] for f in one["findings"]}["genai_train"]
        expected[state][0] += 1
        expected[state][1] += rows
    expected["unknown"][1] += numbers["unattributable_rows"]
    got = {s: [counted["origins"][s], counted["rows"][s]] for s in expected}
    assert got == expected
    assert said["judged"] == len(origins) == numbers["origins"]


def test_judge_for_an_agent_differs_from_everybody_and_counts_every_row(demo_output, tdm_audit):
    db = demo_output / "audit.db"
    states = {}
    for agent in ("CCBot", "GPTBot"):
        (numbers,) = asked(tdm_audit, "judge", "--db", db, "--agent", agent)[0]["datasets"]
        for purpose in Purpose:
            one = numbers["purposes"][purpose]
            assert sum(one["rows"].values()) == numbers["rows"]
            assert one["reserved_min_rows"] <= one["reserved_shown_rows"]
            assert one["reserved_shown_rows"] <= one["reserved_max_rows"] <= numbers["rows"]
            assert one["reserved_min_weight"] <= one["reserved_shown_weight"]
            assert one["reserved_shown_weight"] <= one["reserved_max_weight"] <= numbers["weight"]
        states[agent] = numbers["purposes"]["genai_train"]["origins"]
    assert states["GPTBot"] != states["CCBot"]


def test_judge_for_an_agent_stores_nothing(demo_db_copy, tdm_audit):
    before = demo_db_copy.read_bytes()
    done = tdm_audit("judge", "--db", demo_db_copy, "--agent", "CCBot", "--rules", "strict")
    assert done.returncode == 0, done.stderr
    assert demo_db_copy.read_bytes() == before
    assert "as CCBot is told" in done.stdout
    assert "nothing was stored" in done.stdout


UNKNOWN = [
    ("judge", ["judge"]),
    ("explain", ["explain", AGENTS_SITE]),
    ("flag", ["flag", "d.txt", "-o", "f.csv"]),
]


@pytest.mark.parametrize("arguments", [u[1] for u in UNKNOWN], ids=[u[0] for u in UNKNOWN])
def test_an_agent_that_nobody_knows_is_judged_as_written(
    arguments, demo_output, tmp_path, tdm_audit
):
    (tmp_path / "d.txt").write_text(f"{AGENTS_SITE}/x\n")
    shared = ("--db", demo_output / "audit.db", "--agent")
    typo = tdm_audit(*arguments, *shared, "CCBott", cwd=tmp_path)
    assert (typo.returncode, typo.stdout) == (2, "")
    assert "has no 'CCBott'; is CCBot meant?" in typo.stderr
    asked_for = tdm_audit(*arguments, *shared, "CCBott", "--agent-as-written", cwd=tmp_path)
    assert (asked_for.returncode, asked_for.stderr) == (0, "")
    other = tdm_audit(*arguments, *shared, "SomebodysOwn", cwd=tmp_path)
    assert other.stderr == "tdm-audit: the catalogue of agents has no 'SomebodysOwn'\n"
    known = tdm_audit(*arguments, *shared, "ccbot", cwd=tmp_path)
    assert (known.returncode, known.stderr) == (0, "")


@pytest.mark.parametrize("token", ["", " ", "*", "a\nb"])
def test_what_is_no_token_is_wrong_usage(token, demo_output, tdm_audit):
    done = tdm_audit("judge", "--db", demo_output / "audit.db", "--agent", token)
    assert done.returncode == 2
    assert "is no product token" in done.stderr


SPLIT = Site(
    host="split.test",
    about="",
    expect=everywhere(State.SILENT),
    pages={
        "/": html(in_body="<p>hello</p>"),
        "/robots.txt": text(
            "User-agent: CCBot\nDisallow: /\n\nUser-agent: Own\nContent-Usage: train-ai=n\n"
        ),
    },
)
CHECKED_AGENTS = [
    ("everybody", [], "partial", len(WELL_KNOWN)),
    ("an agent of the list", ["--agent", "ccbot"], "reserved", len(WELL_KNOWN)),
    ("another of the list", ["--agent", "GPTBot"], "silent", len(WELL_KNOWN)),
    ("one of one's own", ["--agent", "Own"], "reserved", len(WELL_KNOWN) + 1),
]


def check_split(tdm_audit, cwd, *more):
    """Check the site SPLIT; return the result and what was printed on standard error."""
    with LoopbackWeb([SPLIT]) as web:
        done = tdm_audit(
            "check", "http://split.test/", *more, "--json", "--delay", "0", "--timeout", "3s",
            "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32",
            cwd=cwd,
        )  # fmt: skip
    (one,) = json.loads(done.stdout)["checks"]
    return one, done.stderr


@pytest.mark.parametrize(
    ("more", "expected", "rows"),
    [t[1:] for t in CHECKED_AGENTS],
    ids=[t[0] for t in CHECKED_AGENTS],
)
def test_check_for_an_agent(more, expected, rows, tdm_audit, tmp_path):
    one, _ = check_split(tdm_audit, tmp_path, *more)
    states = {f["purpose"]: f["state"] for f in one["findings"]}
    assert (states["genai_train"], len(one["agents"])) == (expected, rows)
    assert one["agent"] == (more[1] if more else None)


def test_check_adds_a_row_for_an_agent_that_is_not_well_known(tdm_audit, tmp_path):
    one, warning = check_split(tdm_audit, tmp_path, "--agent", "Own")
    last = one["agents"][-1]
    assert (last["agent"], last["class"], last["genai_train"]) == ("Own", "unknown", "reserved")
    assert "has no 'Own'" in warning
