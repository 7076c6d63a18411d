"""License lines of robots.txt: which documents they name, and for whom."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.rsl import rsl, rsl_html, rsl_link, rsl_robots
from crawler.protocols.rsl.rsl_robots import audience_of, licenses_of

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)
A, B = "https://a.example/l.xml", "https://b.example/l.xml"
TYPE = 'type="application/rsl+xml"'


def read(text: str | bytes):
    body = text.encode() if isinstance(text, str) else text
    return rsl_robots.parse(Document(body=body))


def summary(reading):
    codes = [issue.code.removeprefix("rsl.") for issue in reading.issues]
    return reading.presence.value, reading.names, codes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"License: {A}", ("present", (A,), []), id="one"),
        pytest.param(f"license : {A} # our terms", ("present", (A,), []), id="case and comment"),
        pytest.param(f"# License: {A}", ("absent", (), []), id="a comment"),
        pytest.param(
            f"License: {A}\nLicense: {B}\nLicense: {A}", ("present", (A, B), []), id="two"
        ),
        pytest.param(
            "License: /license.xml", ("malformed", (), ["license.not_absolute"]), id="L06"
        ),
        pytest.param("License: CC-BY", ("malformed", (), ["license.not_absolute"]), id="a word"),
        pytest.param(
            "License: http://a.example/l",
            ("present", ("http://a.example/l",), ["license.not_https"]),
            id="http",
        ),
        pytest.param(
            f"User-agent: *\nLicense: {A}\nDisallow:", ("present", (A,), []), id="for everybody"
        ),
        pytest.param(
            f"User-agent: GPTBot\nLicense: {A}\nDisallow: /",
            ("present", (A,), ["license.group"]),
            id="for one agent",
        ),
        pytest.param(f"Licence: {A}", ("malformed", (A,), ["license.near_miss"]), id="eyes C2"),
        pytest.param(
            f"Licenses: {A}\nLicense: {B}", ("present", (A, B), ["license.near_miss"]), id="both"
        ),
        pytest.param(f"Lisense: {A}", ("malformed", (A,), ["license.near_miss"]), id="a letter"),
        pytest.param("User-agent: *\nDisallow:", ("absent", (), []), id="none"),
        pytest.param(f"<html>\nLicense: {A}", ("absent", (), []), id="a page"),
        pytest.param(f"License: {A}".encode("utf-16"), ("absent", (), []), id="UTF-16"),
        pytest.param("", ("absent", (), []), id="empty"),
    ],
)
def test_lines(text, expected):
    reading = read(text)
    assert summary(reading) == expected
    assert (reading.statements, rsl_robots.statements_for(reading, Question())) == ((), ())


GROUPS = f"License: {A}\nUser-agent: GPTBot\nUser-agent: x\nLicense: {B}\nDisallow: /\n"


@pytest.mark.parametrize(
    ("text", "agent", "expected"),
    [
        pytest.param(GROUPS, "gptbot", (B,), id="the group's own"),
        pytest.param(GROUPS, "X", (B,), id="the second of a group"),
        pytest.param(GROUPS, "other", (A,), id="everybody's"),
        pytest.param(f"User-agent: *\nLicense: {B}\n", "other", (B,), id="of the star"),
        pytest.param("License: x", "other", (), id="none that can be asked for"),
        pytest.param("", "other", (), id="none"),
        pytest.param(
            f"License: {A}\nUser-agent: CCBot/2.0\nLicense: {B}\n", "ccbot", (B,), id="a version"
        ),
        pytest.param(
            f"License: {A}\nUser-agent: CCBot\nDisallow:\n\nUser-agent: *\nLicense: {B}\n",
            "ccbot",
            (A,),
            id="E5 a group without a line is not of the star",
        ),
        pytest.param(
            f"License: {A}\nUser-agent: CCBot\nDisallow:\n\nUser-agent: *\nLicense: {B}\n",
            "other",
            (B,),
            id="E5 the star replaces everybody's",
        ),
    ],
)
def test_licenses_of_an_agent(text, agent, expected):
    assert licenses_of(read(text), agent) == expected


@pytest.mark.parametrize(
    ("carriers", "expected"),
    [
        pytest.param([f'<link rel="license" href="{A}" {TYPE}>'], False, id="an absolute URL"),
        pytest.param([f'<link rel="license" href="/l.xml" {TYPE}>'], True, id="D3"),
        pytest.param(
            [f'<link rel="license" href="l.xml" {TYPE}>', f"License: {A}"],
            False,
            id="D3 robots.txt names it, too",
        ),
        pytest.param([f"License: {B}"], False, id="named by nothing"),
    ],
)
def test_a_document_that_only_relative_links_name(carriers, expected):
    readings = [
        rsl_html.parse(Document(body=page.extract(text.encode()))) if "<" in text else read(text)
        for text in carriers
    ]
    pairs = [("https://a.example/", reading) for reading in readings]
    assert rsl.is_named_loosely(A, pairs) is expected
    assert readings[0].names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(GROUPS, ["GPTBot", "x"], id="B2 as written"),
        pytest.param(f"License: {A}\nUser-agent: x\nDisallow:", [], id="everybody's only"),
        pytest.param(
            f"User-agent: *\nLicense: {A}\n\nUser-agent: CCBot\nDisallow:\n",
            ["CCBot"],
            id="B2 a group that lacks the line",
        ),
        pytest.param("", [], id="none"),
        pytest.param("<html>", [], id="no file"),
    ],
)
def test_named_agents(text, expected):
    assert list(rsl_robots.named_agents(read(text))) == expected


FOR_CCBOT = f"User-agent: CCBot\nLicense: {A}\nDisallow: /x\n"
IN_A_PAGE = rsl_link.parse(
    Document(body=f'Link: <{A}>; rel="license"; type="application/rsl+xml"'.encode())
)


@pytest.mark.parametrize(
    ("texts", "agent", "expected"),
    [
        pytest.param([FOR_CCBOT], None, ("CCBot",), id="one agent's"),
        pytest.param([FOR_CCBOT], "*", ("CCBot",), id="one agent's, asked for all"),
        pytest.param([FOR_CCBOT], "ccbot", ("*",), id="the agent that is meant"),
        pytest.param([FOR_CCBOT], "GPTBot", (), id="another agent"),
        pytest.param([f"License: {A}"], None, ("*",), id="everybody's"),
        pytest.param([f"License: {A}\n{FOR_CCBOT}"], None, ("*",), id="everybody's, and one's"),
        pytest.param([f"User-agent: *\nLicense: {A}\n"], None, ("*",), id="of the star"),
        pytest.param([f"License: {A}\nUser-agent: x\nLicense: {B}\n"], "x", (), id="replaced"),
        pytest.param(
            [f"License: {A}\nUser-agent: *\nLicense: {B}\n"], None, (), id="E5 replaced for all"
        ),
        pytest.param(
            [f"License: {A}\nUser-agent: *\nLicense: {B}\n\nUser-agent: x\nDisallow:\n"],
            None,
            ("x",),
            id="E5 left to a group without a line",
        ),
        pytest.param(
            [f"License: {A}\nUser-agent: *\nLicense: /relative\n"],
            None,
            ("*",),
            id="E5 a line that names nothing replaces nothing",
        ),
        pytest.param(
            [f"User-agent: GPTBot\nLicense: {A}\n\nUser-agent: *\nDisallow: /admin/\n"],
            None,
            ("GPTBot",),
            id="B3 a line ends the agents above it",
        ),
        pytest.param(
            [f"User-agent: x\nContent-Usage: train-ai=n\nUser-agent: y\nLicense: {A}\n"],
            None,
            ("y",),
            id="B3 so does a line of another extension",
        ),
        pytest.param(
            [f"User-agent: x\nSitemap: /s\n\nUser-agent: y\nLicense: {A}\n"],
            None,
            ("x", "y"),
            id="B3 a sitemap ends nothing",
        ),
        pytest.param([f"License: {B}"], None, (), id="no longer named"),
        pytest.param([f"License: {B}"], "CCBot", (), id="no longer named, for an agent"),
        pytest.param([], "CCBot", (), id="robots.txt unseen"),
        pytest.param([FOR_CCBOT, IN_A_PAGE], "GPTBot", ("*",), id="a header names it, too"),
        pytest.param([FOR_CCBOT, FOR_CCBOT], None, ("CCBot",), id="named twice"),
    ],
)
def test_the_audience_of_a_document(texts, agent, expected):
    readings = [read(text) if isinstance(text, str) else text for text in texts]
    assert (
        audience_of(A, [("https://h.example/", reading) for reading in readings], agent) == expected
    )


def test_the_audience_of_a_hostile_file_is_bounded():
    agents = "".join(f"User-agent: bot{n}\n" for n in range(500))
    carriers = [("https://h.example/", read(f"{agents}License: {A}\n"))]
    assert len(audience_of(A, carriers, None)) == 50


def test_a_hostile_file_is_bounded():
    text = "User-agent: x\n" + "".join(f"License: http://a/{n}\n" for n in range(500))
    reading = read(text)
    assert (len(reading.names), len(reading.issues)) == (200, 200)


@given(
    st.lists(
        st.sampled_from(["License:", "User-agent:", " ", "*", A, "\n", "<html>", "\xff", "\udcff"]),
        max_size=12,
    )
)
def test_any_bytes_give_a_reading(pieces):
    reading = read("".join(pieces).encode("utf-8", "surrogatepass"))
    for name in (*reading.names, *licenses_of(reading, "x")):
        name.encode()
    assert all(len(issue.excerpt) <= 200 for issue in reading.issues)


@pytest.mark.corpus
def test_cases_of_the_conformance_corpus():
    path = CORPUS / "conformance" / "contentsignal_rsl.jsonl"
    if not path.is_file():
        pytest.skip(f"no corpus of real files at {CORPUS}")
    cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    cases = [case for case in cases if case["kind"] == "rsl-license-line"]
    got = [licenses_of(read(case["robots_txt"]), case["user_agent"]) for case in cases]
    assert got == [tuple(case["expected"]["active"]) for case in cases]
    assert len(cases) == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"Licence: {A}", (True, ("*",), (A,)), id="British"),
        pytest.param(f"Licence: {A}\nLicense: {A}", (False, ("*",), (A,)), id="both spellings"),
        pytest.param(f"Licence: {A}\nLicense: {B}", (True, ("*",), (B,)), id="of another document"),
        pytest.param(
            f"User-agent: GPTBot\nLicence: {A}\nDisallow:", (True, ("GPTBot",), ()), id="a group"
        ),
    ],
)
def test_a_misspelt_key_names_a_document_loosely(text, expected):
    reading = read(text)
    carriers = [("https://h.example/robots.txt", reading)]
    loose = rsl_robots.loose_name_of(A, carriers)
    assert (loose, audience_of(A, carriers, None), licenses_of(reading, "Other")) == expected
