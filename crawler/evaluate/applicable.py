"""Who speaks to a question, and what should have been seen and was not."""

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
from crawler.protocols.prose import patterns
from crawler.protocols.rsl import rsl_robots
from crawler.vocab import CONTENT, CONTEXT, Presence, Resource

#: What settles nothing when it cannot be read: a TDM policy only states the terms of what is
#: reserved elsewhere (TDMRep, 'tdm-policy property'), and another host's robots.txt our manners.
#: Everything else that was planned must be seen before nothing said may be called silence.
_UNESSENTIAL = frozenset({Resource.TDM_POLICY, Resource.OTHER_ROBOTS_TXT}) | CONTEXT


def collect_applicable(
    resources: tuple[ResourceEvidence, ...], question: Question
) -> ApplicableStatements:
    """Every statement that speaks to the question, after each protocol's own precedence."""
    found = [
        ApplicableStatement(protocol=protocol, reading=key, evidence=evidence, applied=applied)
        for evidence in resources
        for protocol, key, reading in evidence.readings
        if reading.statements or reading.rules is not None
        for applied in _for_audience(
            protocol.statements_for(reading, question), evidence, resources, question
        )
    ]
    found = [h for h in found if _applies_to(h, question, resources)]
    unseen = _missing(resources, question)
    return ApplicableStatements(
        applicable=tuple(apply_precedence(found, question)),
        prose=tuple(_prose_statements(resources, question)),
        unseen=unseen,
        complete=bool(resources) and not unseen,
        pages=sum(s.resource in CONTENT and s.presence is Presence.PRESENT for s in resources),
    )


def _prose_statements(
    resources: tuple[ResourceEvidence, ...], question: Question
) -> Iterator[ApplicableStatement]:
    """Candidates as statements that reserve; one in the foot of a page is about that page."""
    for evidence in resources:
        for protocol, key, reading in evidence.readings:
            for n, candidate in enumerate(reading.candidates, start=1):
                if candidate.strength != patterns.CANDIDATE:
                    continue
                own = candidate.location != "page" or evidence.path == question.path
                statement = patterns.as_statement(candidate)
                applied = AppliedStatement(statement=statement, limited_to="" if own else "pages")
                applicable = ApplicableStatement(
                    protocol=protocol, reading=key, evidence=evidence, applied=applied, candidate=n
                )
                if own or _applies_to(applicable, question, resources):
                    yield applicable


def _for_audience(
    statements_for: tuple[AppliedStatement, ...],
    evidence: ResourceEvidence,
    resources: tuple[ResourceEvidence, ...],
    question: Question,
) -> Iterator[AppliedStatement]:
    """The voices of a document as said to those it is for: bytes do not tell who is meant."""
    for token in _audience(evidence, resources, question):
        for applied in statements_for:
            if token == "*":
                yield applied
            else:
                yield AppliedStatement(
                    statement=replace(applied.statement, agent=token), limited_to="agents"
                )


def _audience(
    evidence: ResourceEvidence, resources: tuple[ResourceEvidence, ...], question: Question
) -> tuple[str, ...]:
    """Whom a licence document speaks to (RSL 1.0, robots.txt); every other one to everybody."""
    if evidence.resource is not Resource.RSL_LICENSE:
        return rsl_robots.EVERYBODY
    carriers = (
        (other.url, reading)
        for other in resources
        for protocol, _key, reading in other.readings
        if protocol.FAMILY == rsl_robots.FAMILY
    )
    return rsl_robots.audience_of(evidence.path, carriers, question.agent)


def _applies_to(
    applicable: ApplicableStatement, question: Question, resources: tuple[ResourceEvidence, ...]
) -> bool:
    """Statements of other pages say nothing about a page that was seen itself."""
    if (
        not is_page_level(applicable)
        or question.path is None
        or applicable.evidence.path == question.path
    ):
        return True
    return not is_sampled(resources, question.path)


def _is_unseen(evidence: ResourceEvidence) -> bool:
    """Whether evidence is missing: no answer, or one that a protocol could not look into."""
    if evidence.presence is Presence.UNSEEN:
        return True
    return any(reading.presence is Presence.UNSEEN for _, _, reading in evidence.readings)


def _missing(
    resources: tuple[ResourceEvidence, ...], question: Question
) -> tuple[ResourceEvidence, ...]:
    """Planned resources without evidence; of the pages only the one asked about, if sampled."""
    own = question.path is not None and is_sampled(resources, question.path)
    return tuple(
        s
        for s in resources
        if _is_unseen(s)
        and s.resource not in _UNESSENTIAL
        and not (own and s.resource in CONTENT and s.path != question.path)
        and _audience(s, resources, question)
    )
