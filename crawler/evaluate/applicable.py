"""Collect the statements that apply to a question, and the planned resources not seen.

Rules for editors: this module names no protocol. What differs between protocols is in their
modules: `statements_for`, and the optional hook `audience` (see `protocols.interface`). Evidence
that is missing is never treated as silence: a resource may be left out of `essential` only if
nothing in it could change the answer to the question.
"""

from collections.abc import Iterator
from dataclasses import replace

from crawler.evaluate.kinds import ApplicableStatements, StatementKinds
from crawler.evaluate.precedence import apply_precedence
from crawler.evaluate.records import (
    ApplicableStatement,
    LastFailure,
    ResourceEvidence,
    is_sampled,
    speaks_for_page,
)
from crawler.model import AppliedStatement, Question, Reading
from crawler.protocols import PROTOCOLS
from crawler.protocols.interface import (
    EVERYBODY,
    AudienceHook,
    LooseNameHook,
    NamedDocumentsHook,
    Protocol,
)
from crawler.protocols.parse import applied_statements, as_lenient
from crawler.protocols.prose import patterns
from crawler.rulesets import RuleSet
from crawler.vocab import CONTENT, CONTEXT, SAMPLED, Presence, Resource

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
_LOOSE_NAME_HOOKS: dict[Resource, LooseNameHook] = {
    resource: protocol.is_named_loosely
    for protocol in PROTOCOLS
    if hasattr(protocol, "is_named_loosely")
    for resource in protocol.RESOURCES
}
_NAMED_DOCUMENTS_HOOKS: dict[Resource, NamedDocumentsHook] = {
    resource: protocol.named_documents
    for protocol in PROTOCOLS
    if hasattr(protocol, "named_documents")
    for resource in protocol.RESOURCES
}
_NOT_REQUESTED = LastFailure(is_refusal=False, days=0, why="named and not requested")


def collect_applicable(
    resources: tuple[ResourceEvidence, ...], question: Question
) -> ApplicableStatements:
    """Return the statements that apply to a question, after each protocol's own precedence.

    `resources` holds each planned resource of an origin once; it is empty for an origin that was
    never visited, for which `complete` is false.
    """
    asked = next(filter(None, (evidence.origin for evidence in resources)), "")
    question = replace(question, origin=question.origin or asked)
    is_own_page = question.path is not None and is_sampled(resources, question.path)
    applicable = [
        ApplicableStatement(protocol, key, evidence, applied)
        for evidence in resources
        for protocol, key, reading in evidence.readings
        if (reading.statements or reading.rules is not None)
        and _applies_to(protocol, evidence, question, is_own_page)
        for applied in _for_audience(
            applied_statements(protocol, reading, question), evidence, resources, question
        )
    ]
    pages = [
        evidence.resource
        for evidence in resources
        if evidence.is_final
        and evidence.resource in CONTENT
        and evidence.presence is Presence.PRESENT
    ]
    statements = tuple(apply_precedence(applicable, question))
    prose = tuple(_prose_statements(resources, question, is_own_page))
    return ApplicableStatements(
        statements=statements,
        prose=prose,
        essential=_essential(resources, question, is_own_page),
        pages=len(pages),
        sampled=sum(resource in SAMPLED for resource in pages),
        kinds=StatementKinds((*statements, *prose)),
    )


def missing(
    essential: tuple[ResourceEvidence, ...], rules: RuleSet
) -> tuple[ResourceEvidence, ...]:
    """Return the essential resources that do not show that nothing is reserved there.

    They were not seen; or this client was turned away since (freedom ends at once); or the
    evidence could not be renewed for longer than the rule set allows; or a document was there
    and nothing could be read in it, where the rule set counts lenient readings.
    """
    return tuple([evidence for evidence in essential if _is_missing(evidence, rules)])


def _is_missing(evidence: ResourceEvidence, rules: RuleSet) -> bool:
    if _is_unseen(evidence) or has_expired(evidence, rules):
        return True
    return rules.lenient_counts_as == "reserved" and is_unreadable(evidence)


def has_expired(evidence: ResourceEvidence, rules: RuleSet) -> bool:
    """Return whether evidence is too old to show that nothing is reserved.

    Its age counts from the evidence to the last attempt, which failed: evidence that was
    not asked for again is as good as its date says.
    """
    failure = evidence.last_failure
    return failure is not None and (
        failure.is_refusal or failure.days > rules.freedom_expires_after
    )


def is_unreadable(evidence: ResourceEvidence) -> bool:
    """Return whether a document that could reserve has a part in which nothing could be read."""
    return bool(unreadable_protocols(evidence))


