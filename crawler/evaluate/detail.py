"""The detail of a finding, one short text: which part is reserved, or what was not seen."""

from collections.abc import Iterable

from crawler.evaluate.records import ApplicableStatement, ResourceEvidence, is_page_level
from crawler.vocab import Presence, State

_MAX_NAMES = 8


def describe(
    state: State, limits: str, missing: tuple[ResourceEvidence, ...], malformed: list[str]
) -> str:
    """Return the detail of a state; empty where the state says everything.

    `limits` is the text of `describe_limits`, for `partial` alone. `missing` are the planned
    resources that were not seen, `malformed` are the titles of protocols by which a reservation
    was attempted that does not count.
    """
    if state is State.UNKNOWN:
        limits = "not seen: " + (", ".join(_unseen(s) for s in missing) or "origin never asked")
    attempted = f"malformed reservation: {first_names(malformed)}" if malformed else ""
    return "; ".join(filter(None, (limits, attempted)))


def describe_limits(statements: Iterable[ApplicableStatement], pages: int) -> str:
    """Return which parts statements reserve that are limited to a part.

    `pages` is the number of pages that were seen.
    """
    parts: dict[str, dict[str, list[str]]] = {}
    for h in statements:
        limit = h.applied.limited_to or "use"
        parts.setdefault(limit, {}).setdefault(_limit_name(h), []).append(h.statement.agent)
    return "; ".join(_describe_limit(limit, agents, pages) for limit, agents in parts.items())


def _unseen(evidence: ResourceEvidence) -> str:
    """Return the name of a resource that was not seen, and why if a failure says so."""
    failure = evidence.last_failure
    if failure is None:
        was_there = evidence.presence in (Presence.MALFORMED, Presence.PRESENT)
        why = " (could not be read)" if was_there else ""
        return f"{evidence.resource.value}{why}"
    old = "" if evidence.presence is Presence.UNSEEN else f", {failure.days:.0f} days old"
    return f"{evidence.resource} ({failure.why}{old})"


def _describe_limit(limit: str, agents: dict[str, list[str]], pages: int) -> str:
    """Return a limit with the names of its parts; `agents` are those of each part."""
    names = list(agents)
    if limit == "pages" and "" in agents:
        return "all but pages that say otherwise"
    if limit == "pages":
        limit = f"{len(names)} of {pages} pages seen"
        names = [_page_name(name, whom) for name, whom in agents.items()]
    return f"{limit}: {first_names(names)}"


def _page_name(path: str, agents: list[str]) -> str:
    """Return the path of a page, with the agents if it speaks to none but them."""
    if "*" in agents:
        return path
    return f"{path} (agents: {first_names(list(dict.fromkeys(agents)))})"


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
        case "":
            return statement.use
        case _:
            return statement.path or ""


def first_names(names: list[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
