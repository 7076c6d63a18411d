"""Looks at an origin: the observations of one run, or one chain of captures from an archive."""

from collections.abc import Iterator
from typing import NamedTuple

from crawler.evaluate.current_answers import ObservationRow, chains_of, heard
from crawler.vocab import Outcome, Presence, Resource


class Look(NamedTuple):
    """The observations of an origin at one time, in the order of resource, URL and hop.

    `until` is the position after its last observation among all of the origin. `keys` are those
    of its observations, `finals` the ends of its chains by resource and the URL requested.
    """

    rows: list[ObservationRow]
    until: int
    keys: frozenset[int]
    finals: dict[tuple[str, str], ObservationRow]

    @property
    def has_failed(self) -> bool:
        """True if something that was requested was not seen."""
        return any(row.presence is Presence.UNSEEN for row in self.finals.values())

    def row_at(self, place: tuple[str, str] | None) -> ObservationRow:
        """Return the end of the chain at a place, else that of robots.txt, else the newest."""
        found = self.finals.get(place) if place else None
        if found is not None:
            return found
        robots = [row for (resource, _), row in self.finals.items() if resource == _ROBOTS_TXT]
        return max(robots or self.rows, key=lambda row: (row.observed_at, row.key))


def looks_of(rows: list[ObservationRow]) -> list[Look]:
    """Return the looks at an origin, in the order of their last observations.

    `rows` are its observations in the order of their time. A run is one look, unless it has
    several captures of a URL: then every chain of redirects is one look.
    """
    by_run: dict[int, list[tuple[int, ObservationRow]]] = {}
    for position, row in enumerate(rows, start=1):
        by_run.setdefault(row.run, []).append((position, row))
    looks = [look for found in by_run.values() for look in _looks_of_run(found)]
    looks.sort(key=lambda look: look.until)
    return looks


def _looks_of_run(found: list[tuple[int, ObservationRow]]) -> Iterator[Look]:
    if len({(row.resource, row.asked, row.hop) for _, row in found}) == len(found):
        yield _look([row for _, row in found], found[-1][0])
        return
    positions = {row.key: position for position, row in found}
    by_place: dict[tuple[str, str], list[ObservationRow]] = {}
    for _, row in found:
        by_place.setdefault((row.resource, row.asked), []).append(row)
    for own in by_place.values():
        for chain in chains_of(own):
            yield _look(chain, max(positions[row.key] for row in chain))


def _look(rows: list[ObservationRow], until: int) -> Look:
    rows.sort(key=lambda row: (row.resource, row.asked, row.hop))
    finals = {(row.resource, row.asked): row for row in rows}
    return Look(rows, until, frozenset([row.key for row in rows]), finals)


def rows_until(rows: list[ObservationRow], looks: list[Look], n: int) -> list[ObservationRow]:
    """Return what was observed until a look, that one included."""
    keys = frozenset().union(*[look.keys for look in looks[: n + 1]])
    return [row for row in rows[: looks[n].until] if row.key in keys]


def is_repeated(looks: list[Look]) -> Iterator[bool]:
    """Yield for each look whether it must be evaluated like the one before it.

    It has the same answers, and nothing failed that had been seen: the age of what is carried
    over would count.
    """
    shown: set[tuple[str, str]] = set()
    previous: Look | None = None
    for look in looks:
        failed = {place for place, row in look.finals.items() if row.presence is Presence.UNSEEN}
        yield previous is not None and failed.isdisjoint(shown) and _is_same(previous, look)
        shown.update(look.finals.keys() - failed)
        previous = look


def is_as_before(before: list[ObservationRow], now: list[ObservationRow]) -> bool:
    """Return whether a run found the same as the run before it, and nothing failed.

    Both are in the order of resource, URL and hop. A 304 must confirm what the run before saw: an
    answer, or a 304 with the same fields. False where that cannot be told from these rows.
    """
    if not before or len(before) != len(now):
        return False
    if max(row.observed_at for row in before) >= min(row.observed_at for row in now):
        return False
    finals = {(row.resource, row.asked): row for row in now}
    if any(_has_failed(row) for row in finals.values()):
        return False
    places = {(row.resource, row.asked, row.hop) for row in now}
    # The place of a finding without a statement is that of robots.txt (`Look.row_at`).
    if len(places) < len(now) or not any(row.resource == _ROBOTS_TXT for row in now):
        return False
    return all(map(_is_still_so, before, now))


def _has_failed(row: ObservationRow) -> bool:
    return row.presence is Presence.UNSEEN and row.status != _NOT_MODIFIED


def _is_still_so(one: ObservationRow, other: ObservationRow) -> bool:
    """Return whether two observations of a place make the same evidence, apart from their time."""
    if one.is_damaged or other.is_damaged or not _is_same_place(one, other):
        return False
    if one.certificate != other.certificate:
        return False
    if other.status != _NOT_MODIFIED:
        return one.status == other.status and heard(one) == heard(other)
    own = _own_fields(other)
    is_repeated = one.status == _NOT_MODIFIED and own == _own_fields(one)
    is_confirmed = other.confirmed is one
    return is_confirmed and (not own or is_repeated)


def _own_fields(row: ObservationRow) -> object:
    """Return the fields of protocols that a response itself has, not one that it confirms."""
    return heard(row._replace(confirmed=None))[1]


def _is_same_place(one: ObservationRow, other: ObservationRow) -> bool:
    return (
        one.asked == other.asked
        and one.resource == other.resource
        and one.hop == other.hop
        and one.url == other.url
        and one.outcome == other.outcome
        and one.stored == other.stored
        and one.truncated == other.truncated
        and one.note == other.note
    )


def _is_same(one: Look, other: Look) -> bool:
    return len(one.rows) == len(other.rows) and all(map(_says_the_same, one.rows, other.rows))


def _says_the_same(one: ObservationRow, other: ObservationRow) -> bool:
    """Return whether two observations make the same evidence, apart from their time."""
    return (
        _is_same_place(one, other)
        and _status(one) == _status(other)
        and (one.outcome not in _ANSWERED or heard(one) == heard(other))
        and one.is_damaged == other.is_damaged
    )


_NOT_MODIFIED = 304
_ROBOTS_TXT = Resource.ROBOTS_TXT.value
_ANSWERED = frozenset((Outcome.RESPONDED.value, Outcome.TOO_LARGE.value))


def _status(row: ObservationRow) -> int | None:
    """Return the status; a 304 has that of the response that it confirms."""
    while row.confirmed is not None:
        row = row.confirmed
    return row.status
