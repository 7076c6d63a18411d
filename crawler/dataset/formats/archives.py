"""WARC archives and their CDX indexes, as tables with a row for each record of a page."""

import contextlib
import gzip
import json
import os
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from crawler.dataset import compression
from crawler.dataset.compression import compression_of, open_plain
from crawler.dataset.files import DatasetError
from crawler.dataset.formats.handler import ReadContext
from crawler.dataset.repair import lines
from crawler.dataset.scans import TABLE_OPTIONS, Scan, ScanHandler

_ROWS_PER_WRITE = 20_000
_PIECE = 64 * 1024
_LONGEST_METADATA = 16 * 1024 * 1024
# Octets after the last record of a file whose records are not compressed one by one: empty lines.
_GAP = 16

_WARC = pa.schema(
    {
        "url": pa.string(),
        "warc_type": pa.string(),
        "warc_date": pa.string(),
        "warc_record_id": pa.string(),
        "warc_file": pa.string(),
        "warc_offset": pa.int64(),
    }
)
# Common Crawl's names, in the order in which an index without names has the values.
_KEYS = ("urlkey", "timestamp")
_VALUES = ("url", "mime", "status", "digest", "length", "offset", "filename")
_MORE = ("mime-detected", "charset", "languages", "encoding", "truncated", "redirect")
_CDX = pa.schema({name: pa.string() for name in (*_KEYS, *_VALUES, *_MORE)})
# Pages, text extracted from pages, and files (WARC/1.1, 6).
_PAGES = ("response", "conversion", "resource")

_Rows = Generator[dict[str, Any], None, None]


class _RecordHandler(ScanHandler):
    """Reads records by copying those of pages to a Parquet file.

    A record of a page that names no URL, and a line that is no record, are rows without a URL.
    """

    function = "read_parquet"
    columns: pa.Schema

    def records(self, context: ReadContext, path: Path) -> _Rows:
        """Yield the rows of a file; raise `DatasetError` for a damaged one."""
        raise NotImplementedError

    def scan(self, context: ReadContext, path: Path, copy: Path) -> Scan:
        """See `ScanHandler.scan`."""
        copy = copy.with_suffix(".parquet")
        with (
            # warcio prints what it raises; here it becomes the message of an error.
            open(os.devnull, "w") as devnull,
            contextlib.redirect_stderr(devnull),
            contextlib.closing(self.records(context, path)) as rows,
            pq.ParquetWriter(copy, self.columns, compression="zstd") as writer,
        ):
            while portion := list(islice(rows, _ROWS_PER_WRITE)):
                writer.write_table(pa.Table.from_pylist(portion, self.columns))
        return Scan(copy, TABLE_OPTIONS)


class WarcHandler(_RecordHandler):
    """Reads WARC, WET and WAT files."""

    columns = _WARC

    def source(self, context: ReadContext, path: Path, copy: Path) -> Path:  # noqa: ARG002
        """See `ScanHandler.source`: an archive is decompressed here."""
        return path

    def records(self, context: ReadContext, path: Path) -> _Rows:
        """See `_RecordHandler.records`: the whole records of an archive that is cut off."""
        is_archive = False
        try:
            for row in _archive(path):
                is_archive = True
                if row:
                    yield row
        except _DamagedError as error:
            if not is_archive:
                raise _damaged(path, error.octet) from error
            context.damaged[path] = f"octet {error.octet:,}"


class CdxHandler(_RecordHandler):
    """Reads indexes of archives: CDXJ, and CDX with 9 or 11 fields."""

    columns = _CDX

    def records(self, context: ReadContext, path: Path) -> _Rows:  # noqa: ARG002
        """See `_RecordHandler.records`."""
        return _index(path)


class _DamagedError(Exception):
    """An archive is damaged or cut off behind an octet."""

    def __init__(self, octet: int) -> None:
        super().__init__(octet)
        self.octet = octet


