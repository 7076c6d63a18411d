"""Decide what to request from an origin next, from what was seen: a state machine without clock.

Every planned URL begins a chain of observations: a redirect calls for the next hop, anything
else ends the chain. The origin is done when all chains have ended. The gate before each request
is `robots_gate`.

Rules for editors: the planner does no I/O and reads no clock; the same history gives the same
step. A request that is not sent is recorded as an observation with the reason, never skipped:
without a record, missing evidence would look like an absent file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from crawler.model import Observation, Origin, Target
from crawler.plan import robots_gate
from crawler.plan.history import (
    BAD_LOCATION,
    NO_ANSWER,
    ROBOTS_FILES,
    Chain,
    OriginHistory,
    printable,
)
from crawler.plan.resources import PLANNED, PLANNED_FOR_LISTS, PlanOptions, PlanState
from crawler.plan.robots_gate import AGENT
from crawler.urls import resolve
from crawler.vocab import SAMPLED, Outcome, Resource

__all__ = ["AGENT", "MAX_HOPS", "MAX_REQUESTS", "OriginHistory", "PlanOptions", "next_target"]

#: RFC 9309, 2.3.1.2: at least five consecutive hops are followed; so are those of other files.
MAX_HOPS = 5
#: Requests for one origin, other hosts included; only redirects that fan out come near it.
MAX_REQUESTS = 40
#: Requests for each URL of a list: it, and two redirects, as from http to https and to `www`.
MAX_REQUESTS_FOR_LISTED = 3

_REDIRECTS = frozenset((301, 302, 303, 307, 308))

#: A request to send, an observation to record without a request, or nothing to do.
Step = Target | Observation | None


def next_target(
    origin: Origin, samples: tuple[str, ...], history: OriginHistory, options: PlanOptions
) -> Step:
    """Return the next request, or an observation to record without one, or None when done.

    `samples` are URLs or paths of the origin from the dataset.
    """
    for chain in _planned_chains(origin, samples, history, options):
        if options.listed and _is_left(chain, history, options):
            continue
        step = _next_step(chain, history, options)
        if step is not None:
            return step
    return None


def has_ended(chain: Chain, history: OriginHistory, options: PlanOptions) -> bool:
    """Return whether a chain that has begun needs no further request."""
    return _next_step(chain, history, options) is None


def _is_left(chain: Chain, history: OriginHistory, options: PlanOptions) -> bool:
    """Return whether a listed URL is left to a later visit, since this one sends no more requests.

    It is not recorded as withheld then: it was not asked, and stays to be asked.
    """
    resource, url = chain
    if resource not in SAMPLED or history.chain(chain):
        return False
    return bool(_stop_reason(url, history, options))


def _planned_chains(
    origin: Origin, samples: tuple[str, ...], history: OriginHistory, options: PlanOptions
) -> Iterator[Chain]:
    """Yield the chains of an origin in order; later ones depend on what earlier ones found."""
    yield Resource.ROBOTS_TXT, f"{origin.url}/robots.txt"
    base = _base_url(origin, history)
    # Another URL than the first one only where the origin is requested by http after all.
    yield Resource.ROBOTS_TXT, f"{base}/robots.txt"
    state = PlanState(base, samples, history, options)
    for planned in PLANNED_FOR_LISTS if options.listed else PLANNED:
        for url in planned.urls(state):
            yield planned.resource, url


def _base_url(origin: Origin, history: OriginHistory) -> str:
    """Return scheme, host and port for all requests but the first.

    A name without a scheme is tried by https, and by http where https gives no answer.
    """
    observations = history.observations
    if not origin.assumed or not observations or observations[0].outcome not in NO_ANSWER:
        return origin.url
    return replace(origin, scheme="http", port=80 if origin.port == 443 else origin.port).url


def _next_step(chain: Chain, history: OriginHistory, options: PlanOptions) -> Step:
    """Return the next step of a chain, None when the chain has ended."""
    observations = history.chain(chain)
    if not observations:
        resource, asked = chain
        return _request(Target(resource=resource, asked=asked, url=asked), history, options)
    last = observations[-1]
    if not _is_redirect(last):
        return None
    hop = replace(last.target, hop=last.target.hop + 1, in_spite_of="")
    location = last.header("location").strip()
    url = resolve.join(last.target.url, location) if location else None
    if url is None:
        note = f"{BAD_LOCATION}is no http URL: {printable(location)}"
        return Observation(target=hop, outcome=Outcome.BROKEN, note=note)
    return _follow_redirect(replace(hop, url=url), observations, history, options)


def _follow_redirect(
    target: Target,
    observations: Sequence[Observation],
    history: OriginHistory,
    options: PlanOptions,
) -> Step:
    """Return the request for a hop, unless the chain is too long or loops."""
    # Against all hops: a loop may have any length.
    if any(o.target.url == target.url for o in observations):
        return _record(target, Outcome.REDIRECT_LIMIT, "redirects in a loop")
    if target.hop > MAX_HOPS:
        return _record(target, Outcome.REDIRECT_LIMIT, f"more than {MAX_HOPS} redirects")
    return _request(target, history, options)


def _request(target: Target, history: OriginHistory, options: PlanOptions) -> Step:
    """Return the request if it may be sent now.

    Otherwise return the record that it is withheld, the answer that another chain had from the
    same URL, or the request for the robots.txt that must be read first.
    """
    reason = _stop_reason(target.url, history, options)
    if reason:
        return _record(target, Outcome.WITHHELD, reason)
    # A robots.txt is requested without asking a robots.txt (RFC 9309, 2.2.2).
    if target.resource not in ROBOTS_FILES:
        robots_chain = history.robots_chain(target.url)
        step = _next_step(robots_chain, history, options)
        if step is not None:
            return step
        permission = _pass_gate(robots_chain, target, history, options)
        if permission.refusal:
            return _record(target, Outcome.WITHHELD, permission.refusal)
        target = replace(target, in_spite_of=permission.in_spite_of)
    return _reuse_answer(target, history) or target


def _reuse_answer(target: Target, history: OriginHistory) -> Observation | None:
    """Return the answer that another chain had from the same URL: nothing is requested twice."""
    o = history.answer(target)
    return replace(o, target=target, note=f"asked once, for {o.target.asked}") if o else None


def _stop_reason(url: str, history: OriginHistory, options: PlanOptions) -> str:
    """Return why no request may be sent: the host is dead or busy, or the budget is spent.

    Return an empty string where requests may be sent.
    """
    each = MAX_REQUESTS_FOR_LISTED if options.listed else 1
    budget = MAX_REQUESTS + each * (options.pages + options.media)
    spent = history.request_count >= budget
    return history.stop_reason(url) or (f"stopped after {budget} requests" if spent else "")


def _pass_gate(
    chain: Chain, target: Target, history: OriginHistory, options: PlanOptions
) -> robots_gate.Permission:
    """Return whether the robots.txt at the end of a chain lets a request through."""
    url = chain[1]
    reason = robots_gate.failure(url, history.chain(chain)[-1])
    if reason:
        return robots_gate.Permission(refusal=reason)
    return robots_gate.permission(
        url,
        history.robots_reading(chain),
        target,
        policy_files_always=options.policy_files_always,
    )


def _is_redirect(observation: Observation) -> bool:
    """Return whether an answer redirects. Without a Location header it is an answer like others.

    RFC 9110, 15.4: 300 and 304 are no redirects that are followed.
    """
    return observation.status in _REDIRECTS and any(
        name.lower() == "location" for name, _ in observation.fields
    )


def _record(target: Target, outcome: Outcome, reason: str) -> Observation:
    """Return the observation that a request was not sent."""
    return Observation(target=target, outcome=outcome, note=reason)
