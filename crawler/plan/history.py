"""What was seen of an origin, indexed as it comes.

The plan asks the same few things before every step. Looked up, they cost the same after the
fortieth answer as after the first.
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
GATES = (Resource.ROBOTS_TXT, Resource.OTHER_ROBOTS_TXT)
BAD_LOCATION = "Location "

#: A chain: the resource and the URL it was first asked by.
Chain = tuple[Resource, str]


class OriginHistory:
    """The observations of one origin, in order.

    `sent` counts the requests among them; `all` is all of them.
    """

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self.all: list[Observation] = []
        self.sent = 0
        self._chains: defaultdict[Chain, list[Observation]] = defaultdict(list)
        self._answers: dict[tuple[Resource, str], Observation] = {}
        self._gates: dict[str, Chain] = {}
        self._rules: dict[Chain, Reading | None] = {}
        self._broken: Counter[str] = Counter()
        self._closed: dict[str, str] = {}
        self._named: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._read: Counter[str] = Counter()
        for observation in observations:
            self.add(observation)

    def add(self, observation: Observation) -> None:
        """Take in what came of one more step."""
        target = observation.target
        self.all.append(observation)
        self._chains[target.resource, target.asked].append(observation)
        if target.resource in GATES:
            self._gates.setdefault(target.url, (target.resource, target.asked))
        if _was_sent(observation):
            self.sent += 1
            self._answers.setdefault((target.resource, target.url), observation)
            self._note_failure(observation)

    def _note_failure(self, o: Observation) -> None:
        """Close a host that is dead or busy.

        One failure ends it, so a dead host costs one timeout; a broken answer gets a second
        try. RFC 9110, 15.6.4 and 10.2.3; RFC 6585, 4: 503 and 429 ask for patience, which is a
        later run.
        """
        host = resolve.origin_of(o.target.url)
        self._broken[host] += o.outcome is Outcome.BROKEN
        if o.outcome in _DEAD or self._broken[host] == 2:
            self._closed.setdefault(host, f"stopped after {o.outcome} at {o.target.url}")
        elif o.status in _BACK_OFF:
            wait = o.header("retry-after")
            tail = f", Retry-After: {shown(wait)}" if wait else ""
            self._closed.setdefault(host, f"stopped after {o.status} at {o.target.url}{tail}")

    def chain(self, chain: Chain) -> Sequence[Observation]:
        """The observations of a chain, in order."""
        return self._chains.get(chain, ())

    def closed(self, url: str) -> str:
        """Why the host of a URL is asked nothing more, empty if it may be."""
        return self._closed.get(resolve.origin_of(url), "")

    def answer(self, target: Target) -> Observation | None:
        """The first answer to a request for the same resource at the same URL."""
        return self._answers.get((target.resource, target.url))

    def gate(self, url: str) -> Chain:
        """The chain that brings the robots.txt of a URL's origin.

        An origin whose robots.txt was a hop on the way to another needs no second request.
        """
        root = f"{resolve.origin_of(url)}/robots.txt"
        return self._gates.get(root, (Resource.OTHER_ROBOTS_TXT, root))

    def rules(self, gate: Chain) -> Reading | None:
        """What stands in the robots.txt at the end of a chain that has ended."""
        if gate not in self._rules:
            self._rules[gate] = linked_documents.parse_cached(robots_txt, self._chains[gate][-1])
        return self._rules[gate]

    def named(self, family: str) -> Iterable[str]:
        """URLs of documents that carriers of a family named, each once, in the order seen."""
        found = self._named[family]
        for observation in self.all[self._read[family] :]:
            found.update(dict.fromkeys(linked_documents.linked_urls(family, observation)))
        self._read[family] = len(self.all)
        return found


def _was_sent(observation: Observation) -> bool:
    ours = observation.outcome in _NEVER_SENT or observation.note.startswith(BAD_LOCATION)
    return not ours


def shown(text: str) -> str:
    """What a server sent, fit for a note."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:200]