def _archive(path: Path) -> Iterator[dict[str, Any] | None]:
    """Yield for each record its row, None if it is of no page. Raise `_DamagedError`.

    Offsets are octets in the file; where all of it is compressed as one, in the decompressed text.
    """
    end = 0
    with _opened(path) as stream:
        found = ArchiveIterator(stream, no_record_parse=True)
        try:
            for record in found:
                row = _page(record, path) if _is_page(record) else None
                # Its length is known only when it was read to its end.
                whole = _drain(record)
                offset = found.get_record_offset()
                if not whole or found.err_count:
                    raise _DamagedError(offset)
                end = offset + found.get_record_length()
                yield row and row | {"warc_offset": offset}
        except (ArchiveLoadFailed, ValueError, *compression.ERRORS) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise _DamagedError(end) from error
        _refuse_rest(stream, path, end)


def _opened(path: Path) -> BinaryIO:
    """Open an archive; one that is compressed record by record is not decompressed here."""
    if compression_of(path) == "gzip" and _is_by_record(path):
        return path.open("rb")
    return open_plain(path)


def _is_by_record(path: Path) -> bool:
    with path.open("rb") as stream:
        try:
            return bool(list(islice(ArchiveIterator(stream, no_record_parse=True), 2)))
        except ArchiveLoadFailed:
            return False


def _page(record: Any, path: Path) -> dict[str, Any]:
    header = record.rec_headers.get_header
    return {
        "url": header("WARC-Target-URI"),
        "warc_type": record.rec_type,
        "warc_date": header("WARC-Date"),
        "warc_record_id": header("WARC-Record-ID"),
        "warc_file": path.name,
    }


def _is_page(record: Any) -> bool:
    """Return whether a record is a page or file, or the metadata of one (in WAT files)."""
    if record.rec_type in _PAGES:
        return True
    if record.rec_type != "metadata" or "json" not in (record.content_type or ""):
        return False
    metadata = _object(record.raw_stream.read(min(record.length or 0, _LONGEST_METADATA)))
    try:
        return metadata["Envelope"]["WARC-Header-Metadata"]["WARC-Type"] in _PAGES
    except (KeyError, TypeError):
        return False


def _drain(record: Any) -> bool:
    """Read a record to its end. Return whether all of it was there."""
    if record.length is None:
        return False
    while record.raw_stream.read(_PIECE):
        pass
    return not record.raw_stream.limit


def _refuse_rest(stream: BinaryIO, path: Path, end: int) -> None:
    """Raise `_DamagedError` if an archive ends before its last record does."""
    # warcio takes the end of the file for the end of the archive, wherever that is.
    by_record = compression_of(path) == "gzip" and not isinstance(stream, gzip.GzipFile)
    gap = 0 if by_record else _GAP
    if stream.read(1) or (stream.seekable() and stream.tell() - end > gap):
        raise _DamagedError(end)


def _damaged(path: Path, octet: int) -> DatasetError:
    return DatasetError(
        f"{path} cannot be read as warc (damaged or cut off behind octet {octet}); get it again."
    )


def _index(path: Path) -> _Rows:
    """Yield the lines of an index that are records, not its header."""
    for line in lines(path):
        if line.strip() and not line.startswith((" CDX", "!", "#")):
            yield _index_row(line)


def _index_row(line: str) -> dict[str, Any]:
    """Return the row of a line `key time {...}` or of a CDX line; an empty row for any other."""
    key, _, rest = line.partition(" ")
    time, _, rest = rest.partition(" ")
    values = _object(rest) if rest.startswith("{") else _cdx_values(rest.split())
    if not values:
        return {}
    row = {name: _plain(values.get(name)) for name in (*_VALUES, *_MORE)}
    return {"urlkey": key, "timestamp": time, **row}


def _cdx_values(values: list[str]) -> dict[str, Any]:
    """Return the values of CDX with 9 fields, or 11 (redirects and robots are left out)."""
    if len(values) == len(_VALUES) + 2:
        values = values[:4] + values[6:]
    return dict(zip(_VALUES, values, strict=True)) if len(values) == len(_VALUES) else {}


def _object(text: str | bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {}


def _plain(value: Any) -> str | None:
    return None if value is None else str(value).encode(errors="replace").decode()
