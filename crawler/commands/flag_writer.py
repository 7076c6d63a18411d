"""`FlagWriter`: write flagged rows to a file and count them by state and reason."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa

from crawler.commands.flag_counts import Counts, check_guess
from crawler.commands.flag_request import FlagRequest, facts
from crawler.commands.flag_results import store_flagger
from crawler.commands.flag_sink import FlagSink, named_in_errors, write_errors
from crawler.commands.row_selector import RowSelector
from crawler.commands.small_files import SmallFiles
from crawler.dataset.columns import UrlColumns
from crawler.dataset.files import DatasetError, EmptyDatasetError
from crawler.dataset.formats import BY_NAME, DatasetFormat
from crawler.dataset.layout import Layout
from crawler.dataset.rows import Rows, open_rows, reading
from crawler.dataset.sinks import Sink, open_sink, writable
from crawler.flags import ALL_COLUMNS, AsOfOptions, Flagger, Verdict, row_fields
from crawler.flags.shared_verdicts import SharedEntry
from crawler.progress import Bar
from crawler.reports.export import replaced

_ROW_KEY = pa.schema([pa.field("file", pa.string()), pa.field("row_number", pa.int64())])
_METADATA = b"tdm_audit"
# Columns that readers of Parquet filter by, to skip row groups. For the other columns, statistics
# would be half of the work of writing them.
_WITH_STATISTICS = ["tdm_state", "tdm_reserved"]
_SIDE_CAR = Layout(statistics=[*_ROW_KEY.names, *_WITH_STATISTICS])

_DELIMITED = (BY_NAME["csv"], BY_NAME["tsv"])
# Columns of rows to write (without verdicts), and what `Flagger.row_batches` tells of the rows.
_Batch = tuple[list[pa.Array], pa.RecordBatch]


class FlagWriter:
    """Writes the files of one `tdm-audit flag`, all from the same evidence, rules and purposes.

    Close it. `schema` has the columns that were added to the file written last. `evidence` is a
    digest of the evidence. `facts` is JSON that says what the verdicts come from, for the metadata
    of files and for `FlagManifest`.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        duck: duckdb.DuckDBPyConnection,
        scratch: Path,
        request: FlagRequest,
        bar: Bar,
        name: Callable[[Path], str] = str,
        evidence: str = "",
    ) -> None:
        """Make a writer; `name` tells how a file of the dataset is shown.

        `evidence` is the digest of the audit that `db` is an excerpt of.
        """
        self._name = name
        self._duck, self._scratch = duck, scratch
        self._request, self._bar = request, bar
        as_of = None if request.times is None else AsOfOptions(request.max_distance)
        self._flagger = Flagger(
            db, request.rules, request.purposes, request.agent, duck=duck, as_of=as_of
        )
        self.evidence = evidence or self._flagger.evidence
        self.schema = self._flagger.ids.schema
        self.facts = facts(self.evidence, request)
        self._small = SmallFiles(self._flagger)

    def close(self) -> None:
        """Close what was opened here; connections that were given stay open."""
        self._flagger.close()

    def read_ahead(self, files: Iterable[Path], form: DatasetFormat) -> None:
        """Evaluate the first files together if they are small; `write` takes their verdicts.

        Does nothing if the first one was looked at before.
        """
        if form.handler().counts_rows:
            self._small.evaluate(files, lambda file: self._open((file,), form, file, {}))

    def write(
        self, out: Path, files: tuple[Path, ...], form: DatasetFormat, *, some_empty: bool = False
    ) -> Counts:
        """Write the flagged rows of `files` to `out`; return their counts.

        `out` appears only when it is complete. A file without rows raises `EmptyDatasetError`,
        unless `some_empty`. Raises `DatasetError` if a file cannot be read.
        """
        selector = RowSelector(self._flagger, self._request)
        groups = read_together(files, self._request)
        sink: Sink | None = None
        unreadable = 0
        chosen: list[UrlColumns] = []
        damaged: dict[Path, str] = {}
        with self._target(out) as target, ExitStack() as opened:
            for group in groups:
                try:
                    small = self._small.take(group[0]) if len(group) == 1 else None
                    with self._opened(small, group, form, out, damaged) as (rows, told):
                        sink = sink or opened.enter_context(
                            closing(self._sink(target, out, rows, group[0], form))
                        )
                        self._check_fields(rows, group[0])
                        self._write_rows(sink, rows, told, group[0], selector)
                        unreadable += rows.unreadable
                        chosen.append(rows.urls)
                except EmptyDatasetError:
                    if not some_empty:
                        raise
            if sink is None:
                open_sink(target, out, self._flagger.ids.schema, _SIDE_CAR).close()
            counts = selector.counts()
            counts.unreadable = unreadable
            counts.columns = tuple(dict.fromkeys((str(urls), urls.how) for urls in chosen))
            counts.damaged = {self._name(path): place for path, place in damaged.items()}
            if not some_empty:
                check_guess(counts)
        return counts

    def _check_fields(self, rows: Rows, file: Path) -> None:
        """Raise `DatasetError` if the rows have other columns of flags than those before them."""
        if [*self._flagger.ids.schema, *row_fields(rows.urls)] != list(self.schema):
            raise DatasetError(
                f"{file} has its URLs in another form than the files before it; flag them into a "
                "folder (-o FOLDER)."
            )

    @property
    def new_verdicts(self) -> list[tuple[int, str, tuple[Verdict, ...]]]:
        """Verdicts that the database did not hold (see `Flagger`)."""
        return self._flagger.new_verdicts

    def take_shared(self) -> list[SharedEntry]:
        """Return verdicts for `add_shared` of other processes (see `SharedVerdicts`)."""
        return self._flagger.shared.take_new() if self._flagger.shared else []

    def add_shared(self, entries: Iterable[SharedEntry]) -> None:
        """Take over verdicts that other processes evaluated."""
        if self._flagger.shared:
            self._flagger.shared.add(entries)

    def store_state(self, path: Path, *, with_verdicts: bool = False) -> None:
        """Store the state of the flagger, and its new verdicts, in its database at `path`."""
        verdicts = self.new_verdicts if with_verdicts else ()
        store_flagger(path, self._request.agent, self._flagger, verdicts)

    def _target(self, out: Path) -> AbstractContextManager[Path | BinaryIO]:
        """Return what is written to: a file that replaces `out` at the end, or the stream."""
        return named_in_errors(self._request.stream) if self._request.stream else replaced(out)

    def _open(
        self,
        files: tuple[Path, ...],
        form: DatasetFormat,
        out: Path,
        damaged: dict[Path, str],
    ) -> AbstractContextManager[Rows]:
        return open_files(self._duck, files, form, out, self._request, self._scratch, damaged)

    @contextmanager
    def _opened(
        self,
        small: tuple[Rows, Iterable[pa.RecordBatch]] | None,
        files: tuple[Path, ...],
        form: DatasetFormat,
        out: Path,
        damaged: dict[Path, str],
    ) -> Iterator[tuple[Rows, Iterable[pa.RecordBatch]]]:
        """Yield rows and verdicts: those of a small file that was evaluated, or of the files."""
        if small:
            with reading(files[0], self._scratch):
                yield small
            return
        with self._open(files, form, out, damaged) as rows:
            flagger = self._flagger
            yield rows, (b for part in rows.parts for b in flagger.row_batches(part, rows.urls))

    def _sink(
        self,
        target: Path | BinaryIO,
        out: Path,
        rows: Rows,
        first: Path,
        form: DatasetFormat,
    ) -> Sink:
        fields, layout = list(_ROW_KEY), _SIDE_CAR
        metadata: dict[bytes, bytes] = {}
        if not self._request.flags_only:
            fields = [rows.schema.field(n) for n in _data_columns(rows.schema)]
            metadata = dict(rows.schema.metadata or {})
            added = [field.name for field in (*self._flagger.ids.schema, *row_fields(rows.urls))]
            layout = form.handler().layout(first, added, _WITH_STATISTICS) or layout
        read = json.loads(self.facts) | {"url_column_read": str(rows.urls)}
        metadata[_METADATA] = json.dumps(read, sort_keys=True).encode()
        self.schema = pa.schema([*self._flagger.ids.schema, *row_fields(rows.urls)])
        schema = pa.schema([*fields, *self.schema], metadata)
        as_lines = _keeps_lines(form, out, self._request)
        named = "standard output" if self._request.stream else str(out)
        with write_errors(named):
            sink = open_sink(target, out, schema, layout, source=form, as_lines=as_lines)
        return FlagSink(sink, named, len(fields), is_delimited=writable(out, form) in _DELIMITED)

    def _write_rows(
        self,
        sink: Sink,
        rows: Rows,
        told: Iterable[pa.RecordBatch],
        file: Path,
        selector: RowSelector,
    ) -> None:
        batches = (
            _with_row_keys(told, self._name(file))
            if self._request.flags_only
            else _with_data(told, rows)
        )
        for columns, told_of_rows in batches:
            chosen = selector.select(told_of_rows["verdict"])
            self._bar.step(len(told_of_rows))
            if chosen is not None:
                columns = [column.filter(chosen) for column in columns]
                told_of_rows = told_of_rows.filter(chosen)
            numbers, *others = told_of_rows.columns
            sink.write([*columns, *self._flagger.ids.columns(numbers), *others])


