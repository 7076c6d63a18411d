"""PLUS `DataMining` in the XMP of a media file (IPTC Photo Metadata Standard since 2023.1).

The property speaks for the file that contains it. Its absence says little: servers of images
often strip metadata.
"""

from collections.abc import Iterator

from crawler import media
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.media import _metadata
from crawler.protocols.media._metadata import Property
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.parsing.near_names import NearNames
from crawler.protocols.tdmrep._values import visitable_policy
from crawler.vocab import DeclaredBy, Purpose, Reads, Resource, Stance

NAME = "plus_xmp"
VERSION = 2
TITLE = "PLUS data mining in XMP"
SPEC = "https://ns.useplus.org/LDF/ldf-XMPSpecification"
FAMILY = "plus"
RANK = 0
CARRIER = Carrier.MEDIA
RESOURCES = frozenset({Resource.MEDIA})
HEADERS: tuple[str, ...] = ()

_SPACE = "http://ns.useplus.org/ldf/xmp/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
_CLAUSE = "PLUS LDF, Data Mining; IPTC Photo Metadata Standard, Data Mining"
_MAX_RAW = 1000
_ALL_PURPOSES = (Purpose.TDM, Purpose.AI_INPUT, Purpose.SEARCH)
_RESERVED, _CONDITIONAL, _PERMITTED = Stance.RESERVED, Stance.CONDITIONAL, Stance.PERMITTED
_OFFERED = tuple((_CONDITIONAL, purpose) for purpose in _ALL_PURPOSES)
#: The tier of each key of the PLUS vocabulary, and its stance on each purpose. "Data mining" names
#: mining itself (tier 1); keys about training are one step less explicit (tier 2).
_KEYS: dict[str, tuple[int, tuple[tuple[Stance, Purpose], ...]]] = {
    "DMI-UNSPECIFIED": (1, ()),
    "DMI-ALLOWED": (1, tuple((_PERMITTED, purpose) for purpose in _ALL_PURPOSES)),
    "DMI-PROHIBITED-AIMLTRAINING": (2, ((_RESERVED, Purpose.AI_TRAIN),)),
    "DMI-PROHIBITED-GENAIMLTRAINING": (2, ((_RESERVED, Purpose.GENAI_TRAIN),)),
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": (
        1,
        ((_RESERVED, Purpose.TDM), (_PERMITTED, Purpose.SEARCH)),
    ),
    "DMI-PROHIBITED": (1, tuple((_RESERVED, purpose) for purpose in _ALL_PURPOSES)),
    "DMI-PROHIBITED-SEECONSTRAINT": (1, _OFFERED),
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": (1, _OFFERED),
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": (1, _OFFERED),
}
#: Words that authors write for a key: labels of ExifTool and the plain word.
NEAR_KEYS = {
    "prohibited": "DMI-PROHIBITED",
    "notallowed": "DMI-PROHIBITED",
    "prohibited for ai/ml training": "DMI-PROHIBITED-AIMLTRAINING",
    "prohibited for generative ai/ml training": "DMI-PROHIBITED-GENAIMLTRAINING",
    "prohibited-aitraining": "DMI-PROHIBITED-AIMLTRAINING",
    "allowed": "DMI-ALLOWED",
}
_SPELLINGS = NearNames(_KEYS, NEAR_KEYS)
#: The property with the terms that a key points to; without them the key only prohibits.
_TERMS = {
    "DMI-PROHIBITED-SEECONSTRAINT": (_SPACE, "OtherConstraints"),
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": (_IPTC, "EmbdEncRightsExpr"),
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": (_IPTC, "LinkedEncRightsExpr"),
}


def parse(document: Document, /) -> Reading:
    """Return the reading of the property in all packets; of two different values both count."""
    extract = media.read(document.body)
    issues: list[Issue] = []
    spaces = frozenset({_SPACE, _IPTC})
    properties = list(_metadata.find_properties(extract, spaces, FAMILY, issues))
    # Reversed, so that the first of equal properties is kept.
    terms = {(p.space, p.name): p.value for p in reversed(properties) if p.value}
    by_value = {
        p.value: p for p in reversed(properties) if (p.space, p.name) == (_SPACE, "DataMining")
    }
    if len(by_value) > 1:
        issues += [p.issue("plus.contradictory") for p in by_value.values()]
    statements = [s for p in by_value.values() for s in _statements(p, extract.kind, terms, issues)]
    # A packet that names the namespace but cannot be read is malformed, not absent.
    given = bool(by_value or issues)
    valid = any(_VOCABULARY + key in by_value for key in _KEYS)
    parts = frozenset({"xmp", "pdf", "file"})
    unseen = _metadata.report_unread_parts(extract, parts, FAMILY, issues)
    return _metadata.make_reading(
        statements, issues, FAMILY, given=given, valid=valid, unseen=unseen
    )


def _statements(
    prop: Property, kind: str, terms: dict[tuple[str, str], str], issues: list[Issue]
) -> Iterator[Statement]:
    """Yield a statement for each purpose of a key; only a key as full URI counts."""
    exact = prop.value.removeprefix(_VOCABULARY)
    strict = prop.value.startswith(_VOCABULARY) and exact in _KEYS
    key = exact if strict else _probable_key(prop.value)
    if key is None:
        issues.append(prop.issue("plus.unknown_value"))
        return
    if not strict:
        issues.append(prop.issue("plus.not_the_uri"))
    tier, stances = _KEYS[key]
    offer = terms.get(_TERMS[key], "") if key in _TERMS else ""
    if key in _TERMS and not offer:
        issues.append(prop.issue("plus.terms_missing"))
    for stance, purpose in stances:
        without_terms = stance is Stance.CONDITIONAL and not offer
        yield Statement(
            rule=f"plus.{key.lower()}.{purpose}",
            stance=Stance.RESERVED if without_terms else stance,
            purpose=purpose,
            tier=tier,
            place=f"XMP of the {kind} file, {prop.place}",
            raw=clean(prop.raw[:_MAX_RAW]),
            clause=_CLAUSE,
            declared_by=DeclaredBy.MEDIA_FILE,
            line=prop.line,
            policy=visitable_policy(offer) if "://" in offer else None,
            reads=Reads.BOTH if strict else Reads.LENIENT,
            counts=strict,
        )


def _probable_key(value: str) -> str | None:
    """Return the key that a value other than the full URI probably means, None if it means none."""
    # Deployed files have the bare key (M04), another case, or https.
    return _SPELLINGS.meant(value) or _SPELLINGS.meant(value.rpartition("/")[2])


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements of the file about itself; those that count come first."""
    return _metadata.statements_of_file(reading)
