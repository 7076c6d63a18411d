"""PLUS `DataMining` in the XMP of a media file (IPTC Photo Metadata Standard since 2023.1).

The property speaks for the file that carries it. That a file carries none says little: those
who serve images often strip their metadata.
"""

from collections.abc import Iterator

from crawler import media
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.media import _metadata
from crawler.protocols.media._metadata import Property
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.tdmrep._values import usable
from crawler.vocab import DeclaredBy, Purpose, Reads, Resource, Stance

NAME = "plus_xmp"
VERSION = 1
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
_RAW = 1000
_WHOLE = (Purpose.TDM, Purpose.AI_INPUT, Purpose.SEARCH)
_RESERVED, _CONDITIONAL, _PERMITTED = Stance.RESERVED, Stance.CONDITIONAL, Stance.PERMITTED
_OFFERED = tuple((_CONDITIONAL, purpose) for purpose in _WHOLE)
#: What each key says of which purposes, and how explicitly.
_KEYS: dict[str, tuple[int, tuple[tuple[Stance, Purpose], ...]]] = {
    "DMI-UNSPECIFIED": (1, ()),
    "DMI-ALLOWED": (1, tuple((_PERMITTED, purpose) for purpose in _WHOLE)),
    "DMI-PROHIBITED-AIMLTRAINING": (2, ((_RESERVED, Purpose.AI_TRAIN),)),
    "DMI-PROHIBITED-GENAIMLTRAINING": (2, ((_RESERVED, Purpose.GENAI_TRAIN),)),
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": (
        1,
        ((_RESERVED, Purpose.TDM), (_PERMITTED, Purpose.SEARCH)),
    ),
    "DMI-PROHIBITED": (1, tuple((_RESERVED, purpose) for purpose in _WHOLE)),
    "DMI-PROHIBITED-SEECONSTRAINT": (1, _OFFERED),
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": (1, _OFFERED),
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": (1, _OFFERED),
}
#: Where the terms stand that a key points to; without them it only prohibits.
_TERMS = {
    "DMI-PROHIBITED-SEECONSTRAINT": (_SPACE, "OtherConstraints"),
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": (_IPTC, "EmbdEncRightsExpr"),
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": (_IPTC, "LinkedEncRightsExpr"),
}


def parse(document: Document, /) -> Reading:
    """Read the property in every packet; values that disagree all count."""
    found = media.read(document.body)
    issues: list[Issue] = []
    every = list(_metadata.properties(found, frozenset({_SPACE, _IPTC}), FAMILY, issues))
    terms = {(p.space, p.name): p.value for p in reversed(every) if p.value}
    given = {p.value: p for p in reversed(every) if (p.space, p.name) == (_SPACE, "DataMining")}
    if len(given) > 1:
        issues += [p.issue("plus.contradictory") for p in given.values()]
    statements = [s for p in given.values() for s in _statements(p, found.kind, terms, issues)]
    seen = bool(given or issues)
    valid = any(_VOCABULARY + key in given for key in _KEYS)
    unseen = _metadata.unread(found, frozenset({"xmp", "pdf", "file"}), FAMILY, issues)
    return _metadata.reading(statements, issues, FAMILY, given=seen, valid=valid, unseen=unseen)


def _statements(
    given: Property, kind: str, terms: dict[tuple[str, str], str], issues: list[Issue]
) -> Iterator[Statement]:
    """A statement for each purpose that the key speaks of; a key without its URI is meant so."""
    strict = given.value.startswith(_VOCABULARY)
    key = given.value.removeprefix(_VOCABULARY) if strict else _bare(given.value)
    if key not in _KEYS:
        issues.append(given.issue("plus.unknown_value"))
        return
    if not strict:
        issues.append(given.issue("plus.not_the_uri"))
    tier, said = _KEYS[key]
    offered = terms.get(_TERMS[key], "") if key in _TERMS else ""
    if key in _TERMS and not offered:
        issues.append(given.issue("plus.terms_missing"))
    for stance, purpose in said:
        kept = Stance.RESERVED if stance is Stance.CONDITIONAL and not offered else stance
        yield Statement(
            rule=f"plus.{key.lower()}.{purpose}",
            stance=kept,
            purpose=purpose,
            tier=tier,
            place=f"XMP of the {kind} file, {given.place}",
            raw=clean(given.raw[:_RAW]),
            clause=_CLAUSE,
            declared_by=DeclaredBy.MEDIA_FILE,
            line=given.line,
            policy=usable(offered) if "://" in offered else None,
            reads=Reads.BOTH if strict else Reads.LENIENT,
            counts=strict,
        )


def _bare(value: str) -> str:
    """The key that a value means which is not the URI of the vocabulary."""
    return value.rpartition("/")[2].strip().upper()


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the file says about itself, the counting first."""
    return _metadata.whole(reading)
