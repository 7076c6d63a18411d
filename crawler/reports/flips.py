"""Answers that differ between two judgings of the same evidence: as a table, JSON or Markdown."""

from collections.abc import Iterable, Sequence

from crawler.plurals import agreeing, counted
from crawler.reports import tables
from crawler.store.flips import FlipGroup

NOTHING_BEFORE = "Nothing was judged before, so there is nothing to compare with."


def headline(origins: int, flipped: int) -> str:
    """Return in a sentence how many origins were compared and how many differ."""
    if not flipped:
        return f"No answer differs: {counted(origins, 'origin')} compared."
    return f"{flipped:,} of {counted(origins, 'origin')} {agreeing(flipped, 'differs', 'differ')}."


def place(group: FlipGroup) -> str:
    """Return the URL of the example, with its line."""
    return group.example + ("" if group.line is None else f" line {group.line}")


def show(title: str, groups: Sequence[FlipGroup]) -> None:
    """Print a table of the groups."""
    head = ("why", "rules", "was", "became", "purposes", "origins", "rows", "example")
    cells = [(*g[:7], place(g)) for g in groups]
    tables.show(title, head, cells)


def as_json(origins: int, flipped: int, groups: Iterable[FlipGroup]) -> dict[str, object]:
    """Return the comparison as data for JSON."""
    return {"compared": origins, "flipped": flipped, "flips": [g._asdict() for g in groups]}


def markdown(groups: Iterable[FlipGroup]) -> str:
    """Return the groups as the entries of a changelog under `Changed answers`."""
    by_why: dict[str, list[FlipGroup]] = {}
    for group in groups:
        by_why.setdefault(group.why, []).append(group)
    lines = []
    for why, found in by_why.items():
        lines.append(f"- {why}:")
        lines += [f"  - {_entry(group)}" for group in found]
    return "\n".join(lines)


def _entry(group: FlipGroup) -> str:
    counts = f"{counted(group.origins, 'origin')}, {counted(group.rows, 'row')}"
    return (
        f"{counts}, from `{group.was}` to `{group.became}` under `{group.rules}` "
        f"({group.purposes}), such as <{group.example}>"
        + ("" if group.line is None else f", line {group.line}")
    )
