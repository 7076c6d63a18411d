"""Statements by kind: those that differ in nothing that a state depends on.

A file can hold tens of thousands of statements, of a handful of kinds. Rule sets and purposes
choose among kinds, so that the cost of one more of them does not grow with the file.

Rules for editors: a kind must hold everything by which `evaluator` decides about a statement. What
is in no kind (path, agent, line, policy) may be shown or compared over time, and decides nothing.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple, TypeVar, cast

from crawler.evaluate.records import ApplicableStatement, ResourceEvidence
from crawler.protocols import PROTOCOLS

_PROTOCOL_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
T = TypeVar("T", bound=Hashable)


class CitationOrder(NamedTuple):
    """The order in which statements are cited, among those that take part and those that do not.

    Explicitness (`tier`) comes before the order of protocols; what follows only makes it total.
    `position` is that among all statements collected.
    """

    tier: int
    protocol: int
    path: str
    n: int
    position: int


class StatementKind(NamedTuple):
    """A kind of statements, by its number, with the first one and the one that is cited first.

    `order` is the citation order of `cited`.
    """

    number: int
    first: ApplicableStatement
    cited: ApplicableStatement
    order: CitationOrder


class StatementKinds:
    """Statements that apply to a question, by kind.

    `kinds` are in the order of their first statements. What is made of the statements of several
    kinds is made once and kept as long as this object.
    """

    __slots__ = ("_cited", "_made", "_numbers", "_statements", "kinds")

    def __init__(self, statements: tuple[ApplicableStatement, ...]) -> None:
        self._statements = statements
        self._made: dict[Hashable, object] = {}
        known: dict[tuple[object, ...], int] = {}
        self._numbers = [known.setdefault(_kind_of(h), len(known)) for h in statements]
        self._cited = _in_citation_order(statements)
        self.kinds = self._kinds(len(known))

    def _kinds(self, number: int) -> tuple[StatementKind, ...]:
        firsts: dict[int, ApplicableStatement] = {}
        for kind, applicable in zip(self._numbers, self._statements, strict=True):
            firsts.setdefault(kind, applicable)
        cited: dict[int, CitationOrder] = {}
        for order in self._cited:
            if len(cited) == number:
                break
            cited.setdefault(self._numbers[order.position], order)
        return tuple(
            [
                StatementKind(kind, first, self._statements[cited[kind].position], cited[kind])
                for kind, first in firsts.items()
            ]
        )

    def statements_of(self, kinds: Iterable[int]) -> tuple[ApplicableStatement, ...]:
        """Return the statements of some kinds, by the numbers of these, in their order."""
        chosen = frozenset(kinds)
        return self._once(("statements", chosen), lambda: self._of(chosen))

    def _of(self, chosen: frozenset[int]) -> tuple[ApplicableStatement, ...]:
        pairs = zip(self._numbers, self._statements, strict=True)
        return tuple([applicable for kind, applicable in pairs if kind in chosen])

    def cited(self, reasons: dict[int, str]) -> tuple[ApplicableStatement, ...]:
        """Return the statements of some kinds in the order in which they are cited.

        `reasons` holds for each kind why its statements are excluded, empty for one that takes
        part. Those that do come first. Statements are returned with that reason.
        """
        return self._once(("cited", *reasons.items()), lambda: self._in_order(reasons))

    def _in_order(self, reasons: dict[int, str]) -> tuple[ApplicableStatement, ...]:
        taking_part: list[ApplicableStatement] = []
        excluded: list[ApplicableStatement] = []
        for order in self._cited:
            reason = reasons.get(self._numbers[order.position])
            if reason is not None:
                applicable = self.with_reason(self._statements[order.position], reason)
                (excluded if reason else taking_part).append(applicable)
        return (*taking_part, *excluded)

    def with_reason(self, applicable: ApplicableStatement, reason: str) -> ApplicableStatement:
        """Return a statement as excluded for a reason, or as taking part if that is empty.

        For the same statement and reason it is the same object.
        """
        if applicable.excluded_because == reason:
            return applicable
        return self._once(
            (id(applicable), reason), lambda: applicable._replace(excluded_because=reason)
        )

    def once(self, name: str, kinds: Iterable[int], make: Callable[[], T]) -> T:
        """Return what `make` makes of the statements of some kinds, made once by that name."""
        return self._once((name, frozenset(kinds)), make)

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        # A name is of one type: that of what `make` returns.
        if key not in self._made:
            self._made[key] = make()
        return cast("T", self._made[key])


class ApplicableStatements(NamedTuple):
    """All statements that apply to a question, before any rule set is used.

    `prose` holds candidates as statements, which only some rule sets count. `essential` are the
    planned resources that could change the answer. `pages` is the number of pages that were seen,
    `sampled` how many of them are sampled pages or media files. `kinds` are those of statements
    and prose.
    """

    statements: tuple[ApplicableStatement, ...]
    prose: tuple[ApplicableStatement, ...]
    essential: tuple[ResourceEvidence, ...]
    pages: int
    sampled: int
    kinds: StatementKinds


def _kind_of(applicable: ApplicableStatement) -> tuple[object, ...]:
    statement, limited_to = applicable.applied
    return (
        statement.stance,
        statement.purpose,
        statement.use,
        statement.tier,
        statement.counts,
        statement.reads,
        limited_to,
        applicable.excluded_because,
        applicable.candidate > 0,
        applicable.protocol.NAME,
        applicable.reading_key,
        id(applicable.evidence),
    )


def _in_citation_order(statements: tuple[ApplicableStatement, ...]) -> list[CitationOrder]:
    # Protocols of tests are in no order and come last.
    last = len(_PROTOCOL_ORDER)
    orders = [
        CitationOrder(
            h.applied.statement.tier,
            _PROTOCOL_ORDER.get(h.protocol.NAME, last),
            h.evidence.path,
            h.applied.statement.n,
            position,
        )
        for position, h in enumerate(statements)
    ]
    orders.sort()
    return orders
