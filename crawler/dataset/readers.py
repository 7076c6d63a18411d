"""Open a dataset as one DuckDB relation: every column, every row, in the order of the files."""

import gzip
import zlib
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import duckdb
import zstandard

from crawler.dataset import archives, arrow
from crawler.dataset.columns import column_named, quoted, url_column
from crawler.dataset.dialect import Dialect, dialect_of, encoding_of
from crawler.dataset.files import (
    DatasetError,
    EmptyDatasetError,
    Format,
    compression_of,
    open_plain,
)
from crawler.dataset.repair import OVERFLOW, repair_csv, repair_jsonl, repair_text

__all__ = ["column_named", "json_lines", "relation", "url_column"]

#: What goes wrong while a file is opened, decompressed or written to the scratch directory.
UNREADABLE = (duckdb.Error, OSError, EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)

_TABLE = "union_by_name=true, hive_partitioning=false"
_FUNCTIONS = {
    Format.JSONL: "read_json",
    Format.WARC: "read_parquet",
    Format.CDX: "read_parquet",
}
# Each line whole: it may hold any character, so neither delimiter nor quote is one.
_LINES = "auto_detect=false, delim='', quote='', escape='', header=false, max_line_size=16777216, "
# Text types are kept as they are written; nested values stay JSON text.
_KEPT_TYPES = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")


class _Part(NamedTuple):
    """A file, how DuckDB is to read it, and columns to leave out again."""

    path: Path
    options: str
    excluded: str = ""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """The name of a file in SQL."""
    # A file is named here, not a pattern: each character that globs is put in brackets.
    return _literal("".join(f"[{c}]" if c in "*?[" else c for c in str(path)))


def _columns(types: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{_literal(n)}: {_literal(t)}" for n, t in types) + "}"


def _csv_options(dialect: Dialect, compression: str) -> str:
    types = _columns((name, "VARCHAR") for name in dialect.columns)
    return (
        f"auto_detect=false, delim={_literal(dialect.delimiter)}, quote='\"', escape='\"', "
        f"header={str(dialect.header).lower()}, columns={types}, compression='{compression}', "
        "max_line_size=16777216"
    )


def _select(part: _Part, paths: Sequence[Path], function: str) -> str:
    files = ", ".join(path_literal(path) for path in paths)
    return f"SELECT *{part.excluded} FROM {function}([{files}], {part.options})"  # noqa: S608


def _reads_whole(connection: duckdb.DuckDBPyConnection, part: _Part, function: str) -> bool:
    """Whether DuckDB reads every cell of a file without a complaint."""
    relation = f"({_select(part, [part.path], function)})"
    try:
        connection.execute(f"SELECT count(COLUMNS(*)) FROM {relation}").fetchall()  # noqa: S608
    except duckdb.Error:
        return False
    return True


def _is_utf16(path: Path) -> bool:
    with open_plain(path) as stream:
        return encoding_of(stream.read(4)) == "utf-16"


