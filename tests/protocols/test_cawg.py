"""Training and data mining assertions, of CAWG and of C2PA 1.x."""

import json

import pytest

from crawler import media
from crawler.media import Assertion, Credentials, Media, MediaFault, Packet
from crawler.model import Document
from crawler.protocols.media import cawg as protocol
from crawler.vocab import DeclaredBy
from tests.c2pa_signing import signed
from tests.media_files import jpeg, xmp
from tests.protocols.protocol_tables import applicable, codes, meant

TERMS = "https://a.example/licence"


def summary(reading):
    found = applicable(protocol, reading, "/a.jpg"), meant(protocol, reading, "/a.jpg")
    return reading.presence.value, *found, codes(reading)


def read(body: bytes):
    return protocol.parse(Document(body=media.extract(body)))


def entries(label: str, claim: int, **uses: dict[str, str]) -> bytes:
    """A signed JPEG with an assertion about these uses."""
    owner = label.partition(".")[0]
    data = {"entries": {f"{owner}.{name}": use for name, use in uses.items()}}
    return signed("image/jpeg", jpeg(), (label, data), claim=claim)


NO, YES, SO = {"use": "notAllowed"}, {"use": "allowed"}, {"use": "constrained"}


@pytest.mark.parametrize(
    ("label", "claim", "uses", "expected"),
    [
        pytest.param(
            "cawg.training-mining",
            2,
            {"data_mining": NO, "ai_training": YES},
            ("present", ["ai_train permitted", "tdm reserved"], [], []),
            id="M07",
        ),
        pytest.param(
            "cawg.training-mining",
            2,
            {"ai_generative_training": SO},
            ("present", ["genai_train reserved"], [], []),
            id="M08",
        ),
        pytest.param(
            "cawg.training-mining",
            2,
            {"ai_generative_training": SO | {"constraint_info": TERMS}},
            ("present", ["genai_train conditional"], [], []),
            id="M09",
        ),
        pytest.param(
            "c2pa.training-mining",
            2,
            {"data_mining": NO},
            ("present", ["tdm reserved"], [], ["legacy_label"]),
            id="M10",
        ),
        pytest.param(
            "c2pa.training-mining",
            1,
            {"ai_inference": NO},
            ("present", ["ai_input reserved"], [], []),
            id="in a manifest of its time",
        ),
    ],
)
def test_signed_files(label, claim, uses, expected):
    assert summary(read(entries(label, claim, **uses))) == expected


def test_a_statement_names_its_manifest_and_terms():
    use = SO | {"constraint_info": TERMS}
    (one,) = read(entries("cawg.training-mining", 2, data_mining=use)).statements
    assert (one.tier, one.policy, one.declared_by) == (1, TERMS, DeclaredBy.MEDIA_FILE)
    assert one.place == "C2PA manifest of the jpeg file, cawg.training-mining"
    assert one.raw == f"cawg.data_mining: constrained; {TERMS}"
    assert one.rule == "cawg.data_mining.constrained"


def test_a_file_changed_after_signing_does_not_count():
    changed = entries("cawg.training-mining", 2, data_mining=NO).replace(b"JFIF", b"JFIG")
    assert summary(read(changed)) == ("malformed", [], ["tdm reserved"], ["invalid_manifest"])


