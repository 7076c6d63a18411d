"""What commands leave on a terminal, on a pipe that is closed, and on a disk that is full."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import html, text
from crawler.demo.site import everywhere
from crawler.reports import tables
from crawler.reports.findings_text import grouped
from crawler.reports.for_terminals import shortened
from crawler.reports.headline import headline
from crawler.reports.summary import Summary
from crawler.store.bounds import Bounds
from crawler.vocab import State
from tests.conftest import ROOT, patience

PYTHON = [sys.executable, "-m", "crawler"]
HOST = "http://unanimous.demo.test/"
ENV = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(command, columns=80):
    """Run a command on a terminal of so many columns; return its output and exit status."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {k: v for k, v in ENV.items() if k not in ("COLUMNS", "LINES")} | {"TERM": "xterm"}
    ends = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    with subprocess.Popen(list(map(str, command)), env=env, cwd=ROOT, **ends) as process:
        os.close(terminal)
        output = b""
        try:
            while part := os.read(main, 65536):
                output += part
        except OSError:  # Linux: the other end was closed
            pass
    os.close(main)
    return output.decode(), process.returncode


def screen(output):
    """Return the lines that stay: what is before a carriage return is written over."""
    text = _SEQUENCE.sub("", output).replace("\r\n", "\n")
    return [line.rpartition("\r")[2] for line in text.split("\n")]


def on_pipe(words, out):
    return subprocess.run(
        [*PYTHON, *map(str, words)], cwd=ROOT, env=ENV, stdout=out, stderr=subprocess.PIPE,
        text=True, timeout=patience(60), check=False,
    )  # fmt: skip


PRINTING = {
    "help": ["--help"],
    "help of a command": ["export", "--help"],
    "version": ["--version"],
    "no command": [],
    "explain": ["explain", HOST, "--db", "DB"],
    "explain as JSON": ["explain", HOST, "--db", "DB", "--json"],
    "judge for an agent": ["judge", "--agent", "CCBot", "--db", "DB"],
    "export as CSV": ["export", "statements", "--db", "DB", "-o", "-"],
    "export as JSON Lines": ["export", "issues", "--db", "DB", "-o", "-", "--format", "jsonl"],
    "export as Parquet": ["export", "runs", "--db", "DB", "-o", "-", "--format", "parquet"],
    "export to a file": ["export", "runs", "--db", "DB", "-o", "OUT.csv"],
    "export to the device": ["export", "runs", "--db", "DB", "--format", "csv", "-o", "/dev/full"],
    "check": ["check", "http://127.0.0.1:9/", "--delay", "0", "--allow-network", "127.0.0.1/32"],
}


def filled(words, demo_output, tmp_path):
    named = {"DB": demo_output / "audit.db", "OUT.csv": tmp_path / "out.csv"}
    return [named.get(word, word) for word in words]


@pytest.mark.parametrize("words", PRINTING.values(), ids=PRINTING)
def test_a_full_disk_is_one_sentence(words, demo_output, tmp_path):
    with open("/dev/full", "w") as full:
        done = on_pipe(filled(words, demo_output, tmp_path), full)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", PRINTING.values(), ids=PRINTING)
def test_a_closed_pipe_ends_quietly(words, demo_output, tmp_path):
    read, write = os.pipe()
    os.close(read)
    words = [w for w in filled(words, demo_output, tmp_path) if w != "/dev/full"]
    if words[-1:] == ["-o"]:
        words.append("/dev/stdout")
    done = on_pipe(words, write)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode in (0, 1)  # 1 is that of click, for what it prints itself


def test_a_reader_of_some_lines_is_no_failure(demo_output):
    words = [*PYTHON, "export", "trail", "--db", demo_output / "audit.db", "-o", "-"]
    with subprocess.Popen(
        list(map(str, words)), cwd=ROOT, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().startswith(b"origin,")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_conditions_are_reported_though_nobody_reads_the_text():
    read, write = os.pipe()
    os.close(read)
    done = on_pipe([*PRINTING["check"], "--fail-on", "unknown"], write)
    os.close(write)
    assert (done.returncode, done.stderr) == (5, "tdm-audit: found: unknown\n")


def test_explain_wraps_between_words_on_a_terminal(demo_output):
    command = [*PYTHON, "explain", HOST, "--db", demo_output / "audit.db"]
    output, status = on_terminal(command, 60)
    assert status == 0
    whole = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=ENV, capture_output=True, text=True, check=True
    ).stdout
    wrapped = screen(output)
    # A terminal gets short digests and times; all other words are the same.
    short = "\n".join(shortened(whole.splitlines()))
    assert [w for line in wrapped for w in line.split() if w != "|"] == [
        w for w in short.split() if w != "|"
    ]
    assert all(len(line) <= 60 or len(line.strip(" |").split()) == 1 for line in wrapped)
    assert max(map(len, whole.splitlines())) > 100


