"""Facets as a user names them. Without DuckDB, which only the process that reads rows needs."""

from collections.abc import Sequence
from typing import NamedTuple

from crawler.dataset.files import DatasetError
from crawler.errors import WrongUsageError

#: Facets of a dataset, and values of a facet, at most.
MAX_FACETS, MAX_VALUES = 5, 200
#: The value of rows whose value is not among the most frequent ones.
OTHER = "other"
#: The facet whose values are the years of a column with dates.
YEAR = "year"


class FacetsError(DatasetError, WrongUsageError):
    """Facets cannot be what was asked for, whatever the dataset holds."""


class Facet(NamedTuple):
    """A facet by its name and the column that it is made of."""

    name: str
    column: str


def check(facets: Sequence[Facet]) -> None:
    """Raise `FacetsError` for too many facets, or two of one name."""
    names = [facet.name for facet in facets]
    if len(facets) > MAX_FACETS:
        raise FacetsError(f"{len(facets)} facets were given; at most {MAX_FACETS} are kept.")
    if len(set(names)) < len(names):
        raise FacetsError("Two facets have one name; write NAME=COLUMN for one of them.")
