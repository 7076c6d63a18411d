"""The state of a finding in a few words: which part is reserved, or what was not seen."""

from crawler.evaluate.records import RESERVING, Heard, Sight, is_of_page
from crawler.vocab import State


def detail_of(state: State, heard: list[Heard], missing: tuple[Sight, ...], pages: int) -> str:
    """The state in a few words: which part, or what was not seen."""
    if state is State.UNKNOWN:
        return "not seen: " + (", ".join(s.resource for s in missing) or "origin never asked")
    if state is not State.PARTIAL:
        return ""
    parts: dict[str, list[str]] = {}
    for h in heard:
        if h.voice.part and h.statement.stance in RESERVING:
            parts.setdefault(h.voice.part, []).append(_part(h))
    return "; ".join(_parts(part, list(dict.fromkeys(n)), pages) for part, n in parts.items())


def _parts(part: str, names: list[str], pages: int) -> str:
    if part == "pages" and "" in names:
        return "all but pages that say otherwise"
    if part == "pages":
        part = f"{len(names)} of {pages} pages seen"
    return f"{part}: {_some(names)}"


def _part(heard: Heard) -> str:
    statement = heard.statement
    match heard.voice.part:
        case "agents":
            return statement.agent
        case "file types":
            return statement.media or statement.path or ""
        case "pages":
            return heard.sight.path if is_of_page(heard) else ""
        case _:
            return statement.path or ""


def _some(names: list[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
