"""`check`: one site fetched now, explained and linted; no database is left."""

import ast
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from crawler import agents
from crawler.commands.check import CONFLICT, WELL_KNOWN, FailOn
from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import html, status, text
from crawler.demo.site import everywhere
from crawler.reports import advice
from crawler.reports.check import Note, Unseen
from crawler.reports.explain import CAVEAT
from crawler.vocab import State
from tests.conftest import ROOT
from tests.crawl_helpers import waited_for

PAGE = html(in_body="<p>hello</p>")
TDMREP = "/.well-known/tdmrep.json"
PROTOCOLS = ROOT / "crawler/protocols"


def site(host, **pages):
    return Site(host=host, about="", expect=everywhere(State.SILENT), pages=pages.pop("pages"))


MESSY = site(
    "messy.test",
    pages={
        "/": PAGE,
        "/robots.txt": text("User-agent: GPTBot\nDisalow: /\n\nUser-agent: CCBot\nDisallow: /\n"),
        TDMREP: text('[{"location": "/", "tdm-reservation": "1"},\n {"location": "/x",}]'),
    },
)
TORN = site(
    "torn.test",
    pages={
        "/": PAGE,
        TDMREP: text('[{"location": "/", "tdm-reservation": 0}]', "application/json"),
        "/ai.txt": text("User-Agent: *\nDisallow: /\n"),
        "/said.html": html(
            in_head='<meta name="tdm-reservation" content="1">', in_body="<p>here</p>"
        ),
    },
)
PLAIN = site("plain.test", pages={"/": PAGE, "/robots.txt": text("User-agent: *\nDisallow:")})
ODD = site(
    "odd.test", pages={"/": PAGE, TDMREP: text('[{"location": "/", "tdm-reservation": "1"}]')}
)
DOWN = site("down.test", pages={"/robots.txt": status(503)})


@pytest.fixture(scope="module")
def web():
    with LoopbackWeb([MESSY, TORN, PLAIN, ODD, DOWN]) as web:
        yield web


