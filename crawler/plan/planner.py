"""What to ask an origin next, decided from what was seen: a state machine without a clock.

Every planned resource is a chain of observations that begins at `asked`: a redirect calls
for the next hop, anything else ends the chain. The origin is done when no chain is open.
The gate is RFC 9309 with our own token; what it withholds is recorded, never skipped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from crawler.model import Observation, Origin, Target
from crawler.plan.history import BAD_LOCATION, GATES, NO_ANSWER, Chain, OriginHistory, shown
from crawler.plan.linked_documents import RSL, TDMREP, TERMS
from crawler.protocols.robots import robots_txt
from crawler.urls import resolve
from crawler.vocab import Outcome, Presence, Resource

__all__ = [
    "AGENT",
    "HOPS",
    "LICENSES",
    "POLICIES",
    "REQUESTS",
    "OriginHistory",
    "PlanOptions",
    "next_target",
]

AGENT = "tdm-audit"
#: RFC 9309, 2.3.1.2: at least five consecutive hops are followed; so are those of other files.
HOPS = 5
#: Requests to one origin and where it points; only redirects that fan out ever come near it.
REQUESTS = 40
POLICIES = 3
LICENSES = 3

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_GONE = frozenset((404, 410))
_POLICY_FILES = frozenset((Resource.AI_TXT, Resource.TDMREP_JSON))
_MEDIA = tuple(".avif .epub .gif .heic .jpeg .jpg .mp3 .mp4 .pdf .png .tif .tiff .webp".split())
_CONTEXT_FILES = {
    Resource.ADS_TXT: "/ads.txt",
    Resource.SECURITY_TXT: "/.well-known/security.txt",
    Resource.LLMS_TXT: "/llms.txt",
    Resource.AI_TXT_WELL_KNOWN: "/.well-known/ai.txt",
}

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
    origin: Origin, samples: tuple[str, ...], seen: OriginHistory, options: PlanOptions
) -> Step:
    """What to fetch next, or what to record without fetching, or None when all is done."""
    for chain in _planned(origin, samples, seen, options):
        step = _step(chain, seen, options)
        if step is not None:
            return step
    return None


def _planned(
    origin: Origin, samples: tuple[str, ...], seen: OriginHistory, options: PlanOptions
) -> Iterator[tuple[Resource, str]]:
    """The chains of an origin in order; later ones depend on what the earlier brought."""
    yield Resource.ROBOTS_TXT, f"{origin.url}/robots.txt"
    base = _base(origin, seen)
    yield Resource.ROBOTS_TXT, f"{base}/robots.txt"
    yield Resource.AI_TXT, f"{base}/ai.txt"
    yield Resource.TDMREP_JSON, f"{base}/.well-known/tdmrep.json"
    yield Resource.TRUST_TXT, (well_known := f"{base}/.well-known/trust.txt")
    if any(o.status in _GONE for o in seen.chain((Resource.TRUST_TXT, well_known))[-1:]):
        yield Resource.TRUST_TXT, f"{base}/trust.txt"
    yield Resource.HOME, f"{base}/"
    media, pages = _sampled(base, samples, options)
    for url in pages:
        yield Resource.PAGE, url
    for url in media:
        yield Resource.MEDIA, url
    for url in islice(seen.named(TDMREP), POLICIES):
        yield Resource.TDM_POLICY, url
    for url in islice(seen.named(RSL), LICENSES):
        yield Resource.RSL_LICENSE, url
    for url in islice(seen.named(TERMS), options.terms) if options.terms > 0 else ():
        yield Resource.TERMS, url
    for resource, path in _CONTEXT_FILES.items() if options.context else ():
        yield resource, f"{base}{path}"


def _base(origin: Origin, seen: OriginHistory) -> str:
    """Where an origin is asked: a name without a scheme by http when https gives no answer."""
    if not origin.assumed or not seen.all or seen.all[0].outcome not in NO_ANSWER:
        return origin.url
    return replace(origin, scheme="http", port=80 if origin.port == 443 else origin.port).url


@lru_cache(maxsize=1024)
def _sampled(
    base: str, samples: tuple[str, ...], options: PlanOptions
) -> tuple[list[str], list[str]]:
    """Sampled media and pages at the base that is asked, each once, without the home page.

    Where no media are wanted, a sampled image is a page like any other: it has headers.
    """
    given = (s if "://" in s or s.startswith("/") else f"https://{s}" for s in samples)
    paths = dict.fromkeys(
        resolve.path_of(url) for s in given if (url := resolve.join(base, s)) is not None
    )
    urls = [base + path for path in paths if path != "/"]
    media = [url for url in urls if options.media > 0 and _is_media(url)]
    pages = [url for url in urls if url not in media]
    return media[: options.media], pages[: max(options.pages, 0)]


def _is_media(url: str) -> bool:
    return url.partition("?")[0].lower().endswith(_MEDIA)


def _step(key: Chain, seen: OriginHistory, options: PlanOptions) -> Step:
    """The next step of a chain, None when it has ended."""
    chain = seen.chain(key)
    if not chain:
        resource, asked = key
        return _admit(Target(resource=resource, asked=asked, url=asked), seen, options)
    last = chain[-1]
    if not _redirects(last):
        return None
    hop = replace(last.target, hop=last.target.hop + 1)
    location = last.header("location").strip()
    url = resolve.join(last.target.url, location) if location else None
    if url is None:
        note = f"{BAD_LOCATION}is no http URL: {shown(location)}"
        return Observation(target=hop, outcome=Outcome.BROKEN, note=note)
    return _hop(replace(hop, url=url), chain, seen, options)


def _hop(
    target: Target, chain: Sequence[Observation], seen: OriginHistory, options: PlanOptions
) -> Step:
    """A hop that a redirect asks for, unless the chain is too long or bites its tail."""
    if any(o.target.url == target.url for o in chain):
        return _stop(target, Outcome.REDIRECT_LIMIT, "redirects in a loop")
    if target.hop > HOPS:
        return _stop(target, Outcome.REDIRECT_LIMIT, f"more than {HOPS} redirects")
    return _admit(target, seen, options)


def _admit(target: Target, seen: OriginHistory, options: PlanOptions) -> Step:
    """The target if it may be asked now; else why it is withheld, or the gate to ask first."""
    why = _exhausted(target.url, seen, options)
    if why:
        return _stop(target, Outcome.WITHHELD, why)
    if target.resource not in GATES:
        gate = seen.gate(target.url)
        step = _step(gate, seen, options)
        if step is not None:
            return step
        why = _refusal(gate, target, seen, options)
        if why:
            return _stop(target, Outcome.WITHHELD, why)
    return _answered(target, seen) or target


def _answered(target: Target, seen: OriginHistory) -> Observation | None:
    """The answer another chain had from the same URL: nothing is asked twice."""
    o = seen.answer(target)
    return replace(o, target=target, note=f"asked once, for {o.target.asked}") if o else None


def _exhausted(url: str, seen: OriginHistory, options: PlanOptions) -> str:
    """Why a host is asked nothing more: it is dead, busy, or was asked enough; or empty."""
    most = REQUESTS + options.pages + options.media
    return seen.closed(url) or (f"stopped after {most} requests" if seen.sent >= most else "")


def _refusal(gate: Chain, target: Target, seen: OriginHistory, options: PlanOptions) -> str:
    """Why robots.txt keeps us from a target, empty if it does not (RFC 9309, 2.3.1).

    4xx is unavailable: everything may be asked, save for 429, which asks for patience. What
    is neither 2xx nor 4xx, and no answer at all, is unreachable: complete disallow.
    """
    robots, where = seen.chain(gate)[-1], gate[1]
    if robots.status is None or robots.outcome not in (Outcome.RESPONDED, Outcome.TOO_LARGE):
        return f"{where} was not read: {robots.outcome}"
    is_read = 200 <= robots.status < 300 or robots.confirms is not None
    if not (is_read or 400 <= robots.status < 500) or robots.status == 429:
        return f"{where} answered {robots.status}"
    if options.policy_files_always and target.resource in _POLICY_FILES:
        return ""
    reading = seen.rules(gate)
    if reading is None:
        return ""
    if reading.presence is Presence.UNSEEN:
        return f"{where} could not be parsed"
    rule = robots_txt.refusing_rule(reading, AGENT, resolve.path_of(target.url))
    return f"{where} line {rule.number} disallows this path for {AGENT}" if rule else ""


def _redirects(observation: Observation) -> bool:
    """Whether an answer sends us elsewhere; without a Location it is an answer like others."""
    return observation.status in _REDIRECTS and any(
        name.lower() == "location" for name, _ in observation.fields
    )


def _stop(target: Target, outcome: Outcome, why: str) -> Observation:
    return Observation(target=target, outcome=outcome, note=why)
