"""Find conflicts: pairs of statements of which one reserves and the other permits."""

from collections.abc import Iterable, Iterator

from crawler.evaluate.records import RESERVING, ApplicableStatement
from crawler.vocab import Stance


def find_conflicts(
    applicable: Iterable[ApplicableStatement],
) -> Iterator[tuple[ApplicableStatement, ApplicableStatement]]:
    """Yield the pairs of statements in conflict: the one that reserves, the one that permits.

    All statements given must be about the same purpose and take part (see `excluded_because`).
    """
    applicable = list(applicable)
    permitting = _first_of_each(h for h in applicable if h.statement.stance is Stance.PERMITTED)
    if not permitting:
        return
    reserving = _first_of_each(h for h in applicable if h.statement.stance in RESERVING)
    families = {h.protocol.FAMILY for h in permitting}
    of_response: dict[int, list[ApplicableStatement]] = {}
    for h in permitting:
        of_response.setdefault(id(h.evidence), []).append(h)
    for one in reserving:
        # Within a family only statements of one response are compared: an origin may have
        # thousands of pages.
        is_alone = families == {one.protocol.FAMILY}
        others = of_response.get(id(one.evidence), []) if is_alone else permitting
        yield from ((one, other) for other in others if _in_conflict(one, other))


def _in_conflict(one: ApplicableStatement, other: ApplicableStatement) -> bool:
    """Return whether two statements of opposite stance contradict each other.

    Statements of different protocols do. Carriers of one protocol do not, since its own
    precedence has decided between them. Within one reading, statements do if neither is limited
    to a part: an exception for some paths is no contradiction. A permission for an agent is one
    where everybody else is told no. A permission for disputed paths is one: by another reading
    of the same document, one of them is reserved.
    """
    if one.protocol.FAMILY != other.protocol.FAMILY:
        return True
    same_reading = one.reading_key == other.reading_key and one.evidence is other.evidence
    if not same_reading or other.applied.limited_to == "disputed paths":
        return same_reading
    return not one.applied.limited_to and other.applied.limited_to in ("", "agents")


def _first_of_each(applicable: Iterable[ApplicableStatement]) -> list[ApplicableStatement]:
    """Return the first statement of each protocol and resource, those of each limit apart.

    A file can hold thousands of statements, and the pairs of all of them would be millions.
    """
    first: dict[tuple[str, int, str], ApplicableStatement] = {}
    for h in applicable:
        first.setdefault((h.protocol.NAME, id(h.evidence), h.applied.limited_to), h)
    return list(first.values())
