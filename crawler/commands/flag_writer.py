"""The work of flagging: files in, files out, and what was counted on the way."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crawler import __version__
from crawler.dataset.files import EmptyDatasetError, Format
from crawler.dataset.layout import Layout, layout_of
from crawler.dataset.rows import Rows, open_rows
from crawler.dataset.sinks import Sink, open_sink, writable
from crawler.flags import COLUMNS, SCHEMA, Flagger, Verdict
from crawler.progress import Bar
from crawler.reports.export import replaced
from crawler.rulesets import RuleSet
from crawler.vocab import Purpose

_PLACE = pa.schema([pa.field("file", pa.string()), pa.field("row_number", pa.int64())])
_METADATA = b"tdm_audit"
# Columns by which readers of Parquet skip row groups; for the others statistics would be half of
# the work of writing them.
_DESCRIBED = ["tdm_state", "tdm_reserved"]
_SIDE_CAR = Layout(statistics=[*_PLACE.names, *_DESCRIBED])

#: A state, and the protocol that decided or why the state is not known; empty for silence.
Reason = tuple[str, str]
# Columns of rows that are to be written, and the numbers of their verdicts.
_Portion = tuple[list[pa.Array], pa.Array]


class Mask(StrEnum):
    """Which rows are written: those that may be kept, or those that are to be dropped."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRequest:
    """Which rows to flag, for which purposes and agent, under which rules, and where to write.

    `out` is a file, or a folder that gets a file for each file of the dataset. With a mask only
    the rows of that kind are written; a row is dropped if it is reserved, and if that is not
    known, unless `keep_unknown`. `memory_limit` is DuckDB's.
    """

    datasets: tuple[str, ...]
    out: Path
    rules: RuleSet
    purposes: tuple[Purpose, ...]
    url_column: str | None = None
    agent: str | None = None
    flags_only: bool = False
    mask: Mask | None = None
    keep_unknown: bool = False
    memory_limit: str = "1GB"


@dataclass(slots=True, kw_only=True)
class Counts:
    """Rows by reason, which is state and basis; of those, the ones that the mask keeps (without a
    mask, none).

    `digest` is the SHA-256 of the positions of the rows of a file that the mask keeps, counted
    from 0 as 64-bit numbers, little-endian; of several files, of their digests in order.
    """

    reasons: Counter[Reason] = field(default_factory=Counter)
    kept_reasons: Counter[Reason] = field(default_factory=Counter)
    digest: str = ""

    @property
    def rows(self) -> Counter[str]:
        """Rows by state."""
        return _by_state(self.reasons)

    @property
    def kept(self) -> Counter[str]:
        """Rows that the mask keeps, by state."""
        return _by_state(self.kept_reasons)


