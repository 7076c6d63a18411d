"""Slots of a crawl: how many origins are visited at a time, and which visits hold none.

Rules for editors:

- A visit that waits for its own host holds its slot: for an answer, or for the delay between two
  requests. A visit that waits for other visits, to the same host or address, holds none.
- Visits that go on come before visits that begin, since they hold what they have received.
- Whoever releases something wakes those that wait for it; nothing here polls.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import NamedTuple


class Slots:
    """Slots for `size` visits at a time. `size` may change, and is at least 1.

    `on_free` is called when a slot may have become free for a visit that begins.
    """

    def __init__(self, size: float, on_free: Callable[[], None] = lambda: None) -> None:
        self.size, self._on_free = size, on_free
        self._taken = 0
        self._returning: deque[asyncio.Future[None]] = deque()

    @property
    def is_free(self) -> bool:
        """Return whether a visit may begin."""
        return not self._returning and self._taken < int(self.size)

    def begin(self, place: "Place | None" = None) -> "Slot":
        """Take a slot for a visit that begins, for which a place may be kept."""
        self._taken += 1
        return Slot(self, place)

    async def take_again(self) -> None:
        """Take a slot for a visit that goes on, when there is one."""
        if self.is_free:
            self._taken += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._returning.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a slot to the visit that has waited longest, if one waits."""
        self._taken -= 1
        while self._returning and self._taken < int(self.size):
            turn = self._returning.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
        self._on_free()


class Slot:
    """The slot of one visit, which it gives up while it waits for others.

    `is_fresh` says that the visit has no observation yet, so that it may as well begin later.
    `place` is kept for it in a queue: what it waits for, and the key.
    """

    def __init__(self, slots: Slots, place: "Place | None" = None) -> None:
        self._slots = slots
        self._is_held = True
        self.is_fresh = True
        self.place = place

    def release(self) -> None:
        """Give the slot up, if it is held."""
        if self._is_held:
            self._is_held = False
            self._slots.release()

    async def take(self) -> None:
        """Take the slot again, if it was given up."""
        if not self._is_held:
            await self._slots.take_again()
            self._is_held = True

    def end(self) -> None:
        """Give up all that the visit holds."""
        if self.place is not None:
            self.place.turns.leave(self.place.key)
            self.place = None
        self.release()


#: The slot of the visit that the current task makes. Without one, nobody else waits.
current: ContextVar[Slot] = ContextVar("slot")


def current_slot() -> Slot:
    """Return the slot of the visit that the current task makes."""
    return current.get(None) or Slots(1).begin()


class Turns:
    """Limit of the requests at a time to one of something: a host, or an address.

    Each key has its queue, so no key waits for another.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queues: dict[str, asyncio.Semaphore] = {}
        # Counts those that wait, too, so that a queue goes when its last user does.
        self._users: Counter[str] = Counter()
        #: Visits that are to begin once there is room; others that begin come behind them.
        self.set_aside: Counter[str] = Counter()

    def has_room(self, key: str) -> bool:
        """Return whether one more visit may begin to wait: as many may as have their turn."""
        return self._users[key] < 2 * self._limit

    def enter(self, key: str) -> None:
        """Count one more that waits for a turn or has it."""
        self._users[key] += 1

    def leave(self, key: str) -> None:
        """Count one less."""
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key]
            self._queues.pop(key, None)

    @contextlib.asynccontextmanager
    async def turn(self, key: str, slot: Slot) -> AsyncIterator[None]:
        """Wait for a turn without a slot, and hold both until the block ends.

        Raises `BusyError` if the visit is fresh and many others wait.
        """
        place = Place(self, key)
        if slot.place == place:
            slot.place = None
        elif slot.is_fresh and (self.set_aside[key] or not self.has_room(key)):
            raise BusyError(place)
        else:
            self.enter(key)
        queue = self._queues.setdefault(key, asyncio.Semaphore(self._limit))
        try:
            if queue.locked():
                slot.release()
            async with queue:
                await slot.take()
                yield
        finally:
            self.leave(key)


class Place(NamedTuple):
    """A place in a queue: what is waited for, and its key."""

    turns: Turns
    key: str


class EndedError(Exception):
    """A request was not sent, since its visit is to end."""


class BusyError(Exception):
    """A visit that has seen nothing would wait behind many others at a place: begin it later."""

    def __init__(self, place: Place) -> None:
        super().__init__(f"many visits wait for {place.key}")
        self.place = place
