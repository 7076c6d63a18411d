"""Confidence intervals of shares that are known from a sample."""

from math import sqrt
from typing import NamedTuple

# Quantile of the normal distribution for a confidence of 95 %.
_Z = 1.959963984540054


class Interval(NamedTuple):
    """Lower and upper bound of a share, from 0 to 1."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """Return the distance between the bounds."""
        return self.high - self.low


def wilson(successes: int, trials: int) -> Interval:
    """Return the interval of a share at a confidence of 95 %, by Wilson's score method.

    It holds for small samples and for shares near 0 and 1, where the usual normal approximation
    gives an interval of no width. Without trials nothing is known: the interval is 0 to 1.
    """
    if trials < 1:
        return Interval(0.0, 1.0)
    share = successes / trials
    spread = _Z * sqrt(share * (1 - share) / trials + (_Z / (2 * trials)) ** 2)
    centre, scale = share + _Z**2 / (2 * trials), 1 + _Z**2 / trials
    # At 0 and 1 a bound is the share itself, which rounding misses.
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return Interval(min(share, low) if successes else 0.0, max(share, high) if share < 1 else 1.0)
