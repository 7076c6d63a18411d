"""From an observation to a reading: the unseen, the absent and the crash, handled once."""

import re
from collections.abc import Iterable
from functools import lru_cache

from crawler.model import Document, Issue, Observation, Reading
from crawler.protocols.interface import Carrier, Protocol
from crawler.vocab import Outcome, Presence

_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
EXTRACTS = frozenset({Carrier.PAGE, Carrier.MEDIA})
_ANSWERED = (Outcome.RESPONDED, Outcome.TOO_LARGE)


def presence_of(observation: Observation) -> Presence:
    """Whether a resource was there, before anybody reads it.

    Only 404 and 410 say that it is not (RFC 9110, 15.5.5 and 15.5.11), and 204 that it is
    empty; a 304 that confirms what is stored leaves it as it was; every other failure leaves
    the evidence itself missing.
    """
    confirms = observation.confirms is not None
    return presence_at(observation.outcome, observation.status, confirms=confirms)


def presence_at(outcome: str, status: int | None, *, confirms: bool) -> Presence:
    """Whether a resource was there, of the facts that decide it."""
    if outcome not in _ANSWERED or status is None:
        return Presence.UNSEEN
    if status in (204, 404, 410):
        return Presence.ABSENT
    return Presence.PRESENT if 200 <= status < 300 or confirms else Presence.UNSEEN


def media_type(observation: Observation) -> tuple[str, str]:
    """The media type and charset of `Content-Type`, lower case, empty where not given."""
    return media_type_of(observation.header("content-type"))


@lru_cache(maxsize=1024)
def media_type_of(value: str) -> tuple[str, str]:
    """The media type and charset of a value of `Content-Type`."""
    charset = _CHARSET.search(value)
    return value.partition(";")[0].strip().lower(), charset[1].lower() if charset else ""


def document(protocol: Protocol, observation: Observation) -> Document | None:
    """The part of a response that a protocol reads; None if it has nothing to read there."""
    if protocol.CARRIER is Carrier.HEADERS:
        return of_headers(protocol, observation.fields)
    content = observation.extract if protocol.CARRIER in EXTRACTS else observation.body
    return of_content(protocol, content, media_type(observation), truncated=observation.truncated)


def of_headers(protocol: Protocol, fields: Iterable[tuple[str, str]]) -> Document | None:
    """The header lines that a protocol reads, None without any."""
    lines = [
        f"{name.strip()}: {value.strip()}\r\n"
        for name, value in fields
        if name.strip().lower() in protocol.HEADERS
    ]
    return Document(body="".join(lines).encode("utf-8", "surrogateescape")) if lines else None


def of_content(
    protocol: Protocol, content: bytes, kind: tuple[str, str], *, truncated: bool
) -> Document | None:
    """A body or extract as a protocol reads it; an empty extract is none.

    `kind` is the media type and charset that the server named.
    """
    if protocol.CARRIER in EXTRACTS:
        return Document(body=content) if content else None
    return Document(body=content, media_type=kind[0], charset=kind[1], truncated=truncated)


def parse(protocol: Protocol, given: Document) -> Reading:
    """Let a protocol read; a crash of ours becomes an issue, and the run goes on."""
    try:
        return protocol.parse(given)
    except Exception as error:
        crash = Issue(code="internal.crash", excerpt=f"{protocol.NAME}: {error!r}"[:300])
        return Reading(presence=Presence.UNSEEN, issues=(crash,))


def read(protocol: Protocol, observation: Observation) -> Reading:
    """What a protocol says about one observation, whatever came of the attempt."""
    presence = presence_of(observation)
    if presence is not Presence.PRESENT:
        return Reading(presence=presence)
    given = document(protocol, observation)
    return Reading(presence=Presence.ABSENT) if given is None else parse(protocol, given)
