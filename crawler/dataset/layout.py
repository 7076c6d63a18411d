"""How a Parquet file keeps its columns, so that another can keep them in the same way."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

_NO_COMPRESSION = {"UNCOMPRESSED": "none"}


class Layout(NamedTuple):
    """How a Parquet file keeps its columns: the compression of each or of all, those that are kept
    as dictionaries, and those with statistics.
    """

    compression: str | dict[str, str] = "zstd"
    dictionaries: bool | list[str] = True
    statistics: bool | list[str] = True


def layout_of(file: Path, added: Iterable[str], described: Iterable[str]) -> Layout:
    """The layout of a file by its first row group, for its columns and for those that are `added`.

    What is added is kept as dictionaries, compressed as the first column is, with statistics for
    those that are `described`.
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
