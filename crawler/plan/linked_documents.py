"""What answers say that matters for the plan: rules of robots.txt, and documents they name."""

from collections.abc import Hashable, Iterator

from crawler.caches import BoundedCache
from crawler.model import Observation, Reading
from crawler.protocols import PROTOCOLS, parse
from crawler.protocols.interface import Protocol
from crawler.protocols.parse_cache import normalise_for_cache
from crawler.urls import resolve
from crawler.vocab import Presence, Resource

TDMREP, RSL, TERMS = "tdmrep", "rsl", "terms"
_NAMED = frozenset((Resource.TDM_POLICY, Resource.RSL_LICENSE, Resource.TERMS))

_BY_NAME = {protocol.NAME: protocol for protocol in PROTOCOLS}
_CARRIERS = {
    family: tuple(protocol for protocol in PROTOCOLS if family == protocol.FAMILY)
    for family in (TDMREP, RSL, TERMS)
}


_KNOWN: BoundedCache[Hashable, Reading] = BoundedCache(512)


def linked_urls(family: str, observation: Observation) -> Iterator[str]:
    """URLs of documents that an answer points to, as the protocols of a family read it."""
    for protocol in _CARRIERS[family]:
        yield from _urls_named_by(protocol, observation)


def _urls_named_by(protocol: Protocol, observation: Observation) -> Iterator[str]:
    """What an answer points to; RSL 1.0, discovery, knows absolute URIs only."""
    resource = observation.target.resource
    if resource in _NAMED or resource not in protocol.RESOURCES:
        return
    found = parse_cached(protocol, observation)
    for name in found.names if found else ():
        if protocol.FAMILY == RSL and "://" not in name:
            continue
        url = resolve.join(observation.target.url, name)
        if url is not None and resolve.is_askable(url):
            yield url


def parse_cached(protocol: Protocol, observation: Observation) -> Reading | None:
    """What a protocol read in an answer, None where nothing was there; alike documents are read
    once, since nothing that could be quoted wrongly is looked at here.
    """
    if parse.presence_of(observation) is not Presence.PRESENT:
        return None
    document = parse.document(protocol, observation)
    if document is None:
        return None
    found = normalise_for_cache(protocol.CARRIER, observation.target.resource, document)
    key = (protocol.NAME, found.of)
    return _KNOWN.get(key) or _KNOWN.keep(key, parse.parse(protocol, found.document))
