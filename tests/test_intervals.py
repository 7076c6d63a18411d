"""Wilson's interval, against published values and as a property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.intervals import wilson


# Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_the_literature(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_without_trials_nothing_is_known():
    assert wilson(0, 0) == (0, 1)


@given(st.integers(1, 10_000), st.data())
def test_an_interval_holds_its_share_and_mirrors_its_complement(trials, data):
    successes = data.draw(st.integers(0, trials))
    found, other = wilson(successes, trials), wilson(trials - successes, trials)
    assert 0 <= found.low <= successes / trials <= found.high <= 1
    assert (other.low, other.high) == pytest.approx((1 - found.high, 1 - found.low))
