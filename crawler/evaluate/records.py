"""Input and output records of the evaluator: evidence, applicable statements, findings."""

from collections.abc import Iterable
from typing import NamedTuple

from crawler.intervals import Interval, wilson
from crawler.model import AppliedStatement, Reading, Statement
from crawler.protocols.interface import Carrier, Protocol
from crawler.vocab import CONTENT, Presence, Purpose, Resource, Stance, State

#: The stances that reserve, on terms or without.
RESERVING = frozenset({Stance.RESERVED, Stance.CONDITIONAL})


class EffectTerm(NamedTuple):
    """One statement by its effect: what it says, without where and how it is written.

    `stance` is that of the statement, or `excepted` for an agent that a state which covers
    everybody does not cover; such a term has no protocol. What a statement does not name is
    empty. Documents with equal terms differ in nothing that anybody has to act upon.
    """

    protocol: str
    stance: str
    agent: str = ""
    path: str = ""
    media: str = ""
    policy: str = ""
    use: str = ""


#: The effect of a finding: its terms, each once, in order.
Effect = tuple[EffectTerm, ...]


class LastFailure(NamedTuple):
    """The last attempt at a resource, where it failed.

    `is_refusal` says that the host turned this client away (see `plan.refusals`); other failures
    may pass. `days` is the age of the evidence at that attempt, 0 without evidence. `why` is a
    short reason without the URL of the origin, so that equal reasons are equal texts.
    """

    is_refusal: bool
    days: float
    why: str


class ResourceEvidence(NamedTuple):
    """A resource of an origin, with its current answer and the readings of that answer.

    `path` is path and query of the URL that was requested (the whole URL for resources that may
    be on another host), `url` is that of the final response. `observation` is the key of that
    response, `observed_at` its UTC time. `readings` holds for each protocol that reads the
    resource the protocol, the key of its reading, and the reading. `origin` is the origin that
    was asked, as text (`Origin.url`); it is empty for a resource that may be on another host.

    `since` is the UTC time of the first look that showed the same content, without another
    content in between. `last_failure` is set if the last attempt failed, whether or not there is
    older evidence. `is_final` is false for a response whose header fields count although it is
    not the answer: a redirect, or an error. Such evidence only adds statements: nothing depends
    on whether it was seen.
    """

    resource: Resource
    path: str
    url: str
    presence: Presence
    observation: int
    observed_at: str
    readings: tuple[tuple[Protocol, str, Reading], ...] = ()
    since: str = ""
    last_failure: LastFailure | None = None
    is_final: bool = True
    origin: str = ""

    @property
    def is_stale(self) -> bool:
        """True if the evidence is older than the last attempt, which failed."""
        return self.last_failure is not None and self.presence is not Presence.UNSEEN


class ApplicableStatement(NamedTuple):
    """A statement that applies to a question, with its source.

    `excluded_because` is empty for a statement that takes part. Otherwise it is the reason why
    it does not: `not counted`, `superseded by` a carrier of a resource, or a tier that the rule
    set excludes. `candidate` is the number of the candidate that the statement was made from,
    under a rule set that counts prose, and 0 for a statement of a protocol.
    """

    protocol: Protocol
    reading_key: str
    evidence: ResourceEvidence
    applied: AppliedStatement
    excluded_because: str = ""
    candidate: int = 0

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        return self.applied.statement


class PageShare(NamedTuple):
    """The number of sampled pages and media files that reserve for themselves, and of those seen.

    `seen` counts those that were seen. The home page is none of them: it was not drawn from the
    dataset, so it says nothing about how common such pages are there.
    """

    reserving: int
    seen: int

    @property
    def interval(self) -> Interval:
        """Return the interval of the share of pages that reserve, at a confidence of 95 %."""
        return wilson(self.reserving, self.seen)


class Finding(NamedTuple):
    """The state of one purpose under one rule set, with the statements behind it.

    `rules` is the label of the rule set. `deciding` is the deciding statement, None for `silent`
    and `unknown`. `considered` holds every statement about the purpose, the deciding one first.
    `missing` lists the planned resources that were not seen, or whose evidence is too old to show
    that nothing is reserved. `exceptions` are the agents that a state which covers everybody does
    not cover, as the documents write them. `malformed` says that a reservation was attempted
    which only a lenient reading yields, and which does not count. `stale` says that the finding
    rests on evidence older than the last attempt, which failed. `effect` is that of the
    statements behind the state (`evaluate.effects`), where all rule sets are evaluated. `share` is
    set where pages that are not the one asked about reserve for themselves, and the state is
    `partial`.
    """

    purpose: Purpose
    state: State
    rules: str
    conflict: bool
    complete: bool
    detail: str
    deciding: ApplicableStatement | None = None
    considered: tuple[ApplicableStatement, ...] = ()
    missing: tuple[ResourceEvidence, ...] = ()
    exceptions: tuple[str, ...] = ()
    malformed: bool = False
    stale: bool = False
    effect: Effect = ()
    share: PageShare | None = None


def is_page_level(applicable: ApplicableStatement) -> bool:
    """Return whether a statement came with a page or media file, and so is about that URL only."""
    return speaks_for_page(applicable.protocol, applicable.evidence)


def speaks_for_page(protocol: Protocol, evidence: ResourceEvidence) -> bool:
    """Return whether what a protocol reads of a resource is about the URL of that alone."""
    return evidence.resource in CONTENT and protocol.CARRIER is not Carrier.BODY


def is_sampled(resources: Iterable[ResourceEvidence], path: str | None) -> bool:
    """Return whether the crawl requested the page at `path` and it is not absent.

    That includes pages that failed or were malformed: their own statements are then missing
    evidence, and statements of other pages are no substitute.
    """
    return any(
        evidence.is_final
        and evidence.resource in CONTENT
        and evidence.path == path
        and evidence.presence is not Presence.ABSENT
        for evidence in resources
    )
