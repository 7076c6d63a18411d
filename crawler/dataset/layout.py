"""Layout of a Parquet file: compression, dictionaries and statistics of its columns."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

_NO_COMPRESSION = {"UNCOMPRESSED": "none"}


class Layout(NamedTuple):
    """Settings with which the columns of a Parquet file are written.

    `compression` is one for all or one for each column. `dictionaries` and `statistics` list the
    columns that have them, or tell whether all do.
    """

    compression: str | dict[str, str] = "zstd"
    dictionaries: bool | list[str] = True
    statistics: bool | list[str] = True


def layout_of(file: Path, added: Iterable[str], described: Iterable[str]) -> Layout:
    """Return the layout of a file's first row group, extended by columns that are `added`.

    Added columns are dictionaries, compressed as the first column is; those in `described` have
    statistics.
    """
    metadata = pq.read_metadata(file)
    group = metadata.row_group(0) if metadata.num_row_groups else None
    columns = [group.column(at) for at in range(group.num_columns)] if group else []
    kinds = {c.path_in_schema: _kind(c.compression) for c in columns}
    first = next(iter(kinds.values()), "zstd")
    return Layout(
        compression=kinds | dict.fromkeys(added, first),
        dictionaries=[c.path_in_schema for c in columns if c.has_dictionary_page] + list(added),
        statistics=[c.path_in_schema for c in columns if c.is_stats_set] + list(described),
    )


def _kind(compression: str) -> str:
    return _NO_COMPRESSION.get(compression, compression.lower())
