"""Statements in conflict: of several protocols, or of one document that contradicts itself."""

from collections.abc import Iterable, Iterator
from itertools import product

from crawler.evaluate.records import RESERVING, Heard
from crawler.vocab import Stance


def disagreements(heard: Iterable[Heard]) -> Iterator[tuple[Heard, Heard]]:
    """Pairs of statements in conflict, one that reserves and one that permits.

    Those of different protocols are. Carriers of one protocol are not: its own precedence has
    settled it. Two statements in one document are if both claim to cover all that was asked.
    """
    heard = list(heard)
    permitting = _one_each(h for h in heard if h.statement.stance is Stance.PERMITTED)
    if not permitting:
        return
    reserving = _one_each(h for h in heard if h.statement.stance in RESERVING)
    for a, b in product(reserving, permitting):
        same = a.reading == b.reading and a.sight is b.sight
        if a.protocol.FAMILY != b.protocol.FAMILY or (same and not a.voice.part + b.voice.part):
            yield a, b


def _one_each(heard: Iterable[Heard]) -> list[Heard]:
    """The first statement of each protocol, document and reach: there may be thousands."""
    first: dict[tuple[str, int, bool], Heard] = {}
    for h in heard:
        first.setdefault((h.protocol.NAME, id(h.sight), bool(h.voice.part)), h)
    return list(first.values())
