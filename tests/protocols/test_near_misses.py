"""Near misses: each gives the issue and a lenient statement, and the page lists all of them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import media, page
from crawler.media import Assertion, Credentials, Media, Packet
from crawler.model import Document, Question, Reading
from crawler.protocols import PROTOCOLS, near_misses
from crawler.protocols.interface import Carrier
from crawler.protocols.near_misses import NearMiss
from crawler.protocols.parsing import loose_json
from crawler.protocols.parsing.near_names import NearNames, header_spellings
from crawler.protocols.tdmrep import tdmrep_file, tdmrep_header
from crawler.vocab import Reads, Stance
from tests.media_files import plus
from tests.protocols.protocol_tables import answered

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "near-misses.md"
BY_NAME = {protocol.NAME: protocol for protocol in PROTOCOLS}
ENTRIES = [one for vocabulary in near_misses.VOCABULARIES for one in vocabulary.entries]


def read(one: NearMiss) -> Reading:
    """Parse the document of an entry as its protocol meets it."""
    protocol, written = BY_NAME[one.protocol], one.written
    if protocol.CARRIER is Carrier.HEADERS:
        name, _, value = written.partition(":")
        return answered(protocol, (name, value))
    if protocol.CARRIER is Carrier.PAGE:
        return protocol.parse(Document(body=page.extract(written.encode())))
    if one.protocol == "cawg":
        key, _, use = written.partition(": ")
        assertion = Assertion(
            manifest="m",
            label="cawg.training-mining",
            claim=2,
            active=True,
            entries=((key, use, ""),),
        )
        credentials = Credentials(state="Valid", assertions=(assertion,))
        return protocol.parse(
            Document(body=media.write(Media(kind="jpeg", credentials=credentials)))
        )
    if one.protocol == "plus_xmp":
        packets = (Packet(place="APP1", text=plus(written)),)
        return protocol.parse(Document(body=media.write(Media(kind="jpeg", packets=packets))))
    if one.protocol in ("tdmrep_file", "trust_txt", "ai_txt"):
        text = written
    elif written.startswith("User-agent"):
        text = f"{written}\nAllow: /\n"
    else:
        text = f"User-agent: *\n{written}\nAllow: /\n"
    return protocol.parse(Document(body=text.encode()))


@pytest.mark.parametrize("one", ENTRIES, ids=lambda one: f"{one.protocol}: {one.written}")
def test_a_near_miss_gives_an_issue_and_a_lenient_statement(one):
    reading = read(one)
    assert one.issue in {issue.code for issue in reading.issues}
    applied = BY_NAME[one.protocol].statements_for(reading, Question())
    shown = {(s.stance, s.purpose) for s, _ in applied if not s.counts and s.reads is Reads.LENIENT}
    assert (one.stance, one.purpose) in shown


def test_no_entry_stands_twice():
    keys = [(one.protocol, one.written) for one in ENTRIES]
    assert len(set(keys)) == len(keys)


def test_the_page_has_every_entry():
    assert near_misses.as_markdown() in DOCS.read_text(encoding="utf-8")


NAMES = NearNames(("content-signal", "content-usage"), {"usage": "content-usage"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Content_Signal", "content-signal"),
        ("content signals", "content-signal"),
        ("X-Content-Signal", "content-signal"),
        ("content-singal", "content-signal"),
        ("content-sgnal", "content-signal"),
        ("contenst-signal", "content-signal"),
        ("Usage", "content-usage"),
        ("x-usage", "content-usage"),
        ("content-type", None),
        ("content", None),
        ("usages", None),
        ("", None),
        ("content-signal" * 100, None),
    ],
)
def test_names(written, meant):
    assert NAMES.meant(written) == meant


def test_spellings_of_a_header():
    found = header_spellings("tdm-policy")
    assert {"tdm_policy", "tdmpolicy", "tdm-policies", "x-tdm-policy", "tdm-polciy"} - set(
        found
    ) == {"tdm-policies"}
    assert "tdm-policy" not in found
    assert {"tdm-policies", "tdm-reserved"} <= set(tdmrep_header.HEADERS)


PIECES = st.lists(
    st.sampled_from(
        '{|}|[|]|,|:|"|\'|\\|//|/*|*/|#|\n| |"location"|"tdm-reservation"|1|"/"|/.*|^|(|)|true|x|=|'
        "\u201c|\u201d|.+|[a-z]+|\\d|%|\udca0".split("|")
    ),
    max_size=40,
).map("".join)


@given(text=PIECES)
def test_any_text_is_repaired_without_an_error(text):
    repaired = loose_json.repair(text)
    assert text.count("\n") == repaired.count("\n")
    assert list(loose_json.loose_items(text)) == list(loose_json.loose_items(text))


@given(location=PIECES, path=PIECES)
def test_any_location_has_a_reading(location, path):
    body = json.dumps([{"location": location, "tdm-reservation": 1}]).encode()
    reading = tdmrep_file.parse(Document(body=body))
    applied = tdmrep_file.statements_for(reading, Question())
    assert {s.counts for s, _ in applied} <= {True, False}
    assert [s.stance for s, _ in applied][:1] == [Stance.RESERVED]
    tdmrep_file.statements_for(reading, Question(path=f"/{path}"))
