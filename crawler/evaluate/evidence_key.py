"""Keys of evidence: origins with equal keys get equal verdicts, except for times.

`evaluation_cache` compares evidence by the identity of readings, within one process. A key is made
of digests of what was read, so that it can be stored.

Rules for editors: a key must hold everything that an evaluation depends on, for every rule set,
agent and path. What is not in it: times, numbers, the bytes of a reading that affects no answer
(but whether it could be read at all is), and URLs, hence `is_shareable`. Whoever adds an input to
the evaluator adds it here, and raises `_VERSION`.
"""

import hashlib
from collections.abc import Iterator
from math import ceil

from crawler.evaluate.applicable import has_audience_hook
from crawler.evaluate.records import LastFailure, ResourceEvidence
from crawler.evaluate.url_verdicts import PROBES
from crawler.model import Reading
from crawler.protocols.interface import NamesHostsHook, Protocol
from crawler.protocols.url_patterns import has_url_patterns
from crawler.vocab import CONTENT, Presence

_VERSION = 1
_DIGEST_SIZE = 16
#: Readings that found nothing, and yet affect an answer.
UNREAD = frozenset({Presence.UNSEEN, Presence.MALFORMED})


def evidence_key(resources: tuple[ResourceEvidence, ...]) -> bytes | None:
    """Return the key of the evidence of an origin; None if its verdicts are its own."""
    if not resources or not is_shareable(resources):
        return None
    has_own_pages = not all(_is_silent(e) for e in resources if e.resource in CONTENT)
    facts: list[object] = [_VERSION]
    for evidence in resources:
        sources = list(_sources(evidence))
        if None in sources:
            return None
        has_path = has_own_pages or evidence.resource not in CONTENT
        path = evidence.path if has_path else ""
        place = (evidence.resource.value, path, evidence.presence.value, evidence.is_final)
        facts.append((*place, failure_facts(evidence.last_failure), *sources))
    text = repr(facts).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(text, digest_size=_DIGEST_SIZE).digest()


def _sources(evidence: ResourceEvidence) -> Iterator[tuple[object, ...] | None]:
    """Yield what was read in a resource, so far as it matters; None where that is not known."""
    for protocol, _key, reading in evidence.readings:
        is_affecting = affects_answers(protocol, reading)
        if is_affecting and not reading.source:
            yield None
        elif is_affecting or reading.presence in UNREAD:
            yield protocol.NAME, protocol.VERSION, reading.presence.value, reading.source


def is_shareable(resources: tuple[ResourceEvidence, ...]) -> bool:
    """Return whether origins with other URLs can have the same evaluation.

    An audience depends on the URLs by which other documents link to a resource, and some documents
    name hosts. Also a relative policy is resolved against the URL of its origin: a verdict with a
    policy is never shared.
    """
    return not any(has_audience_hook(evidence.resource) for evidence in resources) and not any(
        _names_hosts(protocol, reading)
        for evidence in resources
        for protocol, _key, reading in evidence.readings
    )


def affects_answers(protocol: Protocol, reading: Reading) -> bool:
    """Return whether a reading can change a state, or makes a difference between URLs."""
    if reading.statements or reading.candidates or reading.names or reading.has_unread:
        return True
    return reading.rules is not None and has_url_patterns(protocol, reading)


def failure_facts(failure: LastFailure | None) -> tuple[object, ...] | None:
    """Return what answers depend on in a failure, under any rule set.

    Rule sets compare its days with whole numbers, and details show them as a whole number.
    """
    if failure is None:
        return None
    return (failure.why, failure.is_refusal, ceil(failure.days), f"{failure.days:.0f}")


def _is_silent(page: ResourceEvidence) -> bool:
    """Return whether a page was seen, says nothing, and has a path that no other URL stands for.

    Where all pages are such, no verdict depends on which ones were requested.
    """
    return (
        page.is_final
        and page.last_failure is None
        and page.presence in (Presence.PRESENT, Presence.ABSENT)
        and page.path not in PROBES
        and not any(
            reading.presence in UNREAD or affects_answers(protocol, reading)
            for protocol, _key, reading in page.readings
        )
    )


def _names_hosts(protocol: Protocol, reading: Reading) -> bool:
    hook: NamesHostsHook | None = getattr(protocol, "names_hosts", None)
    return hook is not None and hook(reading)
