"""What goes into the balance and what comes out: sights, statements heard, findings."""

from collections.abc import Iterable
from typing import NamedTuple

from crawler.model import AppliedStatement, Reading, Statement
from crawler.protocols.interface import Carrier, Protocol
from crawler.vocab import CONTENT, Presence, Purpose, Resource, Stance, State

#: The stances that reserve, on terms or without.
RESERVING = frozenset({Stance.RESERVED, Stance.CONDITIONAL})


class ResourceEvidence(NamedTuple):
    """A resource of an origin as the evidence last showed it.

    `path` is path and query of the URL asked for. `observation` is the key of the final
    response, `observed_at` its time. `readings` pairs each protocol that looks there with the
    key of its reading and the reading.
    """

    resource: Resource
    path: str
    url: str
    presence: Presence
    observation: int
    observed_at: str
    readings: tuple[tuple[Protocol, str, Reading], ...] = ()


class ApplicableStatement(NamedTuple):
    """A statement in the balance: who made it, where it was seen, and what became of it.

    `fate` is empty for one that takes part; else why it does not (`not counted`, `superseded
    by` what and where, a tier that the rule set leaves out). `candidate` is the number of the
    candidate that it was made of, under a rule set that lets prose count; 0 for a statement.
    """

    protocol: Protocol
    reading: str
    evidence: ResourceEvidence
    applied: AppliedStatement
    excluded_because: str = ""
    candidate: int = 0

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        return self.applied.statement


class ApplicableStatements(NamedTuple):
    """All that speaks to a question, before any rule set is asked.

    `prose` is what a rule set may let count beside it. `unseen` are planned resources without
    evidence; `complete` says that there are none, and `pages` how many pages were seen.
    """

    applicable: tuple[ApplicableStatement, ...]
    prose: tuple[ApplicableStatement, ...]
    unseen: tuple[ResourceEvidence, ...]
    complete: bool
    pages: int


class Finding(NamedTuple):
    """The state of one purpose under one rule set, with what decided it.

    `by` is the deciding statement, None for `silent` and `unknown`. `considered` holds every
    statement that speaks to the purpose, the deciding one first. `missing` lists the planned
    resources that were not seen.
    """

    purpose: Purpose
    state: State
    rules: str
    conflict: bool
    complete: bool
    detail: str
    by: ApplicableStatement | None = None
    considered: tuple[ApplicableStatement, ...] = ()
    missing: tuple[ResourceEvidence, ...] = ()


def is_page_level(applicable: ApplicableStatement) -> bool:
    """Whether a statement came with a page, and so is about that page."""
    return (
        applicable.evidence.resource in CONTENT and applicable.protocol.CARRIER is not Carrier.BODY
    )


def is_sampled(resources: Iterable[ResourceEvidence], path: str | None) -> bool:
    """Whether the page itself was seen, so that it speaks for itself."""
    return any(
        s.resource in CONTENT and s.path == path and s.presence is not Presence.ABSENT
        for s in resources
    )
