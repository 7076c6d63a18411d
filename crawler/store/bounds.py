"""The three readings of how much is reserved: the narrowest, the one shown, and the widest."""

from typing import NamedTuple

from crawler.vocab import State

# View `dataset_bounds` has the same bounds as SQL; tests/store/test_bounds_view.py compares them.
#: Rule sets of the package, of which the highest version counts, for the outer readings.
NARROWEST, WIDEST = "strict", "inclusive"
_WHOLLY = frozenset({State.RESERVED, State.CONDITIONAL})
_RESERVED = _WHOLLY | {State.PARTIAL}
_MAY_BE_RESERVED = _RESERVED | {State.UNKNOWN}


class Bounds(NamedTuple):
    """An amount that is reserved: in the narrowest reading, in the one shown, in the widest."""

    narrowest: float
    shown: float
    widest: float


def readings(strict: State, shown: State, inclusive: State) -> Bounds:
    """Return in which readings an origin is reserved, by its states under three rule sets.

    `shown` is its state under the rule set that is shown, whichever that is. An origin in one
    reading is in all wider ones, so sums are in this order.
    """
    reserved = shown in _RESERVED
    return Bounds(
        narrowest=int(reserved and strict in _WHOLLY),
        shown=int(reserved),
        widest=int(any(state in _MAY_BE_RESERVED for state in (strict, shown, inclusive))),
    )
