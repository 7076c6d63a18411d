"""Queue of the jobs of a crawl: which origin is visited next, and which ones wait for others.

Rules for editors:

- Jobs are taken lazily. One that cannot begin now is set aside, so that those behind it can; what
  is set aside is in memory, so it is bounded.
- Origins at a host or an address where many wait are set aside under that place, and places take
  turns, so that none of them waits for another.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from crawler.fetch.slots import Place
from crawler.model import Observation, Origin
from crawler.store.stored_responses import StoredResponses

# Visits of an origin while this machine is short of something, and origins that wait for another
# visit in memory; more of them are left to the next crawl.
_ATTEMPTS, _MAX_PUT_OFF = 4, 1000
#: Origins set aside for a host or an address; while there are as many, no more are taken.
MAX_ASIDE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginJob:
    """An origin to visit.

    `samples` are URLs of pages and media files of the dataset; `stored_responses` are responses
    of earlier runs that may be revalidated (RFC 9111, 4.3). `known` are observations of earlier
    runs that are not made again.
    """

    origin_id: int
    origin: Origin
    samples: tuple[str, ...] = ()
    stored_responses: StoredResponses = field(default_factory=dict)
    known: tuple[Observation, ...] = ()


class Next(NamedTuple):
    """The job to begin next, and the place that is kept for it, if it was set aside for one."""

    job: OriginJob
    place: Place | None = None


class JobQueue:
    """The jobs of a frontier in their order, except for those that must wait for others.

    `left_due` counts origins that are left to the next crawl by a fault of this machine.
    """

    def __init__(self, jobs: Iterator[OriginJob]) -> None:
        self._jobs = jobs
        self._aside: dict[Place, deque[OriginJob]] = {}
        self._aside_count = 0
        self._put_off: deque[OriginJob] = deque()
        self._attempts: Counter[int] = Counter()
        self.left_due = 0

    def next(self) -> Next | None:
        """Return the next job that can begin; None if there is none now.

        What was set aside comes first once there is room, and what was put off comes last.
        """
        for _ in range(len(self._aside)):
            if (found := self._next_aside()) is not None:
                return found
        if self._aside_count < MAX_ASIDE and (job := next(self._jobs, None)) is not None:
            return Next(job)
        return Next(self._put_off.popleft()) if self._put_off else None

    def _next_aside(self) -> Next | None:
        """Return a job of the place whose turn it is, if there is room, and end its turn."""
        place, jobs = next(iter(self._aside.items()))
        del self._aside[place]
        found = None
        if place.turns.has_room(place.key):
            place.turns.enter(place.key)
            found = Next(jobs.popleft(), place)
            self._count_aside(place, -1)
        if jobs:
            self._aside[place] = jobs
        return found

    def set_aside(self, job: OriginJob, place: Place) -> None:
        """Begin a job again once there is room at a place."""
        self._aside.setdefault(place, deque()).append(job)
        self._count_aside(place, 1)

    def _count_aside(self, place: Place, more: int) -> None:
        self._aside_count += more
        place.turns.set_aside[place.key] += more
        if not place.turns.set_aside[place.key]:
            del place.turns.set_aside[place.key]

    def put_off(self, job: OriginJob) -> bool:
        """Begin a job again at the end; return False if it is left to the next crawl."""
        self._attempts[job.origin_id] += 1
        if self._attempts[job.origin_id] < _ATTEMPTS and len(self._put_off) < _MAX_PUT_OFF:
            self._put_off.append(job)
            return True
        del self._attempts[job.origin_id]
        self.left_due += 1
        return False

    def forget_attempts(self, job: OriginJob) -> None:
        """Forget how often a job was put off: its origin was visited."""
        self._attempts.pop(job.origin_id, None)
