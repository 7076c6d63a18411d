"""Property: every media protocol gives one reading of any extract, and raises nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import media
from crawler.media import Assertion, Credentials, Media, MediaFault, Package, Packet, XmpElement
from crawler.model import Document, Question
from crawler.protocols.interface import Protocol
from crawler.protocols.media import cawg, plus_xmp
from crawler.protocols.tdmrep import tdmrep_epub, tdmrep_pdf
from tests.media_files import PLUS, TDM, VOCABULARY, plus, tdm, xmp

PROTOCOLS: tuple[Protocol, ...] = (plus_xmp, tdmrep_pdf, tdmrep_epub, cawg)
WORDS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        "1 0 tdm:reservation tdm:policy meta property name content refines cawg.data_mining "
        "constrained allowed c2pa.ai_training https://a.example/p \ud800 \0".split(" ")
    ),
)
PIECES = st.sampled_from(
    ["<", ">", "/", f'xmlns:plus="{PLUS}"', f'xmlns:tdm="{TDM}"', "<rdf:RDF", "<tdm:reservation>",
     f'plus:DataMining="{VOCABULARY}DMI-PROHIBITED"', "1", "&amp;", "<!DOCTYPE x>", "=x "]
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from([plus(f"{VOCABULARY}DMI-ALLOWED"), tdm(), xmp(), ""]),
    st.lists(PIECES, max_size=12).map("".join),
    st.text(max_size=20).map(lambda text: plus(text.replace("&", "").replace("<", ""))),
)
EXTRACTS = st.builds(
    Media,
    kind=st.sampled_from(["pdf", "jpeg", "epub", ""]),
    truncated=st.booleans(),
    packets=st.lists(st.builds(Packet, place=WORDS, text=TEXTS, cut=st.booleans()), max_size=2).map(
        tuple
    ),
    package=st.none()
    | st.builds(
        Package,
        path=WORDS,
        prefix=st.sampled_from(["", "tdm: http://www.w3.org/ns/tdmrep#", "tdm:", ": : :"]),
        elements=st.lists(
            st.builds(
                XmpElement,
                tag=WORDS,
                line=st.integers(1, 9),
                attributes=st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple),
                text=WORDS,
            ),
            max_size=4,
        ).map(tuple),
    ),
    credentials=st.none()
    | st.builds(
        Credentials,
        state=st.sampled_from(["Valid", "Invalid", ""]),
        assertions=st.lists(
            st.builds(
                Assertion,
                manifest=WORDS,
                label=st.sampled_from(["cawg.training-mining", "c2pa.training-mining__1"]),
                active=st.booleans(),
                claim=st.integers(1, 3),
                entries=st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=4).map(tuple),
            ),
            max_size=2,
        ).map(tuple),
    ),
    faults=st.lists(
        st.builds(
            MediaFault, part=st.sampled_from(["pdf", "xmp", "c2pa", "epub", "file"]), why=WORDS
        ),
        max_size=2,
    ).map(tuple),
)
BODIES = st.one_of(st.binary(max_size=50), EXTRACTS.map(media.write))


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.NAME)
@settings(max_examples=150, deadline=None)
@given(body=BODIES)
def test_every_extract_has_one_reading(protocol, body):
    document = Document(body=body)
    reading = protocol.parse(document)
    assert protocol.parse(document) == reading
    assert [s.n for s in reading.statements] == list(range(1, len(reading.statements) + 1))
    statements_for = protocol.statements_for(reading, Question(path="/a"))
    assert {applied.statement for applied in statements_for} == set(reading.statements)
    counting = [applied.statement.counts for applied in statements_for]
    assert counting == sorted(counting, reverse=True)
    for text in [*(s.raw for s in reading.statements), *(i.excerpt for i in reading.issues)]:
        text.encode("utf-8")
    assert all(len(issue.excerpt) <= 200 for issue in reading.issues)
