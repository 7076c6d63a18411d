"""Geometry of the curve of cumulative shares: points and ticks on a logarithmic axis."""

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 640, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 12, 44
# Shares at which the upper end of the axis may be.
_TOPS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


class Tick(NamedTuple):
    """A mark on an axis, at a distance from the left or the top."""

    at: float
    text: str


class Curve(NamedTuple):
    """A line in an area of WIDTH x HEIGHT, with the ticks of both axes."""

    points: tuple[tuple[float, float], ...]
    ranks: tuple[Tick, ...]
    shares: tuple[Tick, ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    width: int = WIDTH
    height: int = HEIGHT


def of(found: Sequence[tuple[int, float]]) -> Curve | None:
    """Return the curve of (rank, cumulative share) in ascending order; None without any."""
    if not found:
        return None
    last, most = found[-1]
    top = next((step for step in _TOPS if most <= step), 1.0)
    decades = max(math.log10(last), 0.3)

    def x(rank: int) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * math.log10(rank) / decades, 1)

    def y(share: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * share / top, 1)

    ranks = [r for d in range(7) for r in (10**d, 3 * 10**d) if r <= last]
    return Curve(
        points=tuple((x(rank), y(share)) for rank, share in found),
        ranks=tuple(Tick(x(r), f"{r:,}") for r in ranks),
        shares=tuple(Tick(y(top * n / 4), f"{100 * top * n / 4:g} %") for n in range(5)),
    )
