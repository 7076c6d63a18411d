"""Reading of TDMRep properties in the metadata of a whole file, as PDF and EPUB have them."""

from collections.abc import Iterator
from dataclasses import replace

from crawler.media import Media
from crawler.model import Issue, Reading, Statement
from crawler.protocols.media import _metadata
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import FAMILY, POLICY, RESERVATION, WrittenProperty
from crawler.vocab import DeclaredBy, Presence

#: The report ends the namespace in a slash for PDF and in a number sign for EPUB.
SLASH_NAMESPACE, HASH_NAMESPACE = "http://www.w3.org/ns/tdmrep/", "http://www.w3.org/ns/tdmrep#"
#: All spellings that are recognised; those that the carrier does not specify are lenient.
NAMESPACES = frozenset(
    {
        SLASH_NAMESPACE,
        HASH_NAMESPACE,
        SLASH_NAMESPACE.removesuffix("/"),
        SLASH_NAMESPACE.replace("http", "https"),
        HASH_NAMESPACE.replace("http", "https"),
    }
)


def property_named(name: str) -> tuple[str | None, bool]:
    """Return the property that a local name means, and whether it is spelt as specified."""
    exact = {"reservation": RESERVATION, "policy": POLICY}.get(name)
    if exact:
        return exact, True
    prefixed = name if name.lower().startswith("tdm") else f"tdm-{name}"
    return _values.property_named(prefixed), False


def build_media_reading(
    properties: list[WrittenProperty],
    issues: list[Issue],
    media: Media,
    *,
    carrier: str,
    place: str,
    parts: frozenset[str],
) -> Reading:
    """Build the reading of a file from the properties in its metadata.

    Values that disagree all count. `parts` are the parts of the file that carry properties:
    if one of them could not be read and no property was found, the result is unseen, not absent.
    """
    issues += [one.issue(code) for one in properties for code in one.deviations]
    reservations = [one for one in properties if one.name == RESERVATION]
    policies = [one for one in properties if one.name == POLICY]
    alone = not reservations
    policy = _values.effective_policy(policies, issues, alone=alone, kind=carrier)
    statements = list(_statements(reservations, policy, issues, carrier, place))
    malformed = any(issue.code.endswith("xmp_malformed") for issue in issues)
    unseen = _metadata.report_unread_parts(media, parts, FAMILY, issues)
    reading = _values.build_reading(properties, statements, issues)
    if reading.presence is not Presence.ABSENT:
        return reading
    presence = Presence.MALFORMED if malformed else Presence.UNSEEN if unseen else reading.presence
    return replace(reading, presence=presence)


def _statements(
    reservations: list[WrittenProperty],
    policy: WrittenProperty | None,
    issues: list[Issue],
    carrier: str,
    place: str,
) -> Iterator[Statement]:
    """Yield one statement for each value and reading: repeating a value adds no weight."""
    seen: set[tuple[int, bool]] = set()
    for reservation in reservations:
        bit = _values.parse_text_bit(reservation.value)
        strict = not (reservation.deviations or bit.code)
        if bit.code:
            issues.append(reservation.issue(bit.code))
        if bit.value is None or (bit.value, strict) in seen:
            continue
        if any(bit.value != value for value, _ in seen):
            issues.append(reservation.issue(f"{carrier}.contradictory"))
        seen.add((bit.value, strict))
        yield _values.make_statement(
            carrier=carrier,
            value=bit.value,
            policy=_values.policy_for(policy, strict=strict),
            place=place,
            line=reservation.line,
            raw=reservation.raw,
            declared_by=DeclaredBy.MEDIA_FILE,
            strict=strict,
        )
