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
    keys = [_carrier(h) for h in applicable]
    firsts = dict(zip(reversed(keys), reversed(applicable), strict=True))
    counting = {
        key: h for key, h in zip(keys, applicable, strict=True) if h.applied.statement.counts
    }
    # By response and by page: an origin may have thousands of pages.
    of_response: dict[int, list[ApplicableStatement]] = {}
    for h in counting.values():
        of_response.setdefault(id(h.evidence), []).append(h)
    of_page = [h for h in counting.values() if h.evidence.path == question.path]
    reasons = {
        key: _superseded(h, of_response[id(h.evidence)] if is_page_level(h) else of_page)
        for key, h in counting.items()
    }
    settled = [_excluded(h, reasons.get(key, "")) for key, h in zip(keys, applicable, strict=True)]
    overridden = {
        (h.protocol.FAMILY, h.protocol.RANK)
        for h in settled
        if h.applied.statement.stance is Stance.PERMITTED
        and not h.excluded_because
        and is_page_level(h)
    }
    of_other_pages = {
        key for key, h in firsts.items() if is_page_level(h) and h.evidence.path != question.path
    }
    for key, h in zip(keys, settled, strict=True):
        if key in of_other_pages or (question.path is None and _has_exceptions(h, overridden)):
            yield h._replace(applied=h.applied._replace(limited_to="pages"))
        else:
            yield h


def _carrier(applicable: ApplicableStatement) -> tuple[str, int]:
    """Return a key of protocol and response."""
    return applicable.protocol.NAME, id(applicable.evidence)


def _has_exceptions(applicable: ApplicableStatement, overridden: set[tuple[str, int]]) -> bool:
    """Return whether a page permits what this statement reserves for the whole origin.

    `overridden` holds family and rank of the permissions of pages. Only a greater rank makes an
    exception: a permission of equal rank contradicts the statement and does not limit it.
    """
    return (
        bool(overridden)
        and applicable.statement.stance in RESERVING
        and not applicable.applied.limited_to
        and any(
            family == applicable.protocol.FAMILY and rank > applicable.protocol.RANK
            for family, rank in overridden
        )
    )


def _excluded(applicable: ApplicableStatement, superseded: str) -> ApplicableStatement:
    """Set `excluded_because` if a statement does not count, or a nearer carrier supersedes it."""
    reason = superseded if applicable.applied.statement.counts else "not counted"
    return applicable._replace(excluded_because=reason) if reason else applicable


def _superseded(
    applicable: ApplicableStatement, same_content: Iterable[ApplicableStatement]
) -> str:
    """Return which nearer carrier supersedes the statements of a carrier; empty if none does.

    `same_content` are the carriers about the same page: of one response, or the page asked about.
    """
    nearer = [
        other
        for other in same_content
        if other.protocol.FAMILY == applicable.protocol.FAMILY
        and other.protocol.RANK > applicable.protocol.RANK
    ]
    if not nearer:
        return ""
    nearest = max(nearer, key=lambda other: other.protocol.RANK)
    return f"superseded by {nearest.protocol.TITLE} of {nearest.evidence.path}"