class DatasetReader:
    """Opens files of one dataset on one connection; repaired copies go to `scratch`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, scratch: Path, wanted: Collection[str]
    ) -> None:
        self._connection = connection
        self._scratch = scratch
        self._wanted = wanted
        self._copies = 0

    def _copy(self, suffix: str) -> Path:
        self._copies += 1
        return self._scratch / f"repaired-{self._copies}{suffix}"

    def csv(self, path: Path, form: Format) -> _Part | None:
        """A CSV file as text columns, rewritten first if a row of it would be lost."""
        dialect = dialect_of(path, form, self._wanted)
        if dialect is None:
            return None
        part = _Part(path, _csv_options(dialect, compression_of(path)))
        odd = dialect.late or _is_utf16(path)
        if not odd and _reads_whole(self._connection, part, "read_csv"):
            return part
        copy = self._copy(".csv")
        overflowed = repair_csv(path, dialect, copy)
        clean = Dialect(",", True, (*dialect.columns, OVERFLOW))
        excluded = "" if overflowed else f" EXCLUDE ({quoted(OVERFLOW)})"
        return _Part(copy, _csv_options(clean, "none"), excluded)

    def text(self, path: Path) -> _Part:
        """A line as a row with the column `url`; lines that begin with `#` are no rows."""
        options = _LINES + "columns={'url': 'VARCHAR'}, compression="
        part = _Part(path, f"{options}'{compression_of(path)}'")
        if not _is_utf16(path) and _reads_whole(self._connection, part, "read_csv"):
            return part
        copy = self._copy(".txt")
        repair_text(path, copy)
        return _Part(copy, f"{options}'none'")

    def archive(self, path: Path, form: Format) -> _Part:
        """The records of an archive or of an index, as a table of their own."""
        copy = self._copy(".parquet")
        archives.table_of(path, form, copy)
        return _Part(copy, _TABLE)

    def _json_types(self, path: Path, compression: str) -> list[tuple[str, str]] | None:
        """The columns of a JSONL file; None if a line of it is not a JSON object."""
        query = (
            f"DESCRIBE SELECT * FROM read_json([{path_literal(path)}], records=true, "  # noqa: S608
            f"format='newline_delimited', sample_size=-1, maximum_depth=2, "
            f"compression='{compression}')"
        )
        try:
            rows = self._connection.execute(query).fetchall()
        except duckdb.Error:
            return None
        return [(str(name), self._json_type(str(kind))) for name, kind, *_ in rows]

    @staticmethod
    def _json_type(kind: str) -> str:
        if kind in _KEPT_TYPES:
            return kind
        nested = kind == "JSON" or kind.endswith(("]", ")"))
        return "JSON" if nested else "VARCHAR"

    def jsonl(self, path: Path) -> _Part | None:
        """A JSONL file with its columns; lines that are no objects are rows without values."""
        with open_plain(path) as stream:
            if not stream.read(1):
                return None
        compression = compression_of(path)
        types = self._json_types(path, compression)
        if types is None:
            copy = self._copy(".jsonl")
            repair_jsonl(path, copy)
            path, compression = copy, "none"
            types = self._json_types(path, compression)
        if not types:
            return None
        # Duplicate keys in an object are an error to DuckDB that costs no row when ignored.
        options = (
            f"format='newline_delimited', ignore_errors=true, columns={_columns(types)}, "
            f"auto_detect=false, compression='{compression}'"
        )
        return _Part(path, options)


def _query(reader: DatasetReader, files: Sequence[Path], form: Format) -> str:
    """The SQL that reads all files; files that are read alike are one scan."""
    if form is Format.PARQUET:
        part = _Part(files[0], _TABLE)
        return _select(part, files, "read_parquet")
    parts = _parts(reader, files, form)
    union = _union(parts, _FUNCTIONS.get(form, "read_csv"))
    if form is Format.TEXT:
        return f"SELECT url FROM ({union}) WHERE url IS NULL OR NOT starts_with(url, '#')"  # noqa: S608
    return union


def _parts(reader: DatasetReader, files: Sequence[Path], form: Format) -> list[_Part]:
    opened = (_part(reader, path, form) for path in files)
    parts = [part for part in opened if part is not None]
    if not parts:
        raise EmptyDatasetError(f"{files[0]} holds no rows; give a dataset that is not empty.")
    return parts


def _union(parts: Sequence[_Part], function: str) -> str:
    scans = [list(group) for _, group in groupby(parts, key=lambda part: part[1:])]
    return " UNION ALL BY NAME ".join(
        _select(scan[0], [part.path for part in scan], function) for scan in scans
    )


def _part(reader: DatasetReader, path: Path, form: Format) -> _Part | None:
    try:
        if form in (Format.WARC, Format.CDX):
            return reader.archive(path, form)
        if form is Format.TEXT:
            return reader.text(path)
        return reader.jsonl(path) if form is Format.JSONL else reader.csv(path, form)
    except UNREADABLE as error:
        raise _cannot(path, form, error) from error


def _cannot(path: Path, form: Format, error: BaseException) -> DatasetError:
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return DatasetError(f"{path} cannot be read as {form} ({reason}); check the file.")


def relation(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    form: Format,
    *,
    scratch: Path,
    wanted: Collection[str] = (),
) -> duckdb.DuckDBPyRelation:
    """The files as one relation with all their columns, rows in the order of the files.

    Row order holds as long as the connection preserves insertion order (DuckDB's default) and
    nothing is joined; number the rows before joining. CSV columns are all text, as written;
    JSONL strings stay text and nested values JSON. `scratch` is an existing directory for
    repaired copies, which must outlive the relation. `wanted` are column names the user gave.
    """
    if form is Format.ARROW:
        return arrow.relation(connection, files, scratch)
    try:
        return connection.sql(_query(DatasetReader(connection, scratch, wanted), files, form))
    except duckdb.Error as error:
        raise _cannot(files[0], form, error) from error


def json_lines(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], scratch: Path
) -> tuple[duckdb.DuckDBPyRelation, duckdb.DuckDBPyRelation]:
    """JSONL files as `relation` gives them, and their lines in a column `line`, one for a row.

    The lines of a file that had to be repaired are the repaired ones.
    """
    try:
        parts = _parts(DatasetReader(connection, scratch, ()), files, Format.JSONL)
        whole = [_line_part(part) for part in parts]
        lines = connection.sql(_union(whole, "read_csv")).filter("trim(line, ' \t\r') <> ''")
        return connection.sql(_union(parts, "read_json")), lines
    except duckdb.Error as error:
        raise _cannot(files[0], Format.JSONL, error) from error


def _line_part(part: _Part) -> _Part:
    compression = compression_of(part.path)
    return _Part(part.path, f"{_LINES}columns={{'line': 'VARCHAR'}}, compression='{compression}'")