def unreadable_protocols(evidence: ResourceEvidence) -> list[Protocol]:
    """Return the protocols that could reserve, and could read nothing in what was there.

    A part in which nothing could be read counts as a whole document does: what is readable next to
    it does not say what it was meant to say.
    """
    return [
        protocol
        for protocol, _key, reading in evidence.readings
        if (
            reading.has_unread
            or (reading.presence is Presence.MALFORMED and not reading.statements)
        )
        and not getattr(protocol, "CONTEXT_ONLY", False)
    ]


def has_audience_hook(resource: Resource) -> bool:
    """Return whether answers from a resource depend on the URLs by which others link to it."""
    return resource in _AUDIENCE_HOOKS


def _prose_statements(
    resources: tuple[ResourceEvidence, ...], question: Question, is_own_page: bool
) -> Iterator[ApplicableStatement]:
    """Yield candidates as statements that reserve.

    A candidate in a page, such as a footer, is about its own page only; one in a comment of
    robots.txt or in terms is about the whole origin (`patterns.PAGE_LOCATIONS`).
    """
    for evidence in resources:
        for protocol, key, reading in evidence.readings:
            for n, candidate in enumerate(reading.candidates, start=1):
                if candidate.strength != patterns.CANDIDATE:
                    continue
                is_of_page = candidate.location in patterns.PAGE_LOCATIONS
                is_about_all = not is_of_page or evidence.path == question.path
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
                if is_about_all or _applies_to(protocol, evidence, question, is_own_page):
                    yield applicable


def _for_audience(
    statements: tuple[AppliedStatement, ...],
    evidence: ResourceEvidence,
    resources: tuple[ResourceEvidence, ...],
    question: Question,
) -> Iterator[AppliedStatement]:
    """Yield the statements of a document once for each agent that it speaks to.

    The bytes of the document do not say who that is: the documents that link to it do. Nothing
    in a document counts that strict readers would not reach.
    """
    hook = _LOOSE_NAME_HOOKS.get(evidence.resource)
    if hook is not None and statements:
        carriers = _carriers(evidence.resource, resources)
        if hook(evidence.path, carriers):
            statements = tuple([as_lenient(applied) for applied in statements])
    if evidence.resource not in _AUDIENCE_HOOKS:
        yield from statements
        return
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
    _, audience = _AUDIENCE_HOOKS[evidence.resource]
    return audience(evidence.path, _carriers(evidence.resource, resources), question.agent)


def _not_requested(resources: tuple[ResourceEvidence, ...]) -> Iterator[ResourceEvidence]:
    """Yield unseen evidence for documents that others name and that were never requested.

    A crawl follows a limited number of links of an origin. What it left out may reserve.
    """
    for resource, hook in _NAMED_DOCUMENTS_HOOKS.items():
        asked = {evidence.path for evidence in resources if evidence.resource is resource}
        for url in hook(_carriers(resource, resources)):
            if url not in asked:
                yield ResourceEvidence(
                    resource=resource,
                    path=url,
                    url=url,
                    presence=Presence.UNSEEN,
                    observation=0,
                    observed_at="",
                    last_failure=_NOT_REQUESTED,
                )


def _carriers(
    resource: Resource, resources: tuple[ResourceEvidence, ...]
) -> Iterator[tuple[str, Reading]]:
    """Yield URL and reading of the documents of the family that name a resource."""
    family, _ = _AUDIENCE_HOOKS[resource]
    return (
        (other.url, reading)
        for other in resources
        for protocol, _key, reading in other.readings
        if family == protocol.FAMILY
    )


def _applies_to(
    protocol: Protocol, evidence: ResourceEvidence, question: Question, is_own_page: bool
) -> bool:
    """Return False for statements of other pages if the page asked about was requested itself."""
    if (
        question.path is None
        or evidence.path == question.path
        or not speaks_for_page(protocol, evidence)
    ):
        return True
    return not is_own_page


def _is_unseen(evidence: ResourceEvidence) -> bool:
    """Return whether evidence is missing: no response, or a protocol that could not read it.

    A resource that another document names must be there: a licence that leads nowhere is a
    licence that was not read (RSL 1.0, 4.3), not one that permits.
    """
    if evidence.presence is Presence.UNSEEN:
        return True
    if has_audience_hook(evidence.resource) and evidence.presence is not Presence.PRESENT:
        return True
    return any(reading.presence is Presence.UNSEEN for _, _, reading in evidence.readings)


def _essential(
    resources: tuple[ResourceEvidence, ...], question: Question, is_own_page: bool
) -> tuple[ResourceEvidence, ...]:
    """Return the planned resources that could change the answer.

    Header fields of a redirect or an error are among them if they were there and could not be
    read. If the page asked about was requested itself, other pages could not.
    """
    return tuple(
        evidence
        for evidence in (*resources, *_not_requested(resources))
        if (evidence.is_final or _is_unseen(evidence) or is_unreadable(evidence))
        and evidence.resource not in _UNESSENTIAL
        and not (is_own_page and evidence.resource in CONTENT and evidence.path != question.path)
        and _audience(evidence, resources, question)
    )
