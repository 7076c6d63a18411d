"""Tables in DuckDB of the origins, URL patterns and verdicts that a database holds.

Rules for editors: `export_state` stores the tables of `_CACHED_TABLES` in the database, by name and
with columns by position. Whoever changes a name or a column changes `LAYOUT` with it, so that
nothing that was stored before is restored.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from crawler.evaluate.url_verdicts import MAX_PATTERNS, ORIGIN, PAGE
from crawler.flags.duck import batches, insert_rows, insert_table, run_sql
from crawler.flags.reference import ReferenceEvaluator
from crawler.flags.verdict_ids import VerdictIds
from crawler.store import verdict_cache
from crawler.store.evidence_reader import origins_waiting
from crawler.vocab import Purpose

#: Version of the names and columns of what `export_state` returns; part of the cache key.
LAYOUT = 5
_CACHED_TABLES = (
    "origin",
    "url_pattern",
    "per_path_origin",
    "page_verdict",
    "pattern_set_verdict",
)
_ROWS_OF_BATCH = 100_000


def preload(
    duck: duckdb.DuckDBPyConnection,
    db: sqlite3.Connection,
    evaluator: ReferenceEvaluator,
    ids: VerdictIds,
) -> None:
    """Create the tables of steps 1 to 3 (see `flagger`) and fill them from an audit database.

    Adds the stored verdicts to `ids`.
    """
    run_sql(duck, "01_tables.sql")
    run_sql(duck, "02_staging.sql")
    wanted = (evaluator.rules.label, evaluator.agent, evaluator.purposes)
    insert_rows(duck, "other_verdict", _other_verdicts(db, evaluator, ids, wanted))
    insert_rows(duck, "reading_patterns", verdict_cache.url_patterns(db))
    insert_rows(duck, "origin_reading", verdict_cache.readings_of_origins(db))
    insert_rows(duck, "waiting_origin", ((origin,) for origin in origins_waiting(db)))
    stored = verdict_cache.origin_verdicts(db, *wanted)
    rows = ((s.key, s.origin, _default_id(s, evaluator, ids)) for s in stored)
    insert_rows(duck, "stored_origin", rows)
    duck.execute("SET VARIABLE max_patterns = ?", [MAX_PATTERNS])
    run_sql(duck, "03_known_origins.sql")


def _other_verdicts(
    db: sqlite3.Connection,
    evaluator: ReferenceEvaluator,
    ids: VerdictIds,
    wanted: tuple[str, str | None, Sequence[Purpose]],
) -> Iterator[tuple[int, str | None, str | None, int]]:
    """Yield the stored verdicts that are no defaults as rows of `other_verdict`."""
    for origin, pattern_set, verdicts in verdict_cache.exceptional_verdicts(db, *wanted):
        number = ids.add(evaluator.combine(verdicts))
        if pattern_set == ORIGIN:
            yield origin, None, None, number
        elif pattern_set.startswith(PAGE):
            yield origin, pattern_set.removeprefix(PAGE), None, number
        else:
            yield origin, None, pattern_set, number


def _default_id(
    stored: verdict_cache.OriginVerdicts, evaluator: ReferenceEvaluator, ids: VerdictIds
) -> int | None:
    """Return the number of the default verdict of an origin; None if it is not evaluated yet."""
    if stored.usual:
        return ids.add(evaluator.combine(stored.usual))
    return None if stored.visited else ids.add(evaluator.never_asked())


def new_origins(duck: duckdb.DuckDBPyConnection) -> Iterator[list[int]]:
    """Yield the origins that occur among the rows and have no stored verdicts, by number.

    They come in lists of at most `duck.BATCH_ROWS`, which `ReferenceEvaluator.read_ahead` takes.
    """
    query = (
        "SELECT DISTINCT origin FROM origin WHERE NOT is_evaluated "
        "AND origin IN (SELECT origin FROM row_origin UNION SELECT origin FROM host_of_row) "
        "ORDER BY origin"
    )
    for rows in batches(duck, query):
        yield [origin for (origin,) in rows]


def evaluate_new_origins(
    duck: duckdb.DuckDBPyConnection, evaluator: ReferenceEvaluator, ids: VerdictIds
) -> None:
    """Evaluate the verdicts of the origins that occur among the rows (step 5).

    Only origins without stored verdicts are evaluated.
    """
    duck.execute("DELETE FROM new_default")
    for some in new_origins(duck):
        defaults, pages = [], []
        evaluator.read_ahead(some)
        for origin in some:
            found = evaluator.verdicts_of_origin(origin)
            numbers = [v and ids.add(v) for v in (found.default, found.host)]
            defaults.append((origin, *numbers))
            pages += [(origin, path, ids.add(verdict)) for path, verdict in found.pages.items()]
        insert_rows(duck, "new_default", defaults)
        insert_rows(duck, "page_verdict", pages)
    run_sql(duck, "05_default_verdicts.sql")


def export_state(duck: duckdb.DuckDBPyConnection, ids: VerdictIds) -> dict[str, bytes]:
    """Return the cached tables and the verdicts, by name, as Arrow streams for `restore_state`."""
    state = {
        name: _encode(duck.table(name).to_arrow_reader(_ROWS_OF_BATCH)) for name in _CACHED_TABLES
    }
    return state | {name: _encode(table.to_reader()) for name, table in ids.export().items()}


def restore_state(
    duck: duckdb.DuckDBPyConnection, state: Mapping[str, bytes], ids: VerdictIds
) -> None:
    """Create the tables from what `export_state` returned, instead of `preload`."""
    run_sql(duck, "01_tables.sql")
    for name in _CACHED_TABLES:
        with pa.ipc.open_stream(state[name]) as reader:
            insert_table(duck, name, reader)
    of_verdicts = state.keys() - set(_CACHED_TABLES)
    ids.restore({name: pa.ipc.open_stream(state[name]).read_all() for name in of_verdicts})


def _encode(rows: pa.RecordBatchReader) -> bytes:
    # Batch by batch: of millions of origins whole tables would take more than the limit of DuckDB.
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        for batch in rows:
            writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())
