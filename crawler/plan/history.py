"""Observations of one origin, indexed for the questions that the planner asks.

Rules for editors: the planner asks the same questions before every step, so each method here
must cost the same after the fortieth observation as after the first. Index in `add`; do not
search `observations` in a method.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from crawler.model import Observation, Reading, Target
from crawler.plan import linked_documents
from crawler.protocols.robots import robots_txt
from crawler.urls import resolve
from crawler.vocab import Outcome, Resource

NO_ANSWER = frozenset((Outcome.REFUSED, Outcome.TIMED_OUT, Outcome.TLS_FAILED, Outcome.BROKEN))
_DEAD = NO_ANSWER - {Outcome.BROKEN} | {Outcome.NOT_FOUND_HOST}
_NEVER_SENT = frozenset((Outcome.WITHHELD, Outcome.REDIRECT_LIMIT))
_BACK_OFF = frozenset((429, 503))
ROBOTS_FILES = (Resource.ROBOTS_TXT, Resource.OTHER_ROBOTS_TXT)
#: The start of the note of a redirect to something that is no http URL. `_was_sent` knows such
#: observations by it: they are `broken`, as lost connections are, but no request was sent.
BAD_LOCATION = "Location "

#: The requests that follow from one planned URL: its resource, and the URL before redirects.
Chain = tuple[Resource, str]


class OriginHistory:
    """The observations of one origin in order, with indexes.

    `observations` holds all of them. `request_count` counts those that come from a request,
    and those that repeat the answer to an earlier request for the same URL. `used_up` is why no
    more requests may be sent at all, since a budget is used up; else it is empty.
    """

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self.observations: list[Observation] = []
        self.request_count = 0
        self.used_up = ""
        self._chains: defaultdict[Chain, list[Observation]] = defaultdict(list)
        self._answers: dict[tuple[Resource, str], Observation] = {}
        self._robots_chains: dict[str, Chain] = {}
        self._robots_readings: dict[Chain, Reading | None] = {}
        self._broken_answers: Counter[str] = Counter()
        self._stop_reasons: dict[str, str] = {}
        # A dictionary without values is a set that keeps the order of insertion.
        self._linked_urls: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._observations_searched: Counter[str] = Counter()
        for observation in observations:
            self.add(observation)

    def add(self, observation: Observation) -> None:
        """Append the observation of the latest step."""
        target = observation.target
        self.observations.append(observation)
        self._chains[target.resource, target.asked].append(observation)
        if target.resource in ROBOTS_FILES:
            self._robots_chains.setdefault(target.url, (target.resource, target.asked))
        if _was_sent(observation):
            self.request_count += 1
            self._answers.setdefault((target.resource, target.url), observation)
            self._note_failure(observation)

    def _note_failure(self, observation: Observation) -> None:
        """Stop requests to a host that is dead or busy."""
        url, outcome, status = observation.target.url, observation.outcome, observation.status
        origin = resolve.origin_text(url)
        # One failure to connect is enough, so that a dead host costs one timeout. A broken
        # answer may be the fault of one resource: the host gets a second try.
        self._broken_answers[origin] += outcome is Outcome.BROKEN
        if outcome in _DEAD or self._broken_answers[origin] == 2:
            self._stop_reasons[origin] = f"stopped after {outcome} at {url}"
        # RFC 9110, 15.6.4 and 10.2.3; RFC 6585, 4: 503 and 429 ask to come back later. We do not
        # wait for Retry-After inside of a run: a later run asks again.
        elif status in _BACK_OFF:
            wait = observation.header("retry-after")
            suffix = f", Retry-After: {printable(wait)}" if wait else ""
            self._stop_reasons[origin] = f"stopped after {status} at {url}{suffix}"

    def chain(self, chain: Chain) -> Sequence[Observation]:
        """Return the observations of a chain in order, none if it has not begun."""
        return self._chains.get(chain, ())

    def stop_reason(self, url: str) -> str:
        """Return why no more requests go to the host of a URL, or an empty string."""
        return self.used_up or self._stop_reasons.get(resolve.origin_text(url), "")

    def answer(self, target: Target) -> Observation | None:
        """Return the first answer to a request for the same resource at the same URL."""
        return self._answers.get((target.resource, target.url))

    def robots_chain(self, url: str) -> Chain:
        """Return the chain that fetches the robots.txt that governs a URL.

        It may not have begun. Where the robots.txt of the URL's origin was a hop of another
        chain of robots.txt, that chain is returned, so that the file is requested once.
        """
        robots_url = f"{resolve.origin_text(url)}/robots.txt"
        return self._robots_chains.get(robots_url, (Resource.OTHER_ROBOTS_TXT, robots_url))

    def robots_reading(self, chain: Chain) -> Reading | None:
        """Parse the robots.txt at the end of a chain; return None if the file is absent.

        The chain must have ended: the reading of its last observation is cached.
        """
        if chain not in self._robots_readings:
            last = self._chains[chain][-1]
            self._robots_readings[chain] = linked_documents.parse_cached(robots_txt, last)
        return self._robots_readings[chain]

    def linked_urls(self, family: str) -> Iterable[str]:
        """Return the URLs of documents to which the protocols of a family link.

        Each URL comes once, in the order in which the observations name it.
        """
        urls = self._linked_urls[family]
        for observation in self.observations[self._observations_searched[family] :]:
            urls.update(dict.fromkeys(linked_documents.linked_urls(family, observation)))
        self._observations_searched[family] = len(self.observations)
        return urls


def _was_sent(observation: Observation) -> bool:
    """Return whether an observation comes from a request, not from a decision of the planner."""
    is_ours = observation.outcome in _NEVER_SENT or observation.note.startswith(BAD_LOCATION)
    return not is_ours


def printable(text: str) -> str:
    """Return text that a server sent as at most 200 characters that UTF-8 can encode."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:200]
