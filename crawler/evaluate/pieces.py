"""Pieces of the time line of an origin: the spans of time in which all answers are equal."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from crawler.instants import DAY_MS, Instant, milliseconds, whole_day

#: Earlier than any look.
BEGINNING = -(1 << 60)


class Span(NamedTuple):
    """The milliseconds of the first and the last observation of a look."""

    begin: int
    end: int


def span_of(first: str, last: str, *, in_archive: bool) -> Span:
    """Return the span of a look with the times of its first and last observation.

    Captures of an archive may be months apart: such a look counts from its end.
    """
    end = milliseconds(last)
    return Span(end if in_archive else milliseconds(first), end)


class Piece(NamedTuple):
    """A place in the time line of an origin: answers for all times in it are equal.

    `before` counts the looks that had begun by then. `within` counts those that are not after it:
    for a whole day those that ended before it ends, for a time those that ended before it, so that
    a look at that very time is before and after it. `expired` counts those that are farther away
    than an answer may rest on.
    """

    before: int
    within: int
    expired: int = 0


def is_seen_by(observed: int, moment: int) -> bool:
    """Return whether an observation is seen at a moment: also at the very millisecond of it.

    The same in SQL is in store/as_of.sql.
    """
    return observed <= moment


def piece_at(spans: Sequence[Span], instant: Instant, max_distance: int | None) -> Piece:
    """Return the place of an instant. `spans` are those of looks, `max_distance` milliseconds."""
    before = sum(is_seen_by(span.begin, instant.first) for span in spans)
    if instant.is_day:
        within = sum(is_seen_by(span.end, instant.last) for span in spans)
    else:
        within = sum(not is_seen_by(instant.first, span.end) for span in spans)
    if max_distance is None:
        return Piece(before, within)
    oldest = instant.first - max_distance
    return Piece(before, within, sum(not is_seen_by(oldest, span.end) for span in spans))


def pieces_of(
    spans: Sequence[Span], max_distance: int | None, *, days: bool
) -> Iterator[tuple[int, Piece]]:
    """Yield all pieces of a time line, each with the first millisecond from which it holds.

    With `days` they are those of whole days, else those of times.
    """
    yield BEGINNING, Piece(0, 0)
    changes = {at for span in spans for at in (span.begin, span.end, span.end + 1)}
    if max_distance is not None:
        changes.update(span.end + max_distance + 1 for span in spans)
    if days:
        changes = {at - at % DAY_MS + after for at in changes for after in (0, DAY_MS)}
    last = Piece(0, 0)
    for at in sorted(changes):
        instant = whole_day(at) if days else Instant(at, at)
        piece = piece_at(spans, instant, max_distance)
        if piece != last:
            yield at, piece
        last = piece


def monotonic(spans: Sequence[Span]) -> list[Span]:
    """Return the spans of looks so that none begins or ends after a later look does.

    The clock of an earlier run may have been ahead. A look counts once those before it count.
    """
    ends = [span.end for span in spans]
    for n in reversed(range(len(ends) - 1)):
        ends[n] = min(ends[n], ends[n + 1])
    begins = accumulate((min(span.begin, end) for span, end in zip(spans, ends, strict=True)), max)
    return [Span(min(begin, end), end) for begin, end in zip(begins, ends, strict=True)]