def test_parquet_is_refused_to_a_terminal(demo_output):
    words = ["export", "runs", "--db", demo_output / "audit.db", "-o", "-", "--format", "parquet"]
    output, status = on_terminal([*PYTHON, *words])
    assert status == 2
    assert "not for a terminal" in output


BARS = """
from crawler.progress import Bar
with Bar(shown=True) as bar:
    bar.begin("reading the dataset", None)
    bar.step(3)
    bar.begin("asking origins", 147)
    bar.step(147)
    bar.begin("judging", {size})
    for _ in range(147):
        bar.step()
"""


@pytest.mark.parametrize("size", [147, None])
@pytest.mark.parametrize("columns", [80, 100])
def test_one_bar_is_left_for_all_phases(size, columns):
    output, status = on_terminal([sys.executable, "-c", BARS.format(size=size)], columns)
    assert status == 0
    (bar,) = [line for line in screen(output) if line.strip()]
    assert bar.startswith("judging ")
    assert "147/147" in bar
    assert "?" not in bar


def test_judge_says_the_result_first_and_counts_to_the_total(demo_db_copy):
    output, status = on_terminal([*PYTHON, "judge", "--db", demo_db_copy])
    assert status == 0
    lines = [line for line in screen(output) if line.strip()]
    assert re.match(r"judging .* (\d+)/\1 ", lines[0])
    assert re.match(r"Of [\d,]+ rows, [\d,]+ of them from \d+ origins: genai_train is ", lines[1])
    assert all(len(line) <= 80 for line in lines)


MARKUP = ["[/x]", "[red]x[/red]", ":smile:", "[link=http://a.example]x[/link]"]


@pytest.mark.parametrize("agent", MARKUP)
def test_markup_in_an_option_is_text(agent, demo_output, tdm_audit):
    words = ["judge", "--db", demo_output / "audit.db", "--agent", agent, "--agent-as-written"]
    done = tdm_audit(*words)
    assert done.returncode == 0
    assert f"as {agent} is told" in done.stdout


@pytest.mark.parametrize("text_", [*MARKUP, "\x1b[31mx", "\u202ex"])
def test_markup_in_tables_is_text(text_, capsys):
    tables.show(text_, [text_, "n"], [[text_, 1]])
    shown = text_.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert capsys.readouterr().out.count(shown) == 3


def test_a_table_wider_than_the_terminal_breaks_no_word(capsys, monkeypatch):
    monkeypatch.setattr("crawler.reports.tables.console", lambda: NARROW)
    tables.show("t", ["origin", "attempts"], [["http://" + "a" * 60 + ".example", 1234]])
    said = capsys.readouterr().out
    assert "http://" + "a" * 60 + ".example\n" in said
    assert "  attempts 1,234\n" in said


NARROW = tables.Console(width=40, markup=False, highlight=False)


def test_control_characters_of_hosts_do_not_reach_a_terminal(tmp_path, tdm_audit):
    pages = {
        "/": html(in_head='<meta name="tdm-reservation" content="1\x1b[2J">', in_body="x"),
        "/robots.txt": text("User-agent: GPTBot\nDisallow: /\x1b]0;x\x07\u202e\n"),
        "/ads.txt": text("contact=\x1b[2J\n"),
    }
    site = Site(host="esc.test", about="", expect=everywhere(State.SILENT), pages=pages)
    with LoopbackWeb([site]) as web:
        net = ["--delay", "0", "--connect-to", f"::127.0.0.1:{web.port}"]
        net += ["--allow-network", "127.0.0.1/32"]
        checked = tdm_audit("check", "http://esc.test/", *net)
        (tmp_path / "in.txt").write_text("http://esc.test/\n")
        crawled = tdm_audit("crawl", tmp_path / "in.txt", "--db", tmp_path / "a.db", *net)
    words = ["explain", "http://esc.test/", "--origin", "--db", tmp_path / "a.db"]
    explained, as_json = tdm_audit(*words), tdm_audit(*words, "--json")
    for done in (checked, crawled, explained, as_json):
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert not set(map(ord, done.stdout)) & {*range(10), *range(11, 32), *range(0x7F, 0xA0)}
        assert "\u202e" not in done.stdout
    for view, form in (("statements", "csv"), ("statements", "jsonl"), ("observations", "csv")):
        words = ["export", view, "--db", tmp_path / "a.db", "-o", "-", "--format", form]
        shown, status = on_terminal([*PYTHON, *words])
        assert (status, shown.strip() != "") == (0, True)
        assert not set(map(ord, shown)) & {*range(10), 11, 12, *range(14, 32), *range(0x7F, 0xA0)}
        assert "\u202e" not in shown
    # The reader of robots.txt has replaced the others already.
    assert "]0;x\ufffd\\u202e\n" in explained.stdout
    findings = {f["purpose"]: f for f in json.loads(as_json.stdout)["findings"]}
    assert "\u202e" in findings["genai_train"]["decided_by"]["raw"]