def _by_state(reasons: Counter[Reason]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (state, _), rows in reasons.items():
        found[state] += rows
    return found


class FlagWriter:
    """One flagging: the same evidence, rules and purposes for all of its files.

    `evidence` tells the state of the database from others, `facts` all that verdicts come from.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        duck: duckdb.DuckDBPyConnection,
        scratch: Path,
        request: FlagRequest,
        bar: Bar,
    ) -> None:
        self._duck, self._scratch = duck, scratch
        self._request, self._bar = request, bar
        self._flagger = Flagger(db, request.rules, request.purposes, request.agent, duck=duck)
        self.evidence = self._flagger.evidence
        self.facts = _facts(self.evidence, request)

    def write(
        self, out: Path, files: tuple[Path, ...], form: Format, *, some_empty: bool = False
    ) -> Counts:
        """Write one file of verdicts for some files of rows, whole or not at all.

        Empty files give no rows with `some_empty`, else `EmptyDatasetError` is raised.
        """
        tally = _VerdictCounts(self._flagger, self._request)
        groups = [(file,) for file in files] if self._request.flags_only else [files]
        sink: Sink | None = None
        with replaced(out) as unfinished, ExitStack() as opened:
            for group in groups:
                try:
                    with self._open(group, form, out) as rows:
                        sink = sink or opened.enter_context(
                            closing(self._sink(unfinished, out, rows, group[0], form))
                        )
                        self._write_rows(sink, rows, group[0], tally)
                except EmptyDatasetError:
                    if not some_empty:
                        raise
            if sink is None:
                open_sink(unfinished, out, SCHEMA, _SIDE_CAR).close()
        return tally.counts()

    @property
    def new_verdicts(self) -> list[tuple[int, str, tuple[Verdict, ...]]]:
        """What was not in the database before (see `Flagger`)."""
        return self._flagger.new_verdicts

    @property
    def learned(self) -> tuple[str, dict[str, bytes]]:
        """What the next flagging in the same way can begin with, and what it is valid for."""
        return self._flagger.facts, self._flagger.learned()

    def _stays_lines(self, form: Format, out: Path) -> bool:
        """Whether lines of JSON are written with what they were read with."""
        return not self._request.flags_only and form is writable(out) is Format.JSONL

    def _open(
        self, files: tuple[Path, ...], form: Format, out: Path
    ) -> AbstractContextManager[Rows]:
        as_lines = self._stays_lines(form, out)
        url = self._request.url_column
        return open_rows(self._duck, files, form, url, self._scratch, as_lines=as_lines)

    def _sink(self, unfinished: Path, out: Path, rows: Rows, first: Path, form: Format) -> Sink:
        whole = not self._request.flags_only
        plain = [rows.schema.field(n) for n in _others(rows.schema)] if whole else list(_PLACE)
        about = (rows.schema.metadata or {}) if whole else {}
        schema = pa.schema([*plain, *SCHEMA], {**about, _METADATA: self.facts.encode()})
        layout = _SIDE_CAR
        if whole and form is Format.PARQUET:
            layout = layout_of(first, COLUMNS, _DESCRIBED)
        as_lines = self._stays_lines(form, out)
        return open_sink(unfinished, out, schema, layout, as_lines=as_lines)

    def _write_rows(self, sink: Sink, rows: Rows, file: Path, tally: "_VerdictCounts") -> None:
        numbers = (n for part in rows.parts for n in self._flagger.numbers(part))
        portions = _places(numbers, file) if self._request.flags_only else _whole(numbers, rows)
        for columns, found in portions:
            chosen = tally.select(found)
            self._bar.step(len(found))
            if chosen is not None:
                columns, found = [c.filter(chosen) for c in columns], found.filter(chosen)
            sink.write([*columns, *self._flagger.numbering.columns(found)])


class _VerdictCounts:
    """Counts rows while they pass, and tells which of them are to be written."""

    def __init__(self, flagger: Flagger, request: FlagRequest) -> None:
        self._numbering = flagger.numbering
        self._mask, self._unknown = request.mask, request.keep_unknown
        self._rows: Counter[int] = Counter()
        self._kept: Counter[int] = Counter()
        self._digest, self._position = hashlib.sha256(), 0

    def select(self, numbers: pa.Array) -> pa.Array | None:
        """Which rows are to be written, by the numbers of their verdicts; None for all."""
        _count(self._rows, numbers)
        if self._mask is None:
            return None
        reserved = pa.array(self._numbering.reserved(), pa.bool_()).take(numbers)
        keep = pc.fill_null(pc.invert(reserved), self._unknown)
        _count(self._kept, numbers.filter(keep))
        positions = pc.add(pc.cast(pc.indices_nonzero(keep), pa.int64()), self._position)
        self._digest.update(positions.buffers()[1] or b"")
        self._position += len(numbers)
        return keep if self._mask is Mask.KEEP else pc.invert(keep)

    def counts(self) -> Counts:
        """What was counted, by reason."""
        reasons = self._numbering.reasons()
        found = Counts(digest="" if self._mask is None else self._digest.hexdigest())
        for number, rows in self._rows.items():
            found.reasons[reasons[number]] += rows
        for number, rows in self._kept.items():
            found.kept_reasons[reasons[number]] += rows
        return found


def _count(counter: Counter[int], numbers: pa.Array) -> None:
    for found in pc.value_counts(numbers).to_pylist():
        counter[found["values"]] += found["counts"]


def _places(numbers: Iterable[pa.Array], file: Path) -> Iterator[_Portion]:
    """File and row number beside the verdicts, rows counted from 0."""
    name, at = pa.array([str(file)]), 0
    for found in numbers:
        size = len(found)
        files = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), size), name)
        yield [files, pa.arange(at, at + size)], found
        at += size


def _whole(numbers: Iterable[pa.Array], rows: Rows) -> Iterator[_Portion]:
    """The rows as they are beside the verdicts."""
    places = _others(rows.schema)
    waiting, given = pa.array([], pa.int32()), iter(numbers)
    for batch in rows:
        while len(waiting) < len(batch):
            waiting = pa.concat_arrays([waiting, next(given)])
        yield [batch.column(n) for n in places], waiting.slice(0, len(batch))
        waiting = waiting.slice(len(batch))


def _others(schema: pa.Schema) -> list[int]:
    """The columns of the dataset but for verdicts of an earlier flagging, which are replaced."""
    return [n for n, field in enumerate(schema) if field.name not in COLUMNS]


def _facts(evidence: str, request: FlagRequest) -> str:
    """What the verdicts come from, as JSON for the metadata of a file."""
    facts = {
        "tdm_audit": __version__,
        "rules": request.rules.label,
        "rules_sha256": hashlib.sha256(request.rules.text.encode()).hexdigest(),
        "purposes": list(request.purposes),
        "agent": request.agent,
        "url_column": request.url_column,
        "evidence": evidence,
        "mask": request.mask,
        "keep_unknown": request.keep_unknown,
        "flags_only": request.flags_only,
    }
    return json.dumps(facts, sort_keys=True)
