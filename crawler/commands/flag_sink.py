"""`FlagSink`: writes flagged rows, with errors that name the output."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from crawler.dataset.sinks import Sink
from crawler.reports.export import ExportError

# What a spreadsheet takes for a formula at the start of a cell (OWASP, CSV Injection).
_FORMULA = r"^[=+\-@\t\r]"


class FlagSink:
    """Writes rows and verdicts, with formulas made text in CSV, and errors that name the output."""

    def __init__(self, sink: Sink, named: str, own: int, *, is_delimited: bool) -> None:
        self._sink, self._named, self._own = sink, named, own
        self._is_delimited = is_delimited

    def write(self, columns: list[pa.Array]) -> None:
        """Write rows; raise `ExportError`."""
        if self._is_delimited:
            own = self._own
            # The cells of the dataset are the user's; those of verdicts quote what servers sent.
            columns = [*columns[:own], *map(_without_formulas, columns[own:])]
        with write_errors(self._named):
            self._sink.write(columns)

    def close(self) -> None:
        """Finish the file; raise `ExportError`."""
        with write_errors(self._named):
            self._sink.close()


@contextmanager
def write_errors(named: str) -> Iterator[None]:
    """Raise errors of the system as `ExportError`, not as one about the file that is read."""
    try:
        yield
    except OSError as error:
        raise ExportError(f"cannot write {named}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    # Arrow has the number of the error, and a text with more than the user needs.
    return os.strerror(error.errno) if error.errno else str(error)


class _Unclosed(io.RawIOBase):
    """A stream whose `close` leaves the one behind it open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, octets: Any) -> int:
        return self._stream.write(octets)

    def flush(self) -> None:
        self._stream.flush()


@contextmanager
def named_in_errors(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a copy of standard output, flushed at the end."""
    # Sinks close what they write to, and standard output stays open.
    with write_errors("standard output"):
        yield cast("BinaryIO", _Unclosed(stream))
        stream.flush()


def _without_formulas(column: pa.Array) -> pa.Array:
    """Return a column of verdicts whose texts no spreadsheet takes for formulas."""
    if not pa.types.is_dictionary(column.type):
        return column
    words = column.dictionary
    formulas = pc.match_substring_regex(words, _FORMULA)
    if not pc.any(formulas).as_py():
        return column
    quoted = pc.binary_join_element_wise("'", words, "")
    return pa.DictionaryArray.from_arrays(column.indices, pc.if_else(formulas, quoted, words))
