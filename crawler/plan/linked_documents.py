"""Parse responses for the planner: the rules of robots.txt, and links to policy documents."""

from collections.abc import Hashable, Iterator

from crawler.caches import BoundedCache
from crawler.model import Observation, Reading
from crawler.protocols import PROTOCOLS, parse
from crawler.protocols.interface import Carrier, Protocol
from crawler.protocols.parse_cache import normalise_for_cache
from crawler.urls import resolve
from crawler.vocab import Presence, Resource

TDMREP, RSL, TERMS = "tdmrep", "rsl", "terms"
_LINKED_RESOURCES = frozenset((Resource.TDM_POLICY, Resource.RSL_LICENSE, Resource.TERMS))

_PROTOCOLS_OF = {
    family: tuple(protocol for protocol in PROTOCOLS if family == protocol.FAMILY)
    for family in (TDMREP, RSL, TERMS)
}

# Shared by all origins: many serve the same robots.txt byte for byte.
_READINGS: BoundedCache[Hashable, Reading] = BoundedCache(512)


def linked_urls(family: str, observation: Observation) -> Iterator[str]:
    """Yield the absolute URLs to which a response links, as the protocols of a family read it."""
    for protocol in _PROTOCOLS_OF[family]:
        yield from _links_of(protocol, observation)


def _links_of(protocol: Protocol, observation: Observation) -> Iterator[str]:
    """Yield the URLs that one protocol finds in a response and that can be requested."""
    resource = observation.target.resource
    # Links are followed one level deep: documents that were linked to name no further ones.
    if resource in _LINKED_RESOURCES or resource not in protocol.RESOURCES:
        return
    reading = parse_cached(protocol, observation)
    for reference in reading.names if reading else ():
        if reference.startswith("#"):
            continue  # a part of the document itself
        url = resolve.join(observation.target.url, reference)
        if url is not None and resolve.is_askable(url):
            yield url


def parse_cached(protocol: Protocol, observation: Observation) -> Reading | None:
    """Parse what a protocol reads of a response; return None if there is nothing to read.

    Header fields are read of every answer, redirects and errors included: they are of the URL
    that answered (RFC 9110, 6.3 and 15). A body is read only where the resource is present.
    Equal documents share one reading. So do documents that differ only in what no protocol
    reads: their readings may quote each other's text, which the planner never uses.
    """
    is_header = protocol.CARRIER is Carrier.HEADERS
    if not is_header and parse.presence_of(observation) is not Presence.PRESENT:
        return None
    document = parse.document(protocol, observation)
    if document is None:
        return None
    normalised = normalise_for_cache(protocol.CARRIER, observation.target.resource, document)
    key = (protocol.NAME, normalised.key)
    return _READINGS.get(key) or _READINGS.put(key, parse.parse(protocol, normalised.document))