@pytest.fixture
def temporary(tmp_path_factory, monkeypatch):
    """Return the folder for temporary files of commands."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def check(web, tdm_audit, tmp_path, temporary):
    def run(*arguments):
        return tdm_audit(
            "check", *arguments, "--delay", "0", "--timeout", "3s", "--connect-to",
            f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32", cwd=tmp_path,
        )  # fmt: skip

    return run


def lint_of(one):
    return {(n["code"], n["url"].rpartition("/")[2], n["line"]) for n in one["lint"]}


def test_several_urls_in_one_run(check, tmp_path, temporary):
    done = check(
        "http://messy.test/", "http://torn.test/said.html", "torn.test", "plain.test", "--json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [*temporary.iterdir(), *tmp_path.iterdir()] == []
    said = json.loads(done.stdout)
    messy, page, torn, plain = said["checks"]
    assert said["found"] == []

    assert {
        ("robots.typo", "robots.txt", 2),
        ("tdmrep.json", "tdmrep.json", 2),
    } <= lint_of(messy)
    broken = next(n for n in messy["lint"] if n["code"] == "tdmrep.json")
    assert re.search(r"line 2, column \d+", broken["excerpt"])
    assert "line and column" in broken["advice"]
    told = {a["agent"]: (a["genai_train"], a["search"]) for a in messy["agents"]}
    assert list(told) == list(WELL_KNOWN)
    assert (told["CCBot"], told["Googlebot"]) == (("reserved", "silent"), ("silent", "silent"))

    (conflict,) = [n for n in torn["lint"] if n["code"] == CONFLICT]
    assert (conflict["line"], conflict["url"]) == (2, "http://torn.test/ai.txt")
    assert conflict["excerpt"].startswith("ai_train, genai_train: ai.txt")
    states = {f["purpose"]: (f["state"], f["conflict"]) for f in torn["findings"]}
    assert states["tdm"][0] == "partial"
    assert states["ai_train"] == ("reserved", True)

    assert page["about"] == "url"
    assert {f["purpose"]: f["state"] for f in page["findings"]}["tdm"] == "reserved"
    assert (plain["lint"], plain["unseen"]) == ([], [])


def test_the_text_has_verdict_agents_lint_and_caveat(check):
    said = check("http://odd.test/").stdout
    parts = [
        "tdm, ai_train, genai_train",
        "Looked at:",
        "What well-known agents are told:",
        "Lint:",
        CAVEAT,
    ]
    places = [said.index(part) for part in parts]
    assert places == sorted(places)
    assert f"tdmrep.type_mismatch: {advice.advice_for('tdmrep.type_mismatch')}" in said
    assert "http://odd.test/.well-known/tdmrep.json, line 1 | " in said
    assert "readers.lenient: " in said


FAILING = [
    ("nothing asked", "odd.test", [], 0, ""),
    ("issues", "odd.test", ["issues"], 5, "issues"),
    ("no issues", "plain.test", ["issues", "conflict", "reserved", "permitted", "unknown"], 0, ""),
    ("conflict", "torn.test", ["conflict"], 5, "conflict"),
    (
        "two of them, in their own order",
        "torn.test",
        ["permitted", "reserved"],
        5,
        "reserved, permitted",
    ),
    ("not reached", "down.test", [], 0, ""),
    ("unknown", "down.test", ["unknown", "reserved"], 5, "unknown"),
]


@pytest.mark.parametrize(
    ("host", "on", "code", "said"), [f[1:] for f in FAILING], ids=[f[0] for f in FAILING]
)
def test_fail_on(host, on, code, said, check):
    done = check(f"http://{host}/", "--quiet", *(a for o in on for a in ("--fail-on", o)))
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == (f"tdm-audit: found: {said}\n" if said else "")


def test_what_was_not_seen_is_said_with_its_reason(check):
    done = check("http://down.test/", "--json", "--fail-on", "unknown")
    (one,) = json.loads(done.stdout)["checks"]
    assert done.returncode == 5
    assert {f["state"] for f in one["findings"]} == {"unknown"}
    seen = {u["resource"]: (u["outcome"], u["status"]) for u in one["unseen"]}
    assert seen["robots_txt"] == ("responded", 503)
    assert seen["home"] == ("withheld", None)
    told = check("http://down.test/").stdout
    assert re.search(r"robots_txt +/robots\.txt +answered 503", told), told


def test_a_rule_set_of_ones_own(check, tmp_path):
    text_ = (ROOT / "crawler/rules/strict.toml").read_text("utf-8")
    (tmp_path / "house.toml").write_text(text_.replace('id = "strict"', 'id = "house"'), "utf-8")
    done = check("http://messy.test/", "--rules", "house.toml", "--json")
    (one,) = json.loads(done.stdout)["checks"]
    assert one["rules"] == "house/2"
    assert {a["genai_train"] for a in one["agents"]} == {"silent"}


WRONG = [
    ("no host", ["data:,x"], 2, "'data:,x' names no host that could be asked"),
    ("one of two", ["http://plain.test/", "ftp://plain.test/"], 2, "'ftp://plain.test/'"),
    ("no URL", [], 2, "Missing argument 'URL...'"),
    ("rules", ["plain.test", "--rules", "none"], 2, "no rule set 'none'"),
    ("fail on", ["plain.test", "--fail-on", "rain"], 2, "'rain' is not one of"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "said"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_wrong_use_asks_nobody(arguments, code, said, check, web):
    asked = len(web.log)
    done = check(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(web.log) == asked


def test_a_signal_stops_it(web, tmp_path, temporary):
    before = len(web.log)
    command = [sys.executable, "-m", "crawler", "check", "plain.test", "--delay", "60s"]
    command += ["--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        assert waited_for(lambda: len(web.log) > before)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read().decode()
    assert (process.returncode, said) == (
        4,
        "tdm-audit: stopped early by a signal; run the same command again\n",
    )
    assert [*temporary.iterdir()] == []


def test_nothing_listens(tdm_audit):
    done = tdm_audit(
        "check", "http://127.0.0.1:9/", "--delay", "0", "--json", "--allow-network", "127.0.0.1/32"
    )
    assert (done.returncode, done.stderr) == (0, "")
    (one,) = json.loads(done.stdout)["checks"]
    assert {f["state"] for f in one["findings"]} == {"unknown"}


def test_an_address_that_is_not_public_is_not_asked(tdm_audit, web):
    asked = len(web.log)
    done = tdm_audit("check", f"http://127.0.0.1:{web.port}/", "--delay", "0", "--json")
    (one,) = json.loads(done.stdout)["checks"]
    assert {u["outcome"] for u in one["unseen"]} >= {"blocked_address"}
    assert len(web.log) == asked


def test_well_known_agents_are_in_the_catalogue():
    assert [agents.find(token).token for token in WELL_KNOWN] == list(WELL_KNOWN)


def test_choices_of_fail_on_are_its_enumeration(tdm_audit):
    said = tdm_audit("check", "--help").stdout
    assert "Example:" in said
    assert f"[{'|'.join(FailOn)}]" in said.replace("\n", "").replace(" ", "")


def test_places_and_reasons_in_words():
    note = Note(code="x", protocol="p", url="http://h/", line=None, excerpt="")
    assert note.place == "http://h/"
    unseen = Unseen(resource="home", path="/", outcome="timed_out", status=None, note="15 s")
    assert unseen.why == "timed_out (15 s)"


ADVICE = [
    ("exact code", "robots.typo", "misspelt"),
    ("of the family", "robots.none_such", "RFC 9309"),
    ("of another family", "aipref.none_such", "AIPREF"),
    ("of none", "none.such", "compare the text"),
]


@pytest.mark.parametrize(("code", "said"), [a[1:] for a in ADVICE], ids=[a[0] for a in ADVICE])
def test_advice(code, said):
    assert said.lower() in advice.advice_for(code).lower().replace("ai usage preferences", "aipref")


# Codes are written as literals, or without their family and completed by a small helper.
_CODE = re.compile(r"[a-z_0-9]+(?:\.[a-z_0-9]+)*")
_GROUPED = ("aipref", "content_signal", "ai_control")
_JSON = ("bom", "encoding", "more_issues")
#: Codes composed from parts that no literal shows.
COMPOSED = (
    *(f"{f}.{c}" for f in ("tdmrep", "tdm_policy", "ai_txt", "trust_txt") for c in _JSON),
    *(f"{f}.{c}" for f in _GROUPED for c in ("outside_group", "group_disputed", "too_many")),
    *(f"{f}.more_issues" for f in (*_GROUPED, "directives", "rsl")),
    *(f"tdmrep.{c}" for c in ("json", "empty", "soft_404", "binary")),
    *(f"{f}.meta.{c}" for f in ("tdmrep", "directives") for c in ("http_equiv", "itemprop")),
    *(f"{f}.meta.{c}" for f in ("tdmrep", "directives") for c in ("property", "in_body")),
    *(f"{f}.meta.{c}" for f in ("tdmrep", "directives") for c in ("in_noscript", "in_template")),
    *(f"rsl.{c}" for c in ("xml", "dtd", "too_large")),
    "tdm_policy.json",
    "tdm_policy.obligation",
    "tdm_policy.prohibition",
)


def texts(node):
    """The texts that an expression may be: a literal, or either side of a condition."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp():
            return texts(node.body) + texts(node.orelse)
    return []


