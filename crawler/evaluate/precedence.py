"""Precedence between the carriers of one protocol: the one nearest to the content supersedes.

Rules for editors: this module compares `FAMILY` and `RANK` only, never the names of protocols.
Carriers of equal rank do not supersede each other; the stricter of them decides later.
"""

from collections.abc import Iterable

from crawler.evaluate.records import RESERVING, ApplicableStatement, is_page_level
from crawler.model import Question
from crawler.vocab import Stance


def apply_precedence(
    applicable: list[ApplicableStatement], question: Question
) -> Iterable[ApplicableStatement]:
    """Yield the statements again, with `excluded_because` and `limited_to` set by precedence.

    TDMRep, 'Precedence': a header supersedes the file, a meta element the header; an absent or
    invalid value resets nothing. Where a page permits what the file of its origin reserves, the
    file no longer covers the whole origin.
    """
    # Superseding depends on protocol and response alone, so one statement of each is enough.
    carriers = {(h.protocol.NAME, id(h.evidence)): h for h in applicable if h.statement.counts}
    settled = [_exclude_superseded(h, carriers.values(), question) for h in applicable]
    overridden = {
        (h.protocol.FAMILY, h.protocol.RANK)
        for h in settled
        if not h.excluded_because and is_page_level(h) and h.statement.stance is Stance.PERMITTED
    }
    for h in settled:
        is_other_page = is_page_level(h) and h.evidence.path != question.path
        if is_other_page or (question.path is None and _has_exceptions(h, overridden)):
            yield h._replace(applied=h.applied._replace(limited_to="pages"))
        else:
            yield h


def _has_exceptions(applicable: ApplicableStatement, overridden: set[tuple[str, int]]) -> bool:
    """Return whether a page permits what this statement reserves for the whole origin.

    `overridden` holds family and rank of the permissions of pages. Only a greater rank makes an
    exception: a permission of equal rank contradicts the statement and does not limit it.
    """
    return (
        any(
            family == applicable.protocol.FAMILY and rank > applicable.protocol.RANK
            for family, rank in overridden
        )
        and applicable.statement.stance in RESERVING
        and not applicable.applied.limited_to
    )


def _exclude_superseded(
    applicable: ApplicableStatement, carriers: Iterable[ApplicableStatement], question: Question
) -> ApplicableStatement:
    """Set `excluded_because` if a statement does not count, or a nearer carrier supersedes it."""
    if not applicable.statement.counts:
        return applicable._replace(excluded_because="not counted")
    nearer = [
        other
        for other in carriers
        if other.protocol.FAMILY == applicable.protocol.FAMILY
        and other.protocol.RANK > applicable.protocol.RANK
        and _same_content(other, applicable, question)
    ]
    if not nearer:
        return applicable
    nearest = max(nearer, key=lambda other: other.protocol.RANK)
    return applicable._replace(
        excluded_because=f"superseded by {nearest.protocol.TITLE} of {nearest.evidence.path}"
    )


def _same_content(
    nearer: ApplicableStatement, farther: ApplicableStatement, question: Question
) -> bool:
    """Return whether both are about the same page: of one response, or the page asked about."""
    if is_page_level(farther):
        return nearer.evidence is farther.evidence
    return question.path is not None and nearer.evidence.path == question.path
