"""Property tests: any bytes give one reading, and only its statements answer questions."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.files import ai_txt
from crawler.protocols.interface import Protocol
from crawler.protocols.tdmrep import tdm_policy, tdmrep_file, tdmrep_header, tdmrep_html

PROTOCOLS: tuple[Protocol, ...] = (
    ai_txt,
    tdm_policy,
    tdmrep_file,
    tdmrep_header,
    tdmrep_html,
)
PIECES = (
    '[{"location":',
    '"/"',
    '"tdm-reservation":',
    "1",
    "0",
    ",",
    "}",
    "]",
    "{",
    '"\\ud800"',
    "NaN",
    "User-agent: *",
    "Disallow: *.jpg",
    "Allow: /",
    "\n",
    "\r\n",
    "tdm-reservation: ",
    "tdm-policy:",
    '<meta name="tdm-reservation" content="1">',
    '"permission": [',
    '"@id"',
    "\ufeff",
    "*/",
    "é",
    "$",
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("/")
)
KEYS = st.sampled_from(
    [
        "location",
        "tdm-reservation",
        "tdm-policy",
        "tdm_reservation",
        "tdm",
        "assigner",
        "permission",
        "duty",
        "constraint",
        "action",
        "uid",
        "@type",
        "@id",
        "vcard:fn",
        "vcard:hasAddress",
    ]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(KEYS, st.text(max_size=4)), inner)
    ),
    max_leaves=20,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=25).map(lambda parts: "".join(parts).encode()),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.lists(st.sampled_from(PIECES), max_size=10).map(
        lambda parts: page.extract("".join(parts).encode())
    ),
)
DOCUMENTS = st.builds(
    Document,
    body=BODIES,
    media_type=st.sampled_from(["", "text/html", "text/plain", "application/json"]),
    charset=st.sampled_from(["", "utf-8", "utf-16"]),
    truncated=st.booleans(),
)
QUESTIONS = st.builds(
    Question,
    path=st.one_of(st.none(), st.just("/a.jpg"), st.text(max_size=12).map("/".__add__)),
    agent=st.one_of(st.none(), st.just("GPTBot"), st.text(max_size=5)),
)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.NAME)
@settings(max_examples=150, deadline=None)
@given(document=DOCUMENTS, question=QUESTIONS)
def test_every_document_has_one_reading(protocol, document, question):
    reading = protocol.parse(document)
    assert protocol.parse(document) == reading
    assert [statement.n for statement in reading.statements] == [
        n for n, _ in enumerate(reading.statements, start=1)
    ]
    applicable = protocol.statements_for(reading, question)
    assert {applied.statement for applied in applicable} <= set(reading.statements)
    counting = [applied.statement.counts for applied in applicable]
    assert counting == sorted(counting, reverse=True)
    for text in [*(s.raw for s in reading.statements), *(i.excerpt for i in reading.issues)]:
        text.encode("utf-8")
    assert all(len(issue.excerpt) <= 200 for issue in reading.issues)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.NAME)
def test_a_protocol_has_the_names_of_the_interface(protocol):
    public = {name for name in vars(protocol) if name.isupper() and not name.startswith("_")}
    named = {
        "NAME",
        "VERSION",
        "TITLE",
        "SPEC",
        "FAMILY",
        "RANK",
        "CARRIER",
        "RESOURCES",
        "HEADERS",
    }
    assert named <= public
    assert protocol.__name__.rpartition(".")[2] == protocol.NAME


def test_the_nearer_carrier_has_the_greater_rank():
    carriers = (tdmrep_file, tdmrep_header, tdmrep_html)
    assert [(c.FAMILY, c.RANK) for c in carriers] == [("tdmrep", 1), ("tdmrep", 2), ("tdmrep", 3)]
