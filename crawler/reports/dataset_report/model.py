"""The report as a value: sentences and figures, each with the queries that give its numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crawler.store.figures import Table


class Number(NamedTuple):
    """A number of a query, and its text for readers."""

    value: float | None
    text: str

    def __str__(self) -> str:
        return self.text


class StateName(NamedTuple):
    """A state, which renderings may mark by more than its name."""

    state: str

    def __str__(self) -> str:
        return self.state


Cell = str | Number | StateName
Sentence = tuple[str | Number, ...]


class Part(NamedTuple):
    """A part of a bar: its name (a state or a presence) and its share of the whole."""

    name: str
    share: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table for readers. `numeric` are the positions of columns with numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: `unit` names what is counted and of how much.

    `kind` says how it is drawn: `range`, `stacks`, `coverage`, `bars`, `curve` or `grid`. `drawn`
    has what that needs in addition to the grid. `tables` are the results that the numbers come
    from, by name.
    """

    key: str
    title: str
    unit: str
    kind: str
    grid: Grid
    tables: Mapping[str, Table]
    drawn: Mapping[str, Any] = field(default_factory=dict)
    if_empty: str = "None."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a report says. It depends on the database alone: equal ones give equal reports.

    `covered` says of what `coverage` is the share. `as_of` is the time in the past that the report
    is about, empty for the present.
    """

    title: str
    path: str
    purpose: str
    rules: str
    coverage: Number
    lead: tuple[Sentence, ...]
    lead_tables: Mapping[str, Table]
    figures: tuple[Figure, ...]
    change: str
    limits: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    caveat: str
    covered: str = "of planned places"
    as_of: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """The parts that links lead to."""
        return frozenset((*[figure.key for figure in self.figures], "limits", "how"))

    def numbered(self) -> Iterator[tuple[int, Figure]]:
        """Yield the figures with their numbers."""
        yield from enumerate(self.figures, start=1)
