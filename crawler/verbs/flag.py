"""Flag: the dataset with a verdict for every row, in the same order."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from crawler.dataset.files import Format, locate
from crawler.dataset.rows import SINKS, Batches, Sink, open_rows
from crawler.errors import ExplainedError
from crawler.flags import COLUMNS, Flagger, Verdict
from crawler.progress import Bar
from crawler.publish.export import replaced
from crawler.rulesets import RuleSet
from crawler.vocab import Purpose, State

_VERDICT = pa.schema(
    [pa.field(c, pa.bool_() if c == "tdm_reserved" else pa.string()) for c in COLUMNS]
)
_PLACE = pa.schema([pa.field("file", pa.string()), pa.field("row_number", pa.int64())])


class FlagError(ExplainedError):
    """The rows cannot be flagged; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRequest:
    """Which rows to flag, for which purpose and agent, under which rules, and where to write."""

    datasets: tuple[str, ...]
    out: Path
    rules: RuleSet
    purpose: Purpose
    url_column: str | None = None
    agent: str | None = None
    flags_only: bool = False


def flag(db: sqlite3.Connection, request: FlagRequest, bar: Bar) -> dict[str, int]:
    """Write the flagged rows and count them by state; raises `FlagError`, `DatasetError` and
    `ExportError`. The file appears under its name only when it is complete.
    """
    files, form = locate(request.datasets)
    if request.out.suffix.lower() not in SINKS:
        raise FlagError(f"{request.out.name}: the suffix must be one of {', '.join(SINKS)}")
    if any(request.out.resolve() == file.resolve() for file in files):
        raise FlagError(f"{request.out} is the dataset itself; name another file with -o")
    flagger = Flagger(db, request.rules, request.purpose, request.agent)
    bar.begin("flagging rows", None)
    counts: Counter[str] = Counter()
    with replaced(request.out) as unfinished:
        kind = SINKS[request.out.suffix.lower()]
        _write(unfinished, kind, files, form, request, flagger, counts, bar)
    return {state: counts[state] for state in State}


def _write(
    out: Path,
    kind: type[Sink],
    files: tuple[Path, ...],
    form: Format,
    request: FlagRequest,
    flagger: Flagger,
    counts: Counter[str],
    bar: Bar,
) -> None:
    """Write all batches; side-cars file by file, since a row is numbered within its file."""
    sink: Sink | None = None
    groups = [(file,) for file in files] if request.flags_only else [files]
    try:
        for group in groups:
            with open_rows(group, form, request.url_column) as rows:
                schema = _PLACE if request.flags_only else _others(rows.schema)
                sink = sink or kind(out, _joined(schema))  # type: ignore[call-arg]
                for kept, verdicts in _judged(rows, flagger, group[0], request):
                    sink.write(
                        pa.RecordBatch.from_arrays(
                            kept + _columns(verdicts), schema=_joined(schema)
                        )
                    )
                    counts.update(v.state for v in verdicts)
                    bar.step(len(verdicts))
    finally:
        if sink is not None:
            sink.close()


def _judged(
    rows: Batches, flagger: Flagger, file: Path, request: FlagRequest
) -> Iterator[tuple[list[pa.Array], list[Verdict]]]:
    number = 0
    others = _others(rows.schema).names
    for batch in rows:
        urls = batch.column(rows.url).to_pylist()
        verdicts = [flagger.verdict(_text(url)) for url in urls]
        if request.flags_only:
            numbers = pa.array(range(number, number + len(urls)), pa.int64())
            yield [pa.array([str(file)] * len(urls), pa.string()), numbers], verdicts
        else:
            yield [batch.column(name) for name in others], verdicts
        number += len(urls)


def _text(url: object) -> str | None:
    if isinstance(url, bytes):
        return url.decode("utf-8", "replace")
    return None if url is None else str(url)


def _columns(verdicts: list[Verdict]) -> list[pa.Array]:
    return [
        pa.array(values, field.type)
        for values, field in zip(zip(*verdicts, strict=True), _VERDICT, strict=True)
    ]


def _others(schema: pa.Schema) -> pa.Schema:
    """The columns of the dataset but for verdicts of an earlier flagging, which are replaced."""
    return pa.schema([f for f in schema if f.name not in COLUMNS], metadata=schema.metadata)


def _joined(schema: pa.Schema) -> pa.Schema:
    return pa.schema([*schema, *_VERDICT], metadata=schema.metadata)
