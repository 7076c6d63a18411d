"""The detail of a finding, one short text: which part is reserved, or what was not seen."""

from crawler.evaluate.records import RESERVING, ApplicableStatement, ResourceEvidence, is_page_level
from crawler.vocab import State

_MAX_NAMES = 8


def describe(
    state: State,
    applicable: list[ApplicableStatement],
    missing: tuple[ResourceEvidence, ...],
    pages: int,
) -> str:
    """Return the detail of a state; empty where the state says everything.

    `applicable` are the statements that take part, `missing` the planned resources that were
    not seen, `pages` is the number of pages that were seen.
    """
    if state is State.UNKNOWN:
        return "not seen: " + (", ".join(s.resource for s in missing) or "origin never asked")
    if state is not State.PARTIAL:
        return ""
    names_by_limit: dict[str, list[str]] = {}
    for h in applicable:
        if h.applied.limited_to and h.statement.stance in RESERVING:
            names_by_limit.setdefault(h.applied.limited_to, []).append(_limit_name(h))
    return "; ".join(
        _describe_limit(limit, list(dict.fromkeys(names)), pages)
        for limit, names in names_by_limit.items()
    )


def _describe_limit(limit: str, names: list[str], pages: int) -> str:
    if limit == "pages" and "" in names:
        return "all but pages that say otherwise"
    if limit == "pages":
        limit = f"{len(names)} of {pages} pages seen"
    return f"{limit}: {_first_names(names)}"


def _limit_name(applicable: ApplicableStatement) -> str:
    """Return the name of the part; empty for a file of the origin that pages override."""
    statement = applicable.statement
    match applicable.applied.limited_to:
        case "agents":
            return statement.agent
        case "file types":
            return statement.media or statement.path or ""
        case "pages":
            return applicable.evidence.path if is_page_level(applicable) else ""
        case _:
            return statement.path or ""


def _first_names(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
