"""Statements in conflict: of several protocols, or of one document that contradicts itself."""

from collections.abc import Iterable, Iterator
from itertools import product

from crawler.evaluate.records import RESERVING, ApplicableStatement
from crawler.vocab import Stance


def find_conflicts(
    applicable: Iterable[ApplicableStatement],
) -> Iterator[tuple[ApplicableStatement, ApplicableStatement]]:
    """Pairs of statements in conflict, one that reserves and one that permits.

    Those of different protocols are. Carriers of one protocol are not: its own precedence has
    settled it. Two statements in one document are if both claim to cover all that was asked.
    """
    applicable = list(applicable)
    permitting = _first_of_each(h for h in applicable if h.statement.stance is Stance.PERMITTED)
    if not permitting:
        return
    reserving = _first_of_each(h for h in applicable if h.statement.stance in RESERVING)
    for a, b in product(reserving, permitting):
        same = a.reading == b.reading and a.evidence is b.evidence
        if a.protocol.FAMILY != b.protocol.FAMILY or (
            same and not a.applied.limited_to + b.applied.limited_to
        ):
            yield a, b


def _first_of_each(applicable: Iterable[ApplicableStatement]) -> list[ApplicableStatement]:
    """The first statement of each protocol, document and reach: there may be thousands."""
    first: dict[tuple[str, int, bool], ApplicableStatement] = {}
    for h in applicable:
        first.setdefault((h.protocol.NAME, id(h.evidence), bool(h.applied.limited_to)), h)
    return list(first.values())
