"""What the database knows beforehand about the origins that rows may come from."""

import sqlite3
from collections.abc import Mapping

import duckdb
import pyarrow as pa

from crawler.evaluate.url_verdicts import MAX_PATTERNS, PAGE
from crawler.flags.duck import add, insert, run
from crawler.flags.reference import ReferenceEvaluator
from crawler.flags.verdict_ids import VerdictIds
from crawler.store import verdict_cache

# What a flagging goes on with, but for verdicts.
_TABLES = ("origin", "shape", "too_many", "page", "combination")
_VERDICTS = "verdict"


def load(
    duck: duckdb.DuckDBPyConnection,
    db: sqlite3.Connection,
    bench: ReferenceEvaluator,
    numbers: VerdictIds,
) -> None:
    """Make the tables of beforehand.sql and fill them from the database."""
    run(duck, "beforehand.sql")
    run(duck, "loading.sql")
    asked = (bench.rules.label, bench.agent, bench.purposes)
    pages, combinations = [], []
    for origin, what, found in verdict_cache.exceptional_verdicts(db, *asked):
        number = numbers.number(bench.of(found))
        if what.startswith(PAGE):
            pages.append((origin, what.removeprefix(PAGE), number))
        else:
            combinations.append((origin, what, number))
    insert(duck, "page", pages)
    insert(duck, "combination", combinations)
    insert(duck, "document", verdict_cache.url_patterns(db))
    insert(duck, "told_by", verdict_cache.readings_of_origins(db))
    known = verdict_cache.origin_verdicts(db, *asked)
    insert(duck, "known", [(k.key, k.origin, _usual(k, bench, numbers)) for k in known])
    duck.execute("SET VARIABLE most_shapes = ?", [MAX_PATTERNS])
    run(duck, "loaded.sql")


def _usual(
    known: verdict_cache.OriginVerdicts, bench: ReferenceEvaluator, numbers: VerdictIds
) -> int | None:
    """The number of the usual verdict of an origin; None where it is still to be worked out."""
    if known.usual:
        return numbers.number(bench.of(known.usual))
    return None if known.visited else numbers.number(bench.never_asked())


def prepare(
    duck: duckdb.DuckDBPyConnection, bench: ReferenceEvaluator, numbers: VerdictIds
) -> None:
    """Work out what was not worked out before, for the origins that occur among the rows.

    Where an origin has no usual verdict, each path of it is judged for itself.
    """
    unready = duck.execute(
        "SELECT origin FROM origin WHERE NOT ready AND (origin IN (SELECT origin FROM located) "
        "OR key IN (SELECT key FROM named)) ORDER BY origin"
    ).fetchall()
    usual, pages = [], []
    for (origin,) in unready:
        verdict, own = bench.outlook(origin)
        usual.append((origin, None if verdict is None else numbers.number(verdict)))
        pages += [(origin, path, numbers.number(found)) for path, found in own.items()]
    duck.execute("DELETE FROM usual")
    insert(duck, "usual", usual)
    insert(duck, "page", pages)
    run(duck, "prepared.sql")


def kept(duck: duckdb.DuckDBPyConnection, numbers: VerdictIds) -> dict[str, bytes]:
    """Everything that is known now, as tables of Arrow, for `restore`."""
    tables = {name: duck.table(name).to_arrow_table() for name in _TABLES}
    return {name: _packed(table) for name, table in (*tables.items(), (_VERDICTS, numbers.table()))}


def restore(
    duck: duckdb.DuckDBPyConnection, tables: Mapping[str, bytes], numbers: VerdictIds
) -> None:
    """Take over what `kept` gave, in place of `load`."""
    run(duck, "beforehand.sql")
    for name in _TABLES:
        add(duck, name, _unpacked(tables[name]))
    numbers.restore(_unpacked(tables[_VERDICTS]))


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _unpacked(content: bytes) -> pa.Table:
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()