def family_of(path):
    """Return the family of a module's codes: its constant FAMILY, or that of the module named."""
    source = path.read_text("utf-8")
    if path.parent.name == "robots_directives":
        return "directives"
    said = re.search(r'^FAMILY = (?:"(\w+)"|(\w+)\.FAMILY)', source, re.MULTILINE)
    if said is None:
        return "internal"
    return said[1] or family_of(path.with_name(f"{said[2]}.py"))


def given_codes(tree):
    """Yield the literal codes given to functions that make issues, with or without family."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Issue" | "Bit" | "_issue" | "issue")):
                codes = [k.value for k in node.keywords if k.arg == "code"] or node.args[:1]
                yield from (text for code in codes for text in texts(code))
            case ast.Call(func=ast.Attribute(attr="issue"), args=[code, *_]):
                yield from texts(code)
            case ast.Call(func=ast.Attribute(attr="append"), args=[ast.Tuple(elts=[code, *_])]):
                yield from texts(code)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=list_name))) if list_name in (
                "odd",
                "notes",
                "deviations",
            ):
                yield from texts(node.args[0])
            case ast.Assign(targets=[ast.Name(id="code")], value=code):
                yield from texts(code)
            case ast.FunctionDef(name="_codes" | "_odd" | "_deviations" | "_deviation"):
                said = (n.value for n in ast.walk(node) if isinstance(n, ast.Yield | ast.Return))
                yield from (text for value in said if value for text in texts(value))


def literal_codes():
    """Return every code that literals show, with the file that makes it."""
    found = {}
    families = {family_of(p) for p in PROTOCOLS.rglob("*.py")} | {"robots"}
    for path in sorted(PROTOCOLS.rglob("*.py")):
        for code in given_codes(ast.parse(path.read_text("utf-8"))):
            whole = code.partition(".")[0] in families and "." in code
            if _CODE.fullmatch(code):
                found[code if whole else f"{family_of(path)}.{code}"] = path.name
    return found


def test_issue_codes_are_found_in_the_source():
    # Where this fails, functions that make issues have new names: adapt `given_codes`.
    assert len(literal_codes()) > 120


def test_every_issue_code_has_an_advice():
    made = dict.fromkeys(COMPOSED, "composed") | literal_codes()
    lacking = {code: where for code, where in made.items() if code not in advice.codes()}
    lines = "\n".join(f'"{code}" = "..."  (in {where})' for code, where in sorted(lacking.items()))
    assert not lacking, f"write into crawler/reports/advice.toml under [advice]:\n{lines}"


def test_every_issue_of_the_demonstration_has_an_advice(query):
    codes = {row["code"] for row in query("SELECT DISTINCT code FROM issues")}
    assert codes
    assert sorted(codes - advice.codes()) == []
