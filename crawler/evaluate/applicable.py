"""Collect the statements that apply to a question, and the planned resources not seen.

Rules for editors: this module names no protocol. What differs between protocols is in their
modules: `statements_for`, and the optional hook `audience` (see `protocols.interface`). Evidence
that is missing is never treated as silence: a resource may be left out of `unseen` only if
nothing in it could change the answer to the question.
"""

from collections.abc import Iterator
from dataclasses import replace

from crawler.evaluate.precedence import apply_precedence
from crawler.evaluate.records import (
    ApplicableStatement,
    ApplicableStatements,
    ResourceEvidence,
    is_page_level,
    is_sampled,
)
from crawler.model import AppliedStatement, Question
from crawler.protocols import PROTOCOLS
from crawler.protocols.interface import EVERYBODY, AudienceHook
from crawler.protocols.prose import patterns
from crawler.vocab import CONTENT, CONTEXT, Presence, Resource

#: Resources that change no answer. A TDM policy only states the terms of what is reserved
#: elsewhere (TDMRep, 'tdm-policy property'); the robots.txt of another host only says what the
#: crawl may request there. Without any other planned resource no answer may be `silent`.
_UNESSENTIAL = frozenset({Resource.TDM_POLICY, Resource.OTHER_ROBOTS_TXT}) | CONTEXT


def _audience_hooks() -> Iterator[tuple[Resource, tuple[str, AudienceHook]]]:
    for protocol in PROTOCOLS:
        hook: AudienceHook | None = getattr(protocol, "audience", None)
        if hook is not None:
            for resource in protocol.RESOURCES:
                yield resource, (protocol.FAMILY, hook)


#: Resources whose audience is named by other documents of a family: the family and its hook.
_AUDIENCE_HOOKS = dict(_audience_hooks())


def collect_applicable(
    resources: tuple[ResourceEvidence, ...], question: Question
) -> ApplicableStatements:
    """Return the statements that apply to a question, after each protocol's own precedence.

    `resources` holds each planned resource of an origin once; it is empty for an origin that was
    never visited, for which `complete` is false.
    """
    applicable = [
        ApplicableStatement(protocol=protocol, reading_key=key, evidence=evidence, applied=applied)
        for evidence in resources
        for protocol, key, reading in evidence.readings
        if reading.statements or reading.rules is not None
        for applied in _for_audience(
            protocol.statements_for(reading, question), evidence, resources, question
        )
    ]
    applicable = [h for h in applicable if _applies_to(h, question, resources)]
    unseen = _missing(resources, question)
    return ApplicableStatements(
        statements=tuple(apply_precedence(applicable, question)),
        prose=tuple(_prose_statements(resources, question)),
        unseen=unseen,
        complete=bool(resources) and not unseen,
        pages=sum(s.resource in CONTENT and s.presence is Presence.PRESENT for s in resources),
    )


def has_audience_hook(resource: Resource) -> bool:
    """Return whether answers from a resource depend on the URLs by which others link to it."""
    return resource in _AUDIENCE_HOOKS


def _prose_statements(
    resources: tuple[ResourceEvidence, ...], question: Question
) -> Iterator[ApplicableStatement]:
    """Yield candidates as statements that reserve.

    A candidate at location `page`, such as a footer, is about its own page only; one in a
    comment of robots.txt or in terms is about the whole origin.
    """
    for evidence in resources:
        for protocol, key, reading in evidence.readings:
            for n, candidate in enumerate(reading.candidates, start=1):
                if candidate.strength != patterns.CANDIDATE:
                    continue
                is_about_all = candidate.location != "page" or evidence.path == question.path
                applicable = ApplicableStatement(
                    protocol=protocol,
                    reading_key=key,
                    evidence=evidence,
                    applied=AppliedStatement(
                        statement=patterns.as_statement(candidate),
                        limited_to="" if is_about_all else "pages",
                    ),
                    candidate=n,
                )
                if is_about_all or _applies_to(applicable, question, resources):
                    yield applicable


def _for_audience(
    statements: tuple[AppliedStatement, ...],
    evidence: ResourceEvidence,
    resources: tuple[ResourceEvidence, ...],
    question: Question,
) -> Iterator[AppliedStatement]:
    """Yield the statements of a document once for each agent that it speaks to.

    The bytes of the document do not say who that is: the documents that link to it do.
    """
    for token in _audience(evidence, resources, question):
        for applied in statements:
            if token == "*":
                yield applied
            else:
                yield AppliedStatement(
                    statement=replace(applied.statement, agent=token), limited_to="agents"
                )


def _audience(
    evidence: ResourceEvidence, resources: tuple[ResourceEvidence, ...], question: Question
) -> tuple[str, ...]:
    """Return the product tokens that a resource speaks to; empty if not to the agent asked about.

    Works for resources that were not seen too: what links to them is known.
    """
    if evidence.resource not in _AUDIENCE_HOOKS:
        return EVERYBODY
    family, audience = _AUDIENCE_HOOKS[evidence.resource]
    carriers = (
        (other.url, reading)
        for other in resources
        for protocol, _key, reading in other.readings
        if family == protocol.FAMILY
    )
    return audience(evidence.path, carriers, question.agent)


def _applies_to(
    applicable: ApplicableStatement, question: Question, resources: tuple[ResourceEvidence, ...]
) -> bool:
    """Return False for statements of other pages if the page asked about was requested itself."""
    if (
        not is_page_level(applicable)
        or question.path is None
        or applicable.evidence.path == question.path
    ):
        return True
    return not is_sampled(resources, question.path)


def _is_unseen(evidence: ResourceEvidence) -> bool:
    """Return whether evidence is missing: no response, or a protocol that could not read it."""
    if evidence.presence is Presence.UNSEEN:
        return True
    return any(reading.presence is Presence.UNSEEN for _, _, reading in evidence.readings)


def _missing(
    resources: tuple[ResourceEvidence, ...], question: Question
) -> tuple[ResourceEvidence, ...]:
    """Return the planned resources without evidence that could change the answer.

    If the page asked about was requested itself, other pages could not.
    """
    is_own_page = question.path is not None and is_sampled(resources, question.path)
    return tuple(
        evidence
        for evidence in resources
        if _is_unseen(evidence)
        and evidence.resource not in _UNESSENTIAL
        and not (is_own_page and evidence.resource in CONTENT and evidence.path != question.path)
        and _audience(evidence, resources, question)
    )
