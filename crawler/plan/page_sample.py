"""The number of sampled pages that are requested: until the share that reserves is known.

Signals of single pages (headers, meta elements) say nothing about pages that were not requested. A
sample tells how common they are. Where all pages agree, 16 are enough; where half of them reserve,
it takes nearly a hundred.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from crawler.intervals import wilson
from crawler.model import Observation
from crawler.plan import linked_documents
from crawler.plan.history import OriginHistory
from crawler.protocols import PROTOCOLS, parse
from crawler.protocols.interface import Carrier
from crawler.vocab import Presence, Resource, Stance

#: Width of the interval from which a share counts as known: 10 points to each side.
WANTED_WIDTH = 0.2

_RESERVING = frozenset((Stance.RESERVED, Stance.CONDITIONAL))
_PAGE_PROTOCOLS = tuple(
    protocol
    for protocol in PROTOCOLS
    if Resource.PAGE in protocol.RESOURCES and protocol.CARRIER is not Carrier.BODY
)


def until_known(urls: Iterable[str], history: OriginHistory) -> Iterator[str]:
    """Yield URLs of sampled pages until the share of those that reserve is known.

    Each URL is judged when its successor is asked for, so its chain must have ended by then. What
    is yielded depends on the pages before it alone: a URL that was yielded once is yielded again.
    """
    seen = reserving = 0
    for url in urls:
        if is_known(reserving, seen):
            return
        yield url
        page = history.chain((Resource.PAGE, url))
        if page and parse.presence_of(page[-1]) is Presence.PRESENT:
            seen += 1
            reserving += any(map(reserves, page))


@lru_cache(maxsize=4096)
def is_known(reserving: int, seen: int) -> bool:
    """Return whether the share of pages that reserve is known to 10 points at 95 %."""
    return wilson(reserving, seen).width <= WANTED_WIDTH


def reserves(observation: Observation) -> bool:
    """Return whether a response carries a statement about its own page that reserves anything."""
    readings = (linked_documents.parse_cached(each, observation) for each in _PAGE_PROTOCOLS)
    return any(
        statement.counts and statement.stance in _RESERVING
        for reading in readings
        if reading
        for statement in reading.statements
    )
