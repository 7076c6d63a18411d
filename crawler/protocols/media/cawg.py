"""Training and data mining assertions in C2PA manifests: CAWG 1.1, and the older one of C2PA 1.x.

A manifest whose validation failed is shown and does not count. The signer is not checked: no
trust list is consulted.
"""

from collections.abc import Iterator

from crawler import media
from crawler.media import Assertion, Media
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.media import _metadata
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.parsing.near_names import NearNames
from crawler.protocols.tdmrep._values import visitable_policy
from crawler.vocab import DeclaredBy, Purpose, Reads, Resource, Stance

NAME = "cawg"
VERSION = 2
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
#: Purpose and tier of each entry. Only the definition of `data_mining` has the words of Directive
#: (EU) 2019/790, Art. 2(2): patterns, trends and correlations.
_PURPOSES = {
    "data_mining": (Purpose.TDM, 1),
    "ai_inference": (Purpose.AI_INPUT, 2),
    "ai_generative_training": (Purpose.GENAI_TRAIN, 2),
    "ai_training": (Purpose.AI_TRAIN, 2),
}
#: CAWG 1.1, 2.1 and its NOTE: `ai_training` is training of models that are not generative. It
#: speaks of that part of its purpose and of nothing else.
_PARTS = {"ai_training": "non-generative"}
_USES = ("allowed", "notAllowed", "constrained")
#: Words that authors write for a use.
NEAR_USES = {
    **dict.fromkeys(
        ("denied", "disallowed", "forbidden", "prohibited", "reserved", "no", "false"), "notAllowed"
    ),
    **dict.fromkeys(("permitted", "yes", "true"), "allowed"),
    "conditional": "constrained",
}
_SPELLED_USES = NearNames(_USES, NEAR_USES)
_SPELLED_KEYS = NearNames(_PURPOSES, {"ai_generative_train": "ai_generative_training"})


def parse(document: Document, /) -> Reading:
    """Return the reading of the assertions in all manifests; only the file's own one counts."""
    extract = media.read(document.body)
    credentials = extract.credentials
    issues: list[Issue] = []
    statements: list[Statement] = []
    assertions = credentials.assertions if credentials else ()
    is_invalid = credentials is not None and credentials.state == "Invalid"
    if is_invalid and assertions and credentials:
        issues.append(_issue("invalid_manifest", " ".join(credentials.codes)))
    for assertion in assertions:
        issues += _deviations(assertion)
        counts = assertion.active and not is_invalid
        statements += _statements(assertion, extract.kind, issues, counts=counts)
    # A file that names a remote manifest may also embed one, which then is the one to read.
    if credentials is None:
        issues += _remote_manifests(extract)
    unseen = _metadata.report_unread_parts(extract, frozenset({"c2pa", "file"}), FAMILY, issues)
    valid = any(s.counts for s in statements)
    return _metadata.make_reading(
        statements, issues, FAMILY, given=bool(assertions), valid=valid, unseen=unseen
    )


def _issue(code: str, text: str) -> Issue:
    return Issue(code=f"cawg.{code}", excerpt=excerpt(text))


def _deviations(assertion: Assertion) -> Iterator[Issue]:
    """Yield issues about the manifest of an assertion."""
    # C2PA 2.0 removed its own assertion in favour of CAWG's; it still counts.
    if assertion.label.startswith("c2pa") and assertion.claim > 1:
        yield _issue("legacy_label", f"{assertion.label} in a claim of version {assertion.claim}")
    if not assertion.active:
        yield _issue("ingredient", f"{assertion.label} in {assertion.manifest}")


def _remote_manifests(extract: Media) -> Iterator[Issue]:
    """Yield an issue for each manifest that the file only names; it is not fetched."""
    for each in _metadata.find_properties(extract, frozenset({_DCTERMS}), FAMILY, []):
        if each.name == "provenance":
            yield _issue("remote_manifest", each.value)


def _statements(
    assertion: Assertion, kind: str, issues: list[Issue], *, counts: bool
) -> Iterator[Statement]:
    for key, written_use, information in assertion.entries:
        owner, _, name = key.partition(".")
        raw = f"{key}: {written_use}" + (f"; {information}" if information else "")
        use = _SPELLED_USES.meant(written_use)
        known = owner in _CLAUSES and name in _PURPOSES
        # A key of another owner may mean anything; one without an owner is a slip.
        meant = name if known else _meant_key(key, owner, name)
        if meant is None:
            issues.append(_issue("unknown_key", raw))
        elif use is None:
            issues.append(_issue("unknown_use", raw))
        else:
            issues += [] if known else [_issue("key_misspelt", raw)]
            issues += [] if written_use in _USES else [_issue("use_misspelt", raw)]
            strict = known and written_use in _USES
            yield _statement(assertion, kind, raw, meant, use, information, counts and strict)


def _meant_key(key: str, owner: str, name: str) -> str | None:
    return _SPELLED_KEYS.meant(name if owner in _CLAUSES else key)


def _statement(
    assertion: Assertion,
    kind: str,
    raw: str,
    name: str,
    use: str,
    information: str,
    counts: bool,
) -> Statement:
    """Return the statement of an entry with the use `allowed`, `notAllowed` or `constrained`."""
    # CAWG 1.1, 2.1: `constrained` without more information is equivalent to `notAllowed`.
    stance = {"allowed": Stance.PERMITTED, "notAllowed": Stance.RESERVED}.get(use)
    stance = stance or (Stance.CONDITIONAL if information else Stance.RESERVED)
    purpose, tier = _PURPOSES[name]
    # Constraint information is free text; only an address is a policy.
    policy = (
        visitable_policy(information)
        if stance is Stance.CONDITIONAL and "://" in information
        else None
    )
    return Statement(
        rule=f"cawg.{name}.{use.lower()}",
        stance=stance,
        purpose=purpose,
        tier=tier,
        place=clean(f"C2PA manifest of the {kind} file, {assertion.label}"),
        raw=clean(raw),
        clause=_CLAUSES[assertion.label.partition(".")[0]],
        declared_by=DeclaredBy.MEDIA_FILE,
        policy=policy and clean(policy),
        reads=Reads.BOTH if counts else Reads.LENIENT,
        counts=counts,
        use=_PARTS.get(name, ""),
    )


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements of the file about itself; those that count come first."""
    return _metadata.statements_of_file(reading)