BLOCK = ["a RESERVED (x)", "  meaning", "  decided by d", "  also: one", "    why"]
GROUPS = [
    (
        "all equal",
        [("a", BLOCK), ("b", ["b RESERVED (x)", *BLOCK[1:]])],
        ["", "a, b         RESERVED (x)", *BLOCK[1:]],
    ),
    (
        "another detail",
        [("a", BLOCK), ("b", ["b RESERVED (y)", *BLOCK[1:]])],
        ["", "a            RESERVED (x)", *BLOCK[1:], "", "b            RESERVED (y)", *BLOCK[1:]],
    ),
    (
        "another evidence",
        [("a", BLOCK[:3]), ("b", ["b RESERVED (x)", "  meaning", "  decided by e"])],
        ["", "a            RESERVED (x)", *BLOCK[1:3], "", "b            RESERVED (x)", "  meaning",
         "  decided by e"],
    ),
    (
        "another statement was considered",
        [("a", BLOCK), ("b", ["b RESERVED (x)", *BLOCK[1:3], "  also: two", "    why"])],
        ["", "a, b         RESERVED (x)", *BLOCK[1:3], "  also, for a: one", "    why",
         "  also, for b: two", "    why"],
    ),
    (
        "not neighbours",
        [("a", ["a X"]), ("b", ["b Y"]), ("c", ["c X"])],
        ["", "a, c         X", "", "b            Y"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("blocks", "lines"), [g[1:] for g in GROUPS], ids=[g[0] for g in GROUPS])
def test_equal_verdicts_are_told_once(blocks, lines):
    assert list(grouped(blocks)) == lines


def numbers(**facts):
    given = {
        "path": "d.csv", "url_column": "url", "column_choice": "name", "records": 1723,
        "unusable": {}, "rules": "signals/1", "total_rows": 1723, "total_origins": 147,
        "unattributable": 0, "origins": {}, "rows": {("genai_train", "unknown"): 40},
        "bounds": {"genai_train": (12, 345, 400)}, "outcomes": {}, "crashes": 0,
    }  # fmt: skip
    return Summary(**given | facts)


HEADLINES = [
    (
        "both bounds",
        {},
        "Of 1,723 rows from 147 origins: genai_train is reserved "
        "(wholly, on terms or in part) by the origins of 345 rows (20.0%), 12 in the "
        "narrowest and 400 in the widest reading; 40 unknown (signals/1).",
    ),
    (
        "equal bounds",
        {"bounds": {"genai_train": (1, 1, 1)}, "rows": {}},
        "Of 1,723 rows from 147 origins: genai_train is reserved "
        "(wholly, on terms or in part) by the origins of 1 row (0.1%); 0 unknown "
        "(signals/1).",
    ),
    (
        "an agent, and rows without a host",
        {"agent": "CCBot", "unattributable": 23},
        "Of 1,723 rows, 1,700 of them from 147 origins: genai_train is reserved for CCBot "
        "(wholly, on terms or in part) by the origins of "
        "345 rows (20.0%), 12 in the narrowest and 400 in the widest reading; 40 unknown "
        "(signals/1).",
    ),
    (
        "a weight",
        {"weight_bounds": dict.fromkeys(["genai_train"], Bounds(1.0, 7.0, 9.0)),
         "total_weight": 10.0, "weight_name": "tokens"},
        "Of 1,723 rows from 147 origins: genai_train is reserved "
        "(wholly, on terms or in part) by the origins of 345 rows (20.0%) and 70.0% of "
        "the tokens, 12 in the narrowest and 400 in the widest reading; 40 unknown (signals/1).",
    ),
    ("nothing judged", {"rules": "", "total_rows": 1, "total_origins": 1},
     "Of 1 row from 1 origin: nothing was judged yet."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "said"), [h[1:] for h in HEADLINES], ids=[h[0] for h in HEADLINES]
)
def test_the_result_in_a_sentence(facts, said):
    assert headline(numbers(**facts)) == said