def written(*given: tuple[str, str, str], active: bool = True, state: str = "Valid"):
    one = Assertion(
        manifest="urn:x", label="cawg.training-mining", active=active, claim=2, entries=given
    )
    found = Media(kind="jpeg", credentials=Credentials(state=state, assertions=(one,)))
    return protocol.parse(Document(body=media.write(found)))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(
            ("cawg.data_mining", "not_allowed", ""),
            ("malformed", [], ["tdm reserved"], ["use_misspelt"]),
            id="spelt otherwise",
        ),
        pytest.param(
            ("cawg.data_mining", "never", ""),
            ("malformed", [], [], ["unknown_use"]),
            id="another use",
        ),
        pytest.param(
            ("ai_training", "denied", ""),
            ("malformed", [], ["ai_train reserved"], ["key_misspelt", "use_misspelt"]),
            id="no owner, and another word",
        ),
        pytest.param(
            ("c2pa.ai-inference", "allowed", ""),
            ("malformed", [], ["ai_input permitted"], ["key_misspelt"]),
            id="a hyphen",
        ),
        pytest.param(
            ("cawg.colour", "allowed", ""),
            ("malformed", [], [], ["unknown_key"]),
            id="a reserved key",
        ),
        pytest.param(
            ("com.example.mining", "allowed", ""),
            ("malformed", [], [], ["unknown_key"]),
            id="a key of one's own",
        ),
        pytest.param(
            ("c2pa.data_mining", "allowed", ""),
            ("present", ["tdm permitted"], [], []),
            id="the older key under the newer label",
        ),
        pytest.param(
            ("cawg.data_mining", "constrained", "ask us"),
            ("present", ["tdm conditional"], [], []),
            id="terms in words",
        ),
    ],
)
def test_entries(entry, expected):
    reading = written(entry)
    assert summary(reading) == expected
    assert all(s.policy is None for s in reading.statements)


@pytest.mark.parametrize(
    ("key", "purpose", "part"),
    [
        pytest.param("cawg.ai_training", "ai_train", "non-generative", id="C5"),
        pytest.param("c2pa.ai_training", "ai_train", "non-generative", id="C5 the older key"),
        pytest.param("ai_training", "ai_train", "non-generative", id="C5 without its owner"),
        pytest.param("cawg.ai_generative_training", "genai_train", "", id="generative"),
        pytest.param("cawg.data_mining", "tdm", "", id="mining"),
        pytest.param("cawg.ai_inference", "ai_input", "", id="inference"),
    ],
)
@pytest.mark.parametrize("use", ["allowed", "notAllowed"])
def test_ai_training_speaks_of_models_that_are_not_generative(key, purpose, part, use):
    (one,) = written((key, use, "")).statements
    assert (one.purpose.value, one.use) == (purpose, part)


def test_the_manifest_of_an_ingredient_does_not_count():
    reading = written(("cawg.data_mining", "notAllowed", ""), active=False)
    assert summary(reading) == ("malformed", [], ["tdm reserved"], ["ingredient"])


def test_a_manifest_without_such_an_assertion_is_absent():
    found = Media(kind="jpeg", credentials=Credentials(state="Invalid"))
    reading = protocol.parse(Document(body=media.write(found)))
    assert summary(reading) == ("absent", [], [], [])


def test_a_remote_manifest_is_an_issue():
    space = "http://purl.org/dc/terms/"
    attributes = f'xmlns:d="{space}" d:provenance="https://a.example/m.c2pa" d:creator="x"'
    found = Media(kind="jpeg", packets=(Packet(place="APP1", text=xmp(attributes=attributes)),))
    reading = protocol.parse(Document(body=media.write(found)))
    assert summary(reading) == ("absent", [], [], ["remote_manifest"])
    assert reading.issues[0].excerpt == "https://a.example/m.c2pa"


def test_a_part_that_was_not_read_is_unseen():
    found = Media(kind="jpeg", faults=(MediaFault(part="c2pa", why="x"),))
    reading = protocol.parse(Document(body=media.write(found)))
    assert summary(reading) == ("unseen", [], [], ["unread"])


@pytest.mark.corpus
def test_a_case_of_the_conformance_corpus(corpus):
    path = corpus / "conformance" / "c2pa.jsonl"
    if not path.is_file():
        pytest.skip(f"the corpus has no {path.name}")
    (case,) = map(json.loads, path.read_bytes().splitlines())
    reading = read((corpus / case["file"]).read_bytes())
    assert ("tdm reserved" in applicable(protocol, reading)) != case["expected"]["ai_use_allowed"]
