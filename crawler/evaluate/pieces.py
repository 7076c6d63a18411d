"""Pieces of the time line of an origin: the spans of time in which all answers are equal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crawler.instants import DAY_MS, Instant, whole_day

#: Earlier than any look.
BEGINNING = -(1 << 60)


class Piece(NamedTuple):
    """A place in the time line of an origin: answers for all times in it are equal.

    `before` counts the looks that ended before it or when it begins. `within` counts those that are
    not after it: for a whole day those that ended before it ends, for a time those that ended
    before it, so that a look at that very time is before and after it. `expired` counts those that
    are farther away than an answer may rest on.
    """

    before: int
    within: int
    expired: int = 0


def piece_at(ends: Sequence[int], instant: Instant, max_distance: int | None) -> Piece:
    """Return the place of an instant. `ends` are those of looks, `max_distance` milliseconds."""
    before = sum(end <= instant.first for end in ends)
    if instant.is_day:
        within = sum(end <= instant.last for end in ends)
    else:
        within = sum(end < instant.first for end in ends)
    if max_distance is None:
        return Piece(before, within)
    return Piece(before, within, sum(end + max_distance < instant.first for end in ends))


def pieces_of(
    ends: Sequence[int], max_distance: int | None, *, days: bool
) -> Iterator[tuple[int, Piece]]:
    """Yield all pieces of a time line, each with the first millisecond from which it holds.

    With `days` they are those of whole days, else those of times.
    """
    yield BEGINNING, Piece(0, 0)
    changes = {end + after for end in ends for after in (0, 1)}
    if max_distance is not None:
        changes.update(end + max_distance + 1 for end in ends)
    if days:
        changes = {at - at % DAY_MS + after for at in changes for after in (0, DAY_MS)}
    last = Piece(0, 0)
    for at in sorted(changes):
        instant = whole_day(at) if days else Instant(at, at)
        piece = piece_at(ends, instant, max_distance)
        if piece != last:
            yield at, piece
        last = piece


def monotonic(ends: Sequence[int]) -> list[int]:
    """Return the ends of looks so that none is after that of a later look.

    The clock of an earlier run may have been ahead.
    """
    found = list(ends)
    for n in reversed(range(len(found) - 1)):
        found[n] = min(found[n], found[n + 1])
    return found
