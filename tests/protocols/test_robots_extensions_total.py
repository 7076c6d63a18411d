"""Property tests: any bytes give one reading, and only its statements answer questions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.aipref import aipref_header, aipref_robots
from crawler.protocols.content_signals import content_signal_header, content_signal_robots
from crawler.protocols.interface import Protocol
from crawler.protocols.robots import ai_control
from crawler.vocab import Stance

PROTOCOLS: tuple[Protocol, ...] = (
    ai_control,
    aipref_header,
    aipref_robots,
    content_signal_header,
    content_signal_robots,
)
LINES = st.sampled_from(
    [
        "User-agent: *",
        "User-agent: GPTBot",
        "user-agent: a, b",
        "User-agent: caf\u00e9*",
        "User-agent:",
        "Disallow: /",
        "Allow: /a",
        "DisallowAITraining: /",
        "AllowAITraining: /*.pdf$",
        "TDM-Reservation: 1",
        "Content-Signal: ai-train=no, search=yes",
        "Content-Signal: /a ai-train=yes, use=full",
        "Content-Signal: \udce9=no ai-train = 0",
        "Content-Usage: train-ai=n;exceptions=cc-cr",
        "Content-Usage: /a* train-ai=y, ai=n",
        "Content-Usage: \udce9 train-ai = n",
        "# BEGIN Cloudflare Managed content",
        "# END Cloudflare Managed content",
        "<html>",
    ]
)
NOISE = st.text(st.sampled_from('abny=*,;"?@%:()-/0123456789 \t\r\n#\xe9\ufeff'), max_size=30)
FIELDS = st.sampled_from(["Content-Usage: ", "Content-Signal: ", "DisallowAITraining: "])
TEXTS = st.lists(st.one_of(LINES, NOISE, st.builds("{}{}".format, FIELDS, NOISE)), max_size=12)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda parts, end: end.join(parts).encode("utf-8", "surrogateescape"),
        TEXTS,
        st.sampled_from(["\n", "\r\n", "\r"]),
    ),
)
QUESTIONS = st.builds(
    Question,
    path=st.one_of(st.none(), st.just("/a.pdf"), st.text(max_size=12).map("/".__add__)),
    agent=st.one_of(st.none(), st.sampled_from(["*", "GPTBot"]), st.text(max_size=5)),
)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.NAME)
@settings(max_examples=150, deadline=None)
@given(body=BODIES, question=QUESTIONS)
def test_every_document_has_one_reading(protocol, body, question):
    document = Document(body=body)
    reading = protocol.parse(document)
    assert protocol.parse(document) == reading
    assert [s.n for s in reading.statements] == list(range(1, len(reading.statements) + 1))
    applicable = protocol.statements_for(reading, question)
    assert {applied.statement for applied in applicable} <= set(reading.statements)
    counting = [applied.statement.counts for applied in applicable]
    assert counting == sorted(counting, reverse=True)
    assert len({applied.statement.n for applied in applicable}) == len(applicable)
    assert all(s.stance in (Stance.RESERVED, Stance.PERMITTED) for s in reading.statements)
    for text in [
        *(s.raw + s.agent for s in reading.statements),
        *(i.excerpt for i in reading.issues),
    ]:
        text.encode("utf-8")
    assert all(len(issue.excerpt) <= 200 for issue in reading.issues)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.NAME)
def test_a_protocol_has_the_names_of_the_interface(protocol):
    named = {"NAME", "VERSION", "TITLE", "SPEC", "FAMILY", "RANK"}
    assert named | {"CARRIER", "RESOURCES", "HEADERS"} <= vars(protocol).keys()
    assert protocol.__name__.rpartition(".")[2] == protocol.NAME


def test_header_and_robots_carriers_have_equal_rank():
    families = [(protocol.FAMILY, protocol.RANK) for protocol in PROTOCOLS]
    assert families == [
        ("ai_control", 0),
        ("aipref", 0),
        ("aipref", 0),
        ("content_signal", 0),
        ("content_signal", 0),
    ]
