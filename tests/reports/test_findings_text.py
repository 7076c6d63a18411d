"""Explanations: each response is described once, and a terminal gets colours and short digests."""

import re
import subprocess

import pytest

from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import html, text
from crawler.demo.site import everywhere
from crawler.reports.findings_text import answers_once
from crawler.reports.for_terminals import coloured, shortened
from crawler.vocab import State
from tests.reports.test_terminal import ENV, HOST, PYTHON, on_terminal, screen

DIGEST = "0123456789ab" + "c" * 52
ANSWER = [
    "    https://a.example/robots.txt answered 200 on 2026-11-28T22:54:14.478Z",
    f"    by TLSv1.3, certificate sha256 {DIGEST}, verified",
    f"    body sha256 {DIGEST}",
]
OTHER = [line.replace("a.example", "b.example") for line in ANSWER]
SAME = "    the same answer of https://a.example/robots.txt as above"


def test_a_response_is_described_once():
    lines = ["ai_train X", *ANSWER, "  also", "search X", *ANSWER, "tdm X", *OTHER]
    expected = ["ai_train X", *ANSWER, "  also", "search X", SAME, "tdm X", *OTHER]
    assert list(answers_once(lines)) == expected
    assert list(answers_once([*ANSWER, "x", *ANSWER])) == [*ANSWER, "x", SAME]


def test_lines_of_evidence_are_never_shortened():
    evidence = [f"    | {DIGEST} 2026-11-28T22:54:14.478Z", f"| {DIGEST}"]
    assert list(shortened([*evidence, *ANSWER])) == [
        *evidence,
        "    https://a.example/robots.txt answered 200 on 2026-11-28 22:54 UTC",
        "    by TLSv1.3, certificate sha256 0123456789ab…, verified",
        "    body sha256 0123456789ab…",
    ]


@pytest.mark.parametrize("state", State)
def test_states_are_coloured_at_the_head_of_a_finding_only(state):
    head = f"tdm, search  {state.upper()} (agents: RESERVED)"
    lines = [head, f"  {state.upper()}", f"    | {state.upper()}"]
    (first, *rest) = coloured(lines, {})
    assert rest == lines[1:]
    assert re.sub(r"\x1b\[[0-9;]*m", "", first) == head
    assert ("\x1b" in first) == (state is not State.SILENT)
    assert first.count("\x1b[0m") <= 1
    for quiet in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert list(coloured(lines, quiet)) == lines


def test_a_pipe_gets_whole_digests_and_no_colours(demo_output):
    command = [*PYTHON, "explain", HOST, "--db", demo_output / "audit.db"]
    words = list(map(str, command))
    piped = subprocess.run(words, env=ENV, capture_output=True, text=True, check=True).stdout
    assert "\x1b" not in piped
    assert re.search(r"body sha256 [0-9a-f]{64}\n", piped)
    shown, status = on_terminal(command)
    assert status == 0
    assert "\x1b[" in shown
    lines = "\n".join(screen(shown))
    assert re.search(r"body sha256 [0-9a-f]{12}…", lines)
    assert not re.search(r"sha256 [0-9a-f]{13}", lines)


def test_agents_of_one_group_are_in_one_line(tmp_path, tdm_audit):
    robots = "User-agent: GPTBot\nUser-agent: CCBot\nUser-agent: ClaudeBot\nDisallow: /\n"
    pages = {"/": html(in_body="x"), "/robots.txt": text(robots)}
    site = Site(host="many.test", about="", expect=everywhere(State.SILENT), pages=pages)
    with LoopbackWeb([site]) as web:
        net = ["--delay", "0", "--connect-to", f"::127.0.0.1:{web.port}"]
        said = tdm_audit("check", "http://many.test/", *net, "--allow-network", "127.0.0.1/32")
    decided = "decided by robots.txt line 4, its agent on line 1 (tier 3)\n    | User-agent: GPTBot"
    assert decided in said.stdout
    also = "  also: reserved genai_train for CCBot, ClaudeBot by robots.txt line 4, only agents\n"
    assert said.stdout.count(also) == 1


def test_bytes_are_found_by_the_start_of_their_digest(demo_output, tdm_audit, query):
    db = demo_output / "audit.db"
    (row,) = query("SELECT stored, origin FROM statements WHERE protocol = 'robots_txt' LIMIT 1")
    whole = tdm_audit("explain", "--body", row["stored"], "--db", db)
    start = tdm_audit("explain", "--body", row["stored"][:12], "--db", db)
    assert whole.returncode == start.returncode == 0
    assert whole.stdout == start.stdout != ""
    several = tdm_audit("explain", "--body", "", "--db", db)
    assert several.returncode == 1
    assert "several digests begin with" in several.stderr
    none = tdm_audit("explain", "--body", "f" * 64, "--db", db)
    assert (none.returncode, none.stderr) == (
        1,
        f"tdm-audit: no bytes are kept under {'f' * 64}\n",
    )
