"""Scans: table functions of DuckDB over files; files that are read in the same way are one scan."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import duckdb

from crawler.dataset import compression
from crawler.dataset.bounds import MAX_COPIED_LINE, MAX_LINE, MAX_SCANNED_LINE
from crawler.dataset.compression import compression_of, open_plain
from crawler.dataset.dialect import encoding_of
from crawler.dataset.files import DatasetError, EmptyDatasetError
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.formats.handler import FormatHandler, ReadContext, Rows
from crawler.dataset.paths import literal

#: Errors while a file is opened, decompressed or written to the scratch directory.
UNREADABLE = (duckdb.Error, *compression.ERRORS)
#: Options of `read_parquet`.
TABLE_OPTIONS = "union_by_name=true, hive_partitioning=false"
#: Options of `read_csv` for whole lines: a line may hold any character, so neither delimiter nor
#: quote is one.
LINE_OPTIONS = "auto_detect=false, delim='', quote='', escape='', header=false, "


class Scan(NamedTuple):
    """A file, DuckDB's options for it, and an EXCLUDE clause for columns that are not its own."""

    path: Path
    options: str
    excluded: str = ""


def line_size(path: Path, original: Path) -> str:
    """Return DuckDB's option for the longest line of a file, which may be a copy of `original`."""
    size = MAX_SCANNED_LINE if path == original else MAX_COPIED_LINE
    return f", max_line_size={size}"


def path_literal(path: Path) -> str:
    """Return the name of a file as an SQL literal."""
    # A file is named here, not a pattern: each character that globs is put in brackets.
    return literal("".join(f"[{c}]" if c in "*?[" else c for c in str(path)))


def column_types(types: Iterable[tuple[str, str]]) -> str:
    """Return the value of DuckDB's option `columns` for pairs of name and type."""
    return "{" + ", ".join(f"{literal(n)}: {literal(t)}" for n, t in types) + "}"


def select(scan: Scan, paths: Sequence[Path], function: str) -> str:
    """Return the query that reads files with the options of one of them."""
    files = ", ".join(path_literal(path) for path in paths)
    return f"SELECT *{scan.excluded} FROM {function}([{files}], {scan.options})"  # noqa: S608


def union(scans: Sequence[Scan], function: str) -> str:
    """Return the query for all scans in order; neighbours with the same options are one."""
    groups = [list(group) for _, group in groupby(scans, key=lambda scan: scan[1:])]
    return " UNION ALL BY NAME ".join(
        select(group[0], [scan.path for scan in group], function) for group in groups
    )


def reads_whole(connection: duckdb.DuckDBPyConnection, scan: Scan, function: str) -> bool:
    """Return whether DuckDB reads every cell of a file without an error, and any row at all.

    Of some compressed files without a line end it finds no row, and does not say why.
    """
    relation = f"({select(scan, [scan.path], function)})"
    try:
        query = f"SELECT count(*), count(COLUMNS(*)) FROM {relation}"  # noqa: S608
        [(rows, *_)] = connection.execute(query).fetchall()
    except duckdb.Error:
        return False
    return bool(rows)


def is_utf16(path: Path) -> bool:
    """Return whether a text file begins with a byte order mark of UTF-16."""
    with open_plain(path) as stream:
        return encoding_of(stream.read(4)) == "utf-16"


class ScanHandler(FormatHandler):
    """A format whose files are read one by one, by a table function of DuckDB.

    A file that DuckDB would refuse or lose rows of is copied to the scratch directory first.
    """

    function = "read_csv"

    def __init__(self, dataset_format: DatasetFormat) -> None:
        super().__init__(dataset_format)
        #: Copies by the files that are not read themselves (see `source`).
        self.sources: dict[Path, Path] = {}
        self._cut: Path | None = None

    def scan(self, context: ReadContext, path: Path, copy: Path) -> Scan | None:
        """Return how to read a file; None if it has no rows. `copy` is free for a repaired copy."""
        raise NotImplementedError

    def source(self, context: ReadContext, path: Path, copy: Path) -> Path:
        """Return the file to scan for a file: itself, or a copy that DuckDB can decompress."""
        kind = compression_of(path)
        is_known = kind in compression.KNOWN_TO_DUCKDB
        # DuckDB takes the end of the file for the end of a frame.
        if is_known and (kind != "zstd" or compression.is_whole_zstd(path)):
            return path
        return _whole_lines(context, path, copy)

    def scans(self, context: ReadContext, files: Sequence[Path]) -> dict[Path, Scan]:
        """Return the scans of files that have rows; raise `EmptyDatasetError` if none has any."""
        opened = {path: self._opened(context, n, path) for n, path in enumerate(files, start=1)}
        found = {path: scan for path, scan in opened.items() if scan is not None}
        if not found:
            self.refuse_cut()
            raise EmptyDatasetError(f"{files[0]} holds no rows; give a dataset that is not empty.")
        return found

    def _opened(self, context: ReadContext, n: int, path: Path) -> Scan | None:
        copy = context.scratch / f"repaired-{n}"
        try:
            source = self.source(context, path, context.scratch / f"plain-{n}")
            if source != path:
                self.sources[path] = source
                return self.scan(context, source, copy)
            return self._scanned(context, path, copy)
        except UNREADABLE as error:
            raise self.cannot_read(path, error, context.scratch) from error

    def _scanned(self, context: ReadContext, path: Path, copy: Path) -> Scan | None:
        """Return the scan of a file, or of the lines that are left of one that is cut off."""
        try:
            return self.scan(context, path, copy)
        except UNREADABLE:
            if compression_of(path) == "none":
                raise
            left = _whole_lines(context, path, copy.with_name(f"left-of-{copy.name}"))
            if path not in context.damaged:
                raise
            self.sources[path] = left
            return self.scan(context, left, copy)

    def mark_cut(self, path: Path) -> None:
        """Remember that a line of a file was too long and has lost its end in the copy."""
        self._cut = path

    def rows(self, context: ReadContext, files: Sequence[Path]) -> Rows:
        """See `FormatHandler.rows`, and `refuse_cut`."""
        rows = super().rows(context, files)
        self.refuse_cut()
        return rows

    def refuse_cut(self) -> None:
        """Raise `DatasetError` for a file that cannot be copied whole."""
        if self._cut is not None:
            raise DatasetError(
                f"{self._cut} has a line of more than {MAX_LINE:,} characters, which is more "
                "than can be kept; shorten it."
            )

    def query(self, context: ReadContext, files: Sequence[Path]) -> str:
        """Return the query for all rows of the files."""
        return union([*self.scans(context, files).values()], self.function)

    def make_relation(self, context: ReadContext, files: Sequence[Path]) -> duckdb.DuckDBPyRelation:
        """See `FormatHandler.make_relation`."""
        return context.connection.sql(self.query(context, files))


def _whole_lines(context: ReadContext, path: Path, copy: Path) -> Path:
    """Write the lines of a compressed file to a copy, and note where it is cut off."""
    octets = compression.write_whole_lines(path, copy)
    if octets == 0:
        raise EOFError("it is damaged or cut off before the end of its first line")
    if octets is not None:
        context.damaged[path] = f"octet {octets:,} of what it decompresses to"
    return copy
