"""Watch over the network of this machine: visits are stored only if it has one.

Rules for editors: a machine without network must never look like a web that has gone. Visits that
heard nothing at all wait here until another host answers, or until it is known which side failed.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from crawler.model import Origin

#: Hosts that must have been tried before the network counts as down: at the end of a run in which
#: no host answered, and in a row at any time.
MIN_HOSTS, MANY_HOSTS = 3, 100
# A root server each (a and b.root-servers.net). Nothing is sent to them.
_FAR_ADDRESSES = (
    (socket.AF_INET, "198.41.0.4"),
    (socket.AF_INET6, "2801:1b8:10::b"),
)


class Reach(StrEnum):
    """The distance that a request came, or the best request of a visit.

    - `unasked`: nothing was sent
    - `no_path`: no route, or the resolver of this machine did not answer
    - `nothing`: the name has no address, or the address never answered
    - `answered`: some host answered, well or badly
    """

    UNASKED = "unasked"
    NO_PATH = "no_path"
    NOTHING = "nothing"
    ANSWERED = "answered"


_ORDER = tuple(Reach)


def farthest(reaches: Iterable[Reach]) -> Reach:
    """Return how far the best of some requests came; `unasked` if there were none."""
    return max(reaches, key=_ORDER.index, default=Reach.UNASKED)


def has_route() -> bool:
    """Return whether the kernel has a route to the Internet; no packet is sent."""
    for family, address in _FAR_ADDRESSES:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 53))  # of a datagram socket: only looks the route up
        except OSError:
            continue
        return True
    return False


class _Visit(Protocol):
    """A visit with its origin, and how far its requests came."""

    @property
    def origin(self) -> Origin: ...

    @property
    def reach(self) -> Reach: ...


_V = TypeVar("_V", bound=_Visit)


class NetworkWatch(Generic[_V]):
    """Hold visits that heard nothing until another one hears something.

    `is_down` says that the network of this machine is down: what is held is then not stored.
    """

    def __init__(self, route: Callable[[], bool] = has_route) -> None:
        self._route, self._had_route = route, route()
        self._has_heard = False
        self._held: list[_V] = []
        self._hosts: set[str] = set()
        self.is_down = False

    def take(self, visit: _V) -> list[_V]:
        """Take a visit and return those that can be stored now."""
        if visit.reach is Reach.UNASKED:
            return [visit]
        if not self._is_silent(visit.reach):
            self._has_heard = True
            return [*self._release(), visit]
        self._held.append(visit)
        self._hosts.add(visit.origin.host)
        self.is_down = self.is_down or len(self._hosts) >= MANY_HOSTS
        return []

    def finish(self) -> list[_V]:
        """Return the visits that can be stored, of those still held at the end of a run."""
        if len(self._hosts) >= MIN_HOSTS:
            has_lost_route = self._had_route and not self._route()
            self.is_down = self.is_down or not self._has_heard or has_lost_route
        return [] if self.is_down else self._release()

    @property
    def held(self) -> Sequence[_V]:
        """The visits that heard nothing, and are not stored if the network is down."""
        return self._held

    def _is_silent(self, reach: Reach) -> bool:
        """Return whether a visit shows nothing of the network.

        A name without address, and an address that never answers, are the fault of this machine
        only if it has no route: not if it never had one, and some host has answered.
        """
        if reach is Reach.NOTHING:
            return (self._had_route or not self._has_heard) and not self._route()
        return reach is Reach.NO_PATH

    def _release(self) -> list[_V]:
        held, self._held = self._held, []
        self._hosts.clear()
        return held
