"""The precedence inside a protocol: of its carriers the nearest to the content supersedes."""

from collections.abc import Iterable

from crawler.evaluate.records import RESERVING, ApplicableStatement, is_page_level
from crawler.model import Question
from crawler.vocab import Stance


def apply_precedence(
    found: list[ApplicableStatement], question: Question
) -> Iterable[ApplicableStatement]:
    """Settle carriers of one protocol among themselves: the nearest to the content supersedes.

    TDMRep, 'Precedence': a header supersedes the file, a meta element the header; an absent
    or invalid value resets nothing. Where a page permits what its file reserves, the file no
    longer covers the whole origin.
    """
    # Whether something supersedes depends on protocol and response alone: one of each will do.
    speakers = {(h.protocol.NAME, id(h.evidence)): h for h in found if h.statement.counts}
    weighed = [_supersede(h, speakers.values(), question) for h in found]
    overridden = {
        (h.protocol.FAMILY, h.protocol.RANK)
        for h in weighed
        if not h.excluded_because and is_page_level(h) and h.statement.stance is Stance.PERMITTED
    }
    for h in weighed:
        elsewhere = is_page_level(h) and h.evidence.path != question.path
        if elsewhere or (question.path is None and _has_exceptions(h, overridden)):
            yield h._replace(applied=h.applied._replace(limited_to="pages"))
        else:
            yield h


def _has_exceptions(applicable: ApplicableStatement, overridden: set[tuple[str, int]]) -> bool:
    return (
        any(f == applicable.protocol.FAMILY and r > applicable.protocol.RANK for f, r in overridden)
        and applicable.statement.stance in RESERVING
        and not applicable.applied.limited_to
    )


def _supersede(
    applicable: ApplicableStatement, speakers: Iterable[ApplicableStatement], question: Question
) -> ApplicableStatement:
    """Say why a statement takes no part: it is not counted, or a nearer carrier speaks."""
    if not applicable.statement.counts:
        return applicable._replace(excluded_because="not counted")
    nearer = [
        other
        for other in speakers
        if other.protocol.FAMILY == applicable.protocol.FAMILY
        and other.protocol.RANK > applicable.protocol.RANK
        and _same_content(other, applicable, question)
    ]
    if not nearer:
        return applicable
    by = max(nearer, key=lambda other: other.protocol.RANK)
    return applicable._replace(
        excluded_because=f"superseded by {by.protocol.TITLE} of {by.evidence.path}"
    )


def _same_content(
    nearer: ApplicableStatement, farther: ApplicableStatement, question: Question
) -> bool:
    """Whether both speak about the same page: of one response, or of the page asked about."""
    if is_page_level(farther):
        return nearer.evidence is farther.evidence
    return question.path is not None and nearer.evidence.path == question.path
