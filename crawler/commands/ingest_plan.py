"""Plan the reading of a dataset: which files must be read, and what is known of the others.

Files of which a stored version consists are not read again: their rows are taken over from it. That
they are the same is known by their SHA-256, which is computed each time: sizes and times of files
can stay the same where bytes do not.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crawler.dataset.files import DatasetFile, locate
from crawler.store import dataset_versions, provenance
from crawler.store.dataset_versions import Base, Naming, ReadOptions
from crawler.store.provenance import Provenance

_NOT_GIVEN = Provenance()


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """A dataset by its files, folders or patterns, and the options of `dataset.inventory`.

    `names` are the datasets as they are stored, where `datasets` are copies of remote ones.
    `url_columns` are paths of columns, with roles (`page=meta.url`) if there are several. `name` is
    that of the dataset, None for its path. `facets` are (name, column). Dates of
    `collected_column` say when the rows were collected, in place of those in `provenance`.
    """

    datasets: tuple[str, ...]
    names: tuple[str, ...] = ()
    url_columns: tuple[str, ...] = ()
    weight_column: str | None = None
    samples: int = 3
    memory_limit: str = "1GB"
    name: str | None = None
    facets: tuple[tuple[str, str], ...] = ()
    provenance: Provenance = _NOT_GIVEN
    collected_column: str | None = None

    @property
    def naming(self) -> Naming:
        """The names under which versions of the dataset are found."""
        given = self.names or self.datasets
        source = dataset_versions.source_of(given)
        return Naming(path=" ".join(given), source=source, name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTask:
    """The files of a dataset, and the `parts` to read; the others are those of version `base`.

    `paths` are where the parts are on this machine.
    """

    files: tuple[DatasetFile, ...]
    parts: tuple[DatasetFile, ...]
    paths: tuple[str, ...]
    base: Base | None = None


def given_columns(request: IngestRequest) -> str | None:
    """Return the columns that the user gave as they are stored; None if there are none."""
    return " ".join(request.url_columns) or None


def lacks(db: sqlite3.Connection, request: IngestRequest, known: int) -> bool:
    """Return whether a stored dataset must be read again, for facets or dates that it lacks."""
    has_dates = request.collected_column is None or provenance.has_dates(db, known)
    return not has_dates or not provenance.has_facets(db, known, request.facets)


def find_base(
    db: sqlite3.Connection, request: IngestRequest, files: tuple[DatasetFile, ...]
) -> Base | None:
    """Return the stored version with most octets of whose files the dataset consists."""
    options = ReadOptions(
        url_column=given_columns(request),
        weight_column=request.weight_column,
        facets=request.facets,
    )
    return dataset_versions.find_base(db, [file.sha256 for file in files], options)


def tasks(
    request: IngestRequest, files: tuple[DatasetFile, ...], base: Base | None
) -> Iterator[ReadTask]:
    """Yield what to read of files that are on this machine; the next one if that fails."""
    if base is not None:
        places = [str(path) for path in locate(request.datasets)[0]]
        new = _without(list(zip(places, files, strict=True)), base.digests)
        if new:
            paths, parts = (tuple(found) for found in zip(*new, strict=True))
            yield ReadTask(files=files, parts=parts, paths=paths, base=base)
    yield ReadTask(files=files, parts=files, paths=request.datasets)


def _without(
    files: Sequence[tuple[str, DatasetFile]], digests: Sequence[str]
) -> list[tuple[str, DatasetFile]]:
    """Return the files without one for each of the digests: equal files count as often as given."""
    taken = Counter(digests)
    left = []
    for path, file in files:
        if taken[file.sha256]:
            taken[file.sha256] -= 1
        else:
            left.append((path, file))
    return left
