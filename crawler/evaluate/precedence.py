"""The precedence inside a protocol: of its carriers the nearest to the content supersedes."""

from collections.abc import Iterable

from crawler.evaluate.records import RESERVING, Heard, is_of_page
from crawler.model import Question
from crawler.vocab import Stance


def settled(found: list[Heard], question: Question) -> Iterable[Heard]:
    """Settle carriers of one protocol among themselves: the nearest to the content supersedes.

    TDMRep, 'Precedence': a header supersedes the file, a meta element the header; an absent
    or invalid value resets nothing. Where a page permits what its file reserves, the file no
    longer covers the whole origin.
    """
    # Whether something supersedes depends on protocol and response alone: one of each will do.
    speakers = {(h.protocol.NAME, id(h.sight)): h for h in found if h.statement.counts}
    weighed = [_settle(h, speakers.values(), question) for h in found]
    overridden = {
        (h.protocol.FAMILY, h.protocol.RANK)
        for h in weighed
        if not h.fate and is_of_page(h) and h.statement.stance is Stance.PERMITTED
    }
    for h in weighed:
        elsewhere = is_of_page(h) and h.sight.path != question.path
        if elsewhere or (question.path is None and _excepted(h, overridden)):
            yield h._replace(voice=h.voice._replace(part="pages"))
        else:
            yield h


def _excepted(heard: Heard, overridden: set[tuple[str, int]]) -> bool:
    return (
        any(f == heard.protocol.FAMILY and r > heard.protocol.RANK for f, r in overridden)
        and heard.statement.stance in RESERVING
        and not heard.voice.part
    )


def _settle(heard: Heard, speakers: Iterable[Heard], question: Question) -> Heard:
    """Say why a statement takes no part: it is not counted, or a nearer carrier speaks."""
    if not heard.statement.counts:
        return heard._replace(fate="not counted")
    nearer = [
        other
        for other in speakers
        if other.protocol.FAMILY == heard.protocol.FAMILY
        and other.protocol.RANK > heard.protocol.RANK
        and _same_content(other, heard, question)
    ]
    if not nearer:
        return heard
    by = max(nearer, key=lambda other: other.protocol.RANK)
    return heard._replace(fate=f"superseded by {by.protocol.TITLE} of {by.sight.path}")


def _same_content(nearer: Heard, farther: Heard, question: Question) -> bool:
    """Whether both speak about the same page: of one response, or of the page asked about."""
    if is_of_page(farther):
        return nearer.sight is farther.sight
    return question.path is not None and nearer.sight.path == question.path
