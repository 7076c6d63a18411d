"""The two bounds of reserved rows: which rule set each is under, and which states count."""

from typing import NamedTuple

from crawler.vocab import State


class Bound(NamedTuple):
    """A bound of the rows that are reserved: those of origins with one of `states` under `rules`.

    `rules` is the id of a rule set of the package, of which the highest version counts.
    """

    rules: str
    states: frozenset[State]


# View `dataset_summary` has the same bounds as SQL (columns reserved_min and reserved_max);
# tests/store/test_rollups.py compares the two.
#: Rows that are reserved however strictly statements are read.
LOWER = Bound("strict", frozenset({State.RESERVED, State.CONDITIONAL}))
#: Rows that may be reserved; an origin that was not seen may be.
UPPER = Bound("inclusive", LOWER.states | {State.PARTIAL, State.UNKNOWN})
