"""Documents that name hosts, that only loose links name, or that had to be decoded first."""

import gzip
from dataclasses import replace

import pytest

from crawler import page
from crawler.evaluate.evaluation_cache import EvaluationCache
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import ResourceEvidence
from crawler.model import Document, Question
from crawler.protocols.files import ai_txt
from crawler.protocols.parse import parse
from crawler.protocols.prose import text_search
from crawler.protocols.rsl import rsl, rsl_html, rsl_robots
from crawler.rulesets import load
from crawler.vocab import Presence, Resource

LICENCE = "https://licences.example/l.xml"
TEXT = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="{}"><license>'
    '<prohibits type="usage">all</prohibits></license></content></rsl>'
)
RULES = load("signals")


def evidence(resource, path, *readings, origin="https://h.example"):
    return ResourceEvidence(
        resource=resource,
        path=path,
        url=path if "//" in path else origin + path,
        presence=Presence.PRESENT,
        observation=1,
        observed_at="2026-11-28T00:00:00.000Z",
        readings=tuple((protocol, protocol.NAME, reading) for protocol, reading in readings),
        origin="" if "//" in path else origin,
    )


def read(protocol, text):
    body = page.extract(text.encode()) if protocol is rsl_html else text.encode()
    return protocol, parse(protocol, Document(body=body))


def resources(licence, *carriers, origin="https://h.example"):
    return (
        *(evidence(resource, path, reading, origin=origin) for resource, path, reading in carriers),
        evidence(Resource.RSL_LICENSE, LICENCE, licence),
    )


def states(found):
    return {
        f.purpose.value: f.state.value
        for f in evaluate(found, Question(), RULES)
        if f.purpose != "search"
    }


ROBOTS = (Resource.ROBOTS_TXT, "/robots.txt", read(rsl_robots, f"License: {LICENCE}\n"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://elsewhere.example/", "silent", id="E1 another host"),
        pytest.param("https://h.example/", "reserved", id="E1 this host"),
        pytest.param("https://www.h.example/", "silent", id="E1 www"),
        pytest.param("/", "reserved", id="E2 a path"),
    ],
)
def test_a_licence_is_about_the_host_that_it_names(url, expected):
    licence = read(rsl, TEXT.format(url))
    purposes = ("tdm", "ai_train", "genai_train", "ai_input")
    assert states(resources(licence, ROBOTS)) == dict.fromkeys(purposes, expected)


def test_equal_pages_of_two_hosts_are_not_evaluated_once_if_they_name_a_host():
    script = TEXT.format("https://a.example/")
    reading = read(rsl_html, f'<script type="application/rsl+xml">{script}</script>')
    cache = EvaluationCache((RULES,), RULES)
    got = [
        {
            finding.state.value
            for finding in cache.evaluation_of(
                (evidence(Resource.HOME, "/", reading, origin=origin),)
            ).findings
        }
        for origin in ("https://a.example", "https://b.example", "https://a.example")
    ]
    assert got == [{"partial"}, {"silent"}, {"partial"}]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        pytest.param('<link rel="license" type="{}" href="/l.xml">', False, id="D3 relative"),
        pytest.param(
            '<link rel="license" type="{}" href="https://licences.example/l.xml">', True, id="D3"
        ),
    ],
)
def test_a_document_that_only_a_relative_link_names_does_not_count(text, counts):
    link = read(rsl_html, text.format("application/rsl+xml"))
    home = (Resource.HOME, "/", link)
    found = resources(read(rsl, TEXT.format("/")), home, origin="https://licences.example")
    (tdm,) = [f for f in evaluate(found, Question(), RULES) if f.purpose == "tdm"]
    assert (tdm.state.value, [h.excluded_because for h in tdm.considered]) == (
        ("reserved", [""]) if counts else ("silent", ["not counted"])
    )


def test_a_file_whose_encoding_had_to_be_undone_is_shown_and_does_not_count():
    body = gzip.compress(b"User-Agent: *\nDisallow: /\n")
    reading = parse(ai_txt, Document(body=body))
    found = (evidence(Resource.AI_TXT, "/ai.txt", (ai_txt, reading)),)
    (train,) = [f for f in evaluate(found, Question(), RULES) if f.purpose == "ai_train"]
    assert [h.excluded_because for h in train.considered] == ["not counted"]


def test_bytes_that_nothing_decodes_make_unknown():
    reading = parse(ai_txt, Document(body=b"\x8b\x0e\x80\x00\xff" * 9))
    found = (evidence(Resource.AI_TXT, "/ai.txt", (ai_txt, reading)),)
    assert set(states(found).values()) == {"unknown"}


@pytest.mark.parametrize(
    ("location", "limit"), [("page_metadata", "pages"), ("ai_txt_comment", ""), ("llms_txt", "")]
)
def test_prose_of_metadata_is_about_its_page_and_prose_of_files_about_everything(location, limit):
    candidates = text_search.search_comments("# Text and data mining is prohibited.", location)
    _, reading = read(ai_txt, "User-agent: *\nAllow: /\n")
    reading = replace(reading, candidates=candidates)
    found = (evidence(Resource.AI_TXT, "/ai.txt", (ai_txt, reading)),)
    (tdm,) = [f for f in evaluate(found, Question(), load("inclusive")) if f.purpose == "tdm"]
    assert tdm.deciding.applied.limited_to == limit
