"""The state of a finding in a few words: which part is reserved, or what was not seen."""

from crawler.evaluate.records import RESERVING, ApplicableStatement, ResourceEvidence, is_page_level
from crawler.vocab import State


def describe(
    state: State,
    applicable: list[ApplicableStatement],
    missing: tuple[ResourceEvidence, ...],
    pages: int,
) -> str:
    """The state in a few words: which part, or what was not seen."""
    if state is State.UNKNOWN:
        return "not seen: " + (", ".join(s.resource for s in missing) or "origin never asked")
    if state is not State.PARTIAL:
        return ""
    parts: dict[str, list[str]] = {}
    for h in applicable:
        if h.applied.limited_to and h.statement.stance in RESERVING:
            parts.setdefault(h.applied.limited_to, []).append(_limit_name(h))
    return "; ".join(
        _describe_limit(part, list(dict.fromkeys(n)), pages) for part, n in parts.items()
    )


def _describe_limit(part: str, names: list[str], pages: int) -> str:
    if part == "pages" and "" in names:
        return "all but pages that say otherwise"
    if part == "pages":
        part = f"{len(names)} of {pages} pages seen"
    return f"{part}: {_first_names(names)}"


def _limit_name(applicable: ApplicableStatement) -> str:
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


def _first_names(names: list[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
