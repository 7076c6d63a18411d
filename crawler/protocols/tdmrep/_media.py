"""What TDMRep in PDF and EPUB share: one reading for the metadata of a whole file."""

from collections.abc import Iterator
from dataclasses import replace

from crawler.media import Media
from crawler.model import Issue, Reading, Statement
from crawler.protocols.media import _metadata
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import FAMILY, POLICY, RESERVATION, Given
from crawler.vocab import DeclaredBy, Presence

#: The namespace in PDF ends in a slash, the vocabulary in EPUB in a number sign.
SLASH, HASH = "http://www.w3.org/ns/tdmrep/", "http://www.w3.org/ns/tdmrep#"
SPACES = frozenset({SLASH, HASH, SLASH[:-1], *(s.replace("http", "https") for s in (SLASH, HASH))})


def property_named(name: str) -> tuple[str | None, bool]:
    """The property that a local name means, and whether it is written as specified."""
    exact = {"reservation": RESERVATION, "policy": POLICY}.get(name)
    return (exact, True) if exact else (_values.property_named(_prefixed(name)), False)


def _prefixed(name: str) -> str:
    return name if name.lower().startswith("tdm") else f"tdm-{name}"


def reading(
    metas: list[Given],
    issues: list[Issue],
    found: Media,
    *,
    carrier: str,
    place: str,
    parts: frozenset[str],
) -> Reading:
    """The reading of the metadata of a file. Values that disagree all count."""
    issues += [meta.issue(code) for meta in metas for code in meta.odd]
    given = [meta for meta in metas if meta.name == RESERVATION]
    policies = [meta for meta in metas if meta.name == POLICY]
    policy = _values.terms(policies, not given, carrier, issues)
    statements = list(_statements(given, policy, issues, carrier, place))
    malformed = any(issue.code.endswith("xmp_malformed") for issue in issues)
    unseen = _metadata.unread(found, parts, FAMILY, issues)
    read = _values.resource(metas, statements, issues)
    if read.presence is not Presence.ABSENT:
        return read
    presence = Presence.MALFORMED if malformed else Presence.UNSEEN if unseen else read.presence
    return replace(read, presence=presence)


def _statements(
    given: list[Given], policy: Given | None, issues: list[Issue], carrier: str, place: str
) -> Iterator[Statement]:
    """One statement for each value and reading, so that repeating it adds no weight."""
    seen: set[tuple[int, bool]] = set()
    for meta in given:
        bit = _values.text_bit(meta.value)
        strict = not (meta.odd or bit.code)
        if bit.code:
            issues.append(meta.issue(bit.code))
        if bit.value is None or (bit.value, strict) in seen:
            continue
        if any(bit.value != value for value, _ in seen):
            issues.append(meta.issue(f"{carrier}.contradictory"))
        seen.add((bit.value, strict))
        offered = policy if policy and not (strict and policy.odd) else None
        yield _values.statement(
            carrier,
            bit.value,
            offered.value if offered else None,
            place=place,
            line=meta.line,
            raw=meta.raw,
            declared_by=DeclaredBy.MEDIA_FILE,
            strict=strict,
        )
