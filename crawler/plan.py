"""What to ask an origin next, decided from what was seen: a state machine without a clock.

Every planned resource is a chain of observations that begins at `asked`: a redirect calls
for the next hop, anything else ends the chain. The origin is done when no chain is open.
The gate is RFC 9309 with our own token; what it withholds is recorded, never skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from crawler import links
from crawler.model import Document, Observation, Origin, Reading, Target
from crawler.protocols import PROTOCOLS, _driver, robots_txt
from crawler.protocols._interface import Protocol
from crawler.vocab import Outcome, Presence, Resource

AGENT = "tdm-audit"
#: RFC 9309, 2.3.1.2: at least five consecutive hops are followed; so are those of other files.
HOPS = 5
#: Requests to one origin and where it points; only redirects that fan out ever come near it.
REQUESTS = 40
POLICIES = 3
LICENSES = 3

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_GONE = frozenset((404, 410))
_BACK_OFF = frozenset((429, 503))
_NO_ANSWER = frozenset((Outcome.REFUSED, Outcome.TIMED_OUT, Outcome.TLS_FAILED, Outcome.BROKEN))
_DEAD = _NO_ANSWER - {Outcome.BROKEN} | {Outcome.NOT_FOUND_HOST}
_NEVER_SENT = frozenset((Outcome.WITHHELD, Outcome.REDIRECT_LIMIT))
_GATES = (Resource.ROBOTS_TXT, Resource.OTHER_ROBOTS_TXT)
_POLICY_FILES = frozenset((Resource.AI_TXT, Resource.TDMREP_JSON))
_TDMREP, _RSL, _TERMS = "tdmrep", "rsl", "terms"
_NAMED = frozenset((Resource.TDM_POLICY, Resource.RSL_LICENSE, Resource.TERMS))
_MEDIA = tuple(".avif .epub .gif .heic .jpeg .jpg .mp3 .mp4 .pdf .png .tif .tiff .webp".split())
_CONTEXT_FILES = {
    Resource.ADS_TXT: "/ads.txt",
    Resource.SECURITY_TXT: "/.well-known/security.txt",
    Resource.LLMS_TXT: "/llms.txt",
    Resource.AI_TXT_WELL_KNOWN: "/.well-known/ai.txt",
}
_BAD_LOCATION = "Location "

_BY_NAME = {protocol.NAME: protocol for protocol in PROTOCOLS}

Seen = tuple[Observation, ...]
Step = Target | Observation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """`pages` sampled pages are asked for, `media` sampled files that may carry metadata and
    `terms` pages of terms that the pages link to; `context` asks for files that reserve
    nothing. `policy_files_always` asks for ai.txt and tdmrep.json in spite of a Disallow line
    (never of a robots.txt that cannot be read).
    """

    pages: int = 1
    media: int = 0
    terms: int = 0
    context: bool = False
    policy_files_always: bool = False


def next_target(
    origin: Origin, samples: tuple[str, ...], seen: Seen, options: PlanOptions
) -> Target | Observation | None:
    """What to fetch next, or what to record without fetching, or None when all is done."""
    for resource, asked in _planned(origin, samples, seen, options):
        step = _step(resource, asked, seen, options)
        if step is not None:
            return step
    return None


def _planned(
    origin: Origin, samples: tuple[str, ...], seen: Seen, options: PlanOptions
) -> Iterator[tuple[Resource, str]]:
    """The chains of an origin in order; later ones depend on what the earlier brought."""
    yield Resource.ROBOTS_TXT, f"{origin.url}/robots.txt"
    base = _base(origin, seen)
    yield Resource.ROBOTS_TXT, f"{base}/robots.txt"
    yield Resource.AI_TXT, f"{base}/ai.txt"
    yield Resource.TDMREP_JSON, f"{base}/.well-known/tdmrep.json"
    yield Resource.TRUST_TXT, (well_known := f"{base}/.well-known/trust.txt")
    if _is_gone(Resource.TRUST_TXT, well_known, seen):
        yield Resource.TRUST_TXT, f"{base}/trust.txt"
    yield Resource.HOME, f"{base}/"
    media, pages = _sampled(base, samples, options)
    for url in pages:
        yield Resource.PAGE, url
    for url in media:
        yield Resource.MEDIA, url
    for url in islice(_pointed(seen, _TDMREP), POLICIES):
        yield Resource.TDM_POLICY, url
    for url in islice(_pointed(seen, _RSL), LICENSES):
        yield Resource.RSL_LICENSE, url
    for url in islice(_pointed(seen, _TERMS), max(options.terms, 0)):
        yield Resource.TERMS, url
    for resource, path in _CONTEXT_FILES.items() if options.context else ():
        yield resource, f"{base}{path}"


def _base(origin: Origin, seen: Seen) -> str:
    """Where an origin is asked: a name without a scheme by http when https gives no answer."""
    if not origin.assumed or not seen or seen[0].outcome not in _NO_ANSWER:
        return origin.url
    return replace(origin, scheme="http", port=80 if origin.port == 443 else origin.port).url


def _sampled(
    base: str, samples: tuple[str, ...], options: PlanOptions
) -> tuple[list[str], list[str]]:
    """Sampled media and pages at the base that is asked, each once, without the home page.

    Where no media are wanted, a sampled image is a page like any other: it has headers.
    """
    given = (s if "://" in s or s.startswith("/") else f"https://{s}" for s in samples)
    paths = dict.fromkeys(
        links.path_of(url) for s in given if (url := links.join(base, s)) is not None
    )
    urls = [base + path for path in paths if path != "/"]
    media = [url for url in urls if options.media > 0 and _is_media(url)]
    pages = [url for url in urls if url not in media]
    return media[: options.media], pages[: max(options.pages, 0)]


def _is_media(url: str) -> bool:
    return url.partition("?")[0].lower().endswith(_MEDIA)


def _pointed(seen: Seen, family: str) -> Iterator[str]:
    """URLs of documents that carriers of a family named, each once, in the order seen."""
    found = (
        url
        for observation in seen
        for protocol in PROTOCOLS
        if family == protocol.FAMILY
        for url in _named(protocol, observation)
    )
    return iter(dict.fromkeys(found))


def _is_gone(resource: Resource, asked: str, seen: Seen) -> bool:
    """Whether a chain ended in an answer that nothing is there (RFC 9110, 15.5.5, 15.5.11)."""
    return any(o.status in _GONE for o in _chain(resource, asked, seen)[-1:])


def _named(protocol: Protocol, observation: Observation) -> Iterator[str]:
    """What an answer points to; RSL 1.0, discovery, knows absolute URIs only."""
    resource = observation.target.resource
    if resource in _NAMED or resource not in protocol.RESOURCES:
        return
    reading = _reading(protocol, observation)
    for name in reading.names if reading else ():
        if protocol.FAMILY == _RSL and "://" not in name:
            continue
        url = links.join(observation.target.url, name)
        if url is not None and links.is_askable(url):
            yield url


@lru_cache(maxsize=512)
def _parsed(name: str, document: Document) -> Reading:
    return _driver.parse(_BY_NAME[name], document)


def _reading(protocol: Protocol, observation: Observation) -> Reading | None:
    """What a protocol read in an answer, parsed once; None where nothing was there."""
    if _driver.presence_of(observation) is not Presence.PRESENT:
        return None
    document = _driver.document(protocol, observation)
    return None if document is None else _parsed(protocol.NAME, document)


def _step(resource: Resource, asked: str, seen: Seen, options: PlanOptions) -> Step:
    """The next step of a chain, None when it has ended."""
    chain = _chain(resource, asked, seen)
    if not chain:
        return _admit(Target(resource=resource, asked=asked, url=asked), seen, options)
    last = chain[-1]
    if not _redirects(last):
        return None
    hop = replace(last.target, hop=last.target.hop + 1)
    location = last.header("location").strip()
    url = links.join(last.target.url, location) if location else None
    if url is None:
        note = f"{_BAD_LOCATION}is no http URL: {_shown(location)}"
        return Observation(target=hop, outcome=Outcome.BROKEN, note=note)
    return _hop(replace(hop, url=url), chain, seen, options)


def _hop(target: Target, chain: Seen, seen: Seen, options: PlanOptions) -> Step:
    """A hop that a redirect asks for, unless the chain is too long or bites its tail."""
    if any(o.target.url == target.url for o in chain):
        return _stop(target, Outcome.REDIRECT_LIMIT, "redirects in a loop")
    if target.hop > HOPS:
        return _stop(target, Outcome.REDIRECT_LIMIT, f"more than {HOPS} redirects")
    return _admit(target, seen, options)


def _admit(target: Target, seen: Seen, options: PlanOptions) -> Step:
    """The target if it may be asked now; else why it is withheld, or the gate to ask first."""
    why = _exhausted(target.url, seen, options)
    if why:
        return _stop(target, Outcome.WITHHELD, why)
    if target.resource not in _GATES:
        gate = _gate(target.url, seen)
        step = _step(*gate, seen, options)
        if step is not None:
            return step
        why = _refusal(_chain(*gate, seen)[-1], target, options)
        if why:
            return _stop(target, Outcome.WITHHELD, why)
    return _answered(target, seen) or target


def _answered(target: Target, seen: Seen) -> Observation | None:
    """The answer another chain had from the same URL: nothing is asked twice."""
    for o in seen:
        if (o.target.resource, o.target.url) == (target.resource, target.url) and _was_sent(o):
            return replace(o, target=target, note=f"asked once, for {o.target.asked}")
    return None


def _exhausted(url: str, seen: Seen, options: PlanOptions) -> str:
    """Why a host is asked nothing more: it is dead, busy, or was asked enough; or empty.

    One failure ends it, so a dead host costs one timeout; a broken answer gets a second try.
    RFC 9110, 15.6.4 and 10.2.3; RFC 6585, 4: 503 and 429 ask for patience, which is a later run.
    """
    host, broken = links.origin_of(url), 0
    for o in seen:
        if links.origin_of(o.target.url) != host or not _was_sent(o):
            continue
        broken += o.outcome is Outcome.BROKEN
        if o.outcome in _DEAD or broken == 2:
            return f"stopped after {o.outcome} at {o.target.url}"
        if o.status in _BACK_OFF:
            wait = o.header("retry-after")
            tail = f", Retry-After: {_shown(wait)}" if wait else ""
            return f"stopped after {o.status} at {o.target.url}{tail}"
    most = REQUESTS + options.pages + options.media
    if sum(map(_was_sent, seen)) >= most:
        return f"stopped after {most} requests"
    return ""


def _gate(url: str, seen: Seen) -> tuple[Resource, str]:
    """The chain that brings the robots.txt of a URL's origin.

    An origin whose robots.txt was a hop on the way to another needs no second request.
    """
    root = f"{links.origin_of(url)}/robots.txt"
    for o in seen:
        if o.target.resource in _GATES and o.target.url == root:
            return o.target.resource, o.target.asked
    return Resource.OTHER_ROBOTS_TXT, root


def _refusal(robots: Observation, target: Target, options: PlanOptions) -> str:
    """Why robots.txt keeps us from a target, empty if it does not (RFC 9309, 2.3.1).

    4xx is unavailable: everything may be asked, save for 429, which asks for patience. What
    is neither 2xx nor 4xx, and no answer at all, is unreachable: complete disallow.
    """
    where = robots.target.asked
    if robots.status is None or robots.outcome not in (Outcome.RESPONDED, Outcome.TOO_LARGE):
        return f"{where} was not read: {robots.outcome}"
    is_read = 200 <= robots.status < 300 or robots.confirms is not None
    if not (is_read or 400 <= robots.status < 500) or robots.status == 429:
        return f"{where} answered {robots.status}"
    reading = _reading(robots_txt, robots)
    if reading is None or (options.policy_files_always and target.resource in _POLICY_FILES):
        return ""
    if reading.presence is Presence.UNSEEN:
        return f"{where} could not be parsed"
    rule = robots_txt.refusing_rule(reading, AGENT, links.path_of(target.url))
    return f"{where} line {rule.number} disallows this path for {AGENT}" if rule else ""


def _chain(resource: Resource, asked: str, seen: Seen) -> Seen:
    return tuple(o for o in seen if o.target.asked == asked and o.target.resource is resource)


def _redirects(observation: Observation) -> bool:
    """Whether an answer sends us elsewhere; without a Location it is an answer like others."""
    names = {name.lower() for name, _ in observation.fields}
    return observation.status in _REDIRECTS and "location" in names


def _was_sent(observation: Observation) -> bool:
    ours = observation.outcome in _NEVER_SENT or observation.note.startswith(_BAD_LOCATION)
    return not ours


def _stop(target: Target, outcome: Outcome, why: str) -> Observation:
    return Observation(target=target, outcome=outcome, note=why)


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:200]
