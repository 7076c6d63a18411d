"""Training and data mining assertions in C2PA manifests: CAWG, and the older one of C2PA 1.x.

A manifest whose validation failed is shown and does not count. Whether its signer is to be
trusted is not asked: no trust list is consulted.
"""

from collections.abc import Iterator

from crawler import media
from crawler.media import Assertion, Media
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.media import _metadata
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.tdmrep._values import usable
from crawler.vocab import DeclaredBy, Purpose, Reads, Resource, Stance

NAME = "cawg"
VERSION = 1
TITLE = "CAWG and C2PA training and data mining assertions"
SPEC = "https://cawg.io/training-and-data-mining/"
FAMILY = "cawg"
RANK = 0
CARRIER = Carrier.MEDIA
RESOURCES = frozenset({Resource.MEDIA})
HEADERS: tuple[str, ...] = ()

_DCTERMS = "http://purl.org/dc/terms/"
_CLAUSES = {
    "cawg": "CAWG Training and Data Mining Assertion 1.1",
    "c2pa": "C2PA 1.4, Training and Data Mining",
}
#: Purposes and how explicit they are: only `data_mining` has the words of Art. 2(2).
_PURPOSES = {
    "data_mining": (Purpose.TDM, 1),
    "ai_inference": (Purpose.AI_INPUT, 2),
    "ai_generative_training": (Purpose.GENAI_TRAIN, 2),
    "ai_training": (Purpose.AI_TRAIN, 2),
}
_USES = ("allowed", "notAllowed", "constrained")
_MEANT = {use.lower(): use for use in _USES}


def parse(document: Document, /) -> Reading:
    """Read the assertions of every manifest; only those of the file's own count."""
    found = media.read(document.body)
    issues: list[Issue] = []
    statements: list[Statement] = []
    assertions = found.credentials.assertions if found.credentials else ()
    invalid = found.credentials is not None and found.credentials.state == "Invalid"
    if invalid and assertions and found.credentials:
        issues.append(_issue("invalid_manifest", " ".join(found.credentials.codes)))
    for assertion in assertions:
        issues += _odd(assertion)
        counts = assertion.active and not invalid
        statements += _statements(assertion, found.kind, issues, counts=counts)
    if found.credentials is None:
        issues += _elsewhere(found)
    unseen = _metadata.unread(found, frozenset({"c2pa", "file"}), FAMILY, issues)
    valid = any(s.counts for s in statements)
    return _metadata.reading(
        statements, issues, FAMILY, given=bool(assertions), valid=valid, unseen=unseen
    )


def _issue(code: str, text: str) -> Issue:
    return Issue(code=f"cawg.{code}", excerpt=excerpt(text))


def _odd(assertion: Assertion) -> Iterator[Issue]:
    """What is odd about where an assertion stands: C2PA 2.0 has dropped its own."""
    if assertion.label.startswith("c2pa") and assertion.claim > 1:
        yield _issue("legacy_label", f"{assertion.label} in a claim of version {assertion.claim}")
    if not assertion.active:
        yield _issue("ingredient", f"{assertion.label} in {assertion.manifest}")


def _elsewhere(found: Media) -> Iterator[Issue]:
    """A manifest that the file only names; nobody fetches it."""
    for given in _metadata.properties(found, frozenset({_DCTERMS}), FAMILY, []):
        if given.name == "provenance":
            yield _issue("remote_manifest", given.value)


def _statements(
    assertion: Assertion, kind: str, issues: list[Issue], *, counts: bool
) -> Iterator[Statement]:
    for key, use, information in assertion.entries:
        owner, _, name = key.partition(".")
        said = f"{key}: {use}" + (f"; {information}" if information else "")
        meant = _MEANT.get(use.replace("_", "").lower())
        if owner not in _CLAUSES or name not in _PURPOSES:
            issues.append(_issue("unknown_key", said))
        elif meant is None:
            issues.append(_issue("unknown_use", said))
        else:
            if use not in _USES:
                issues.append(_issue("use_misspelt", said))
            yield _statement(
                assertion, kind, said, name, meant, information, counts and use in _USES
            )


def _statement(
    assertion: Assertion,
    kind: str,
    said: str,
    name: str,
    use: str,
    information: str,
    counts: bool,
) -> Statement:
    """CAWG, 2.1: `constrained` without more information is `notAllowed`."""
    stance = {"allowed": Stance.PERMITTED, "notAllowed": Stance.RESERVED}.get(use)
    stance = stance or (Stance.CONDITIONAL if information else Stance.RESERVED)
    purpose, tier = _PURPOSES[name]
    policy = usable(information) if stance is Stance.CONDITIONAL and "://" in information else None
    return Statement(
        rule=f"cawg.{name}.{use.lower()}",
        stance=stance,
        purpose=purpose,
        tier=tier,
        place=clean(f"C2PA manifest of the {kind} file, {assertion.label}"),
        raw=clean(said),
        clause=_CLAUSES[assertion.label.partition(".")[0]],
        declared_by=DeclaredBy.MEDIA_FILE,
        policy=policy and clean(policy),
        reads=Reads.BOTH if counts else Reads.LENIENT,
        counts=counts,
    )


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the file says about itself, the counting first."""
    return _metadata.whole(reading)