def read_together(files: tuple[Path, ...], request: FlagRequest) -> list[tuple[Path, ...]]:
    """Return the files that go into one file in groups, each of which is read as one."""
    return [(file,) for file in files] if request.flags_only else [files]


def open_files(
    duck: duckdb.DuckDBPyConnection,
    files: tuple[Path, ...],
    form: DatasetFormat,
    out: Path,
    request: FlagRequest,
    scratch: Path,
    damaged: dict[Path, str],
) -> AbstractContextManager[Rows]:
    """Open files of a dataset for reading, as their rows are written to `out`."""
    as_lines = _keeps_lines(form, out, request)
    given, times = request.url_columns, request.times
    return open_rows(duck, files, form, given, scratch, damaged, as_lines=as_lines, times=times)


def _keeps_lines(form: DatasetFormat, out: Path, request: FlagRequest) -> bool:
    """Return whether lines of JSON are copied as text, with the verdict added to each."""
    return not request.flags_only and form.keeps_lines and form is writable(out, form)


def _with_row_keys(told: Iterable[pa.RecordBatch], file: str) -> Iterator[_Batch]:
    """Yield the columns of `_ROW_KEY` with the verdicts; rows are counted from 0."""
    name, start = pa.array([file]), 0
    for verdicts in told:
        size = len(verdicts)
        files = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), size), name)
        yield [files, pa.arange(start, start + size)], verdicts
        start += size


def _with_data(told: Iterable[pa.RecordBatch], rows: Rows) -> Iterator[_Batch]:
    """Yield the columns of the dataset with the verdicts, in batches as the rows are read."""
    columns = _data_columns(rows.schema)
    # Rows and verdicts come in batches of different sizes: `pending` is left over from the last.
    pending: pa.RecordBatch | None = None
    batches = iter(told)
    for batch in rows:
        if not len(batch):
            continue
        if pending is None:
            pending = next(batches)
        while len(pending) < len(batch):
            pending = pa.concat_batches([pending, next(batches)])
        yield [batch.column(n) for n in columns], pending.slice(0, len(batch))
        pending = pending.slice(len(batch))


def _data_columns(schema: pa.Schema) -> list[int]:
    """Return the indices of columns that are no verdicts: those of an earlier run are replaced."""
    return [n for n, field in enumerate(schema) if field.name not in ALL_COLUMNS]
