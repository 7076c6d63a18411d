"""Tables in DuckDB of the time lines of origins: their pieces, with patterns and verdicts.

They are the tables of `tables`, where a piece takes the place of an origin (see `as_of`).
"""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crawler.evaluate.as_of import AsOfVerdict
from crawler.flags.as_of import AsOfEvaluator
from crawler.flags.duck import insert_rows, run_sql
from crawler.flags.row_verdicts import DATED
from crawler.flags.tables import new_origins
from crawler.flags.verdict_ids import VerdictIds
from crawler.instants import DAY_MS, milliseconds
from crawler.store.verdict_cache import pattern_rows


def add_pieces(
    duck: duckdb.DuckDBPyConnection, evaluator: AsOfEvaluator, *, days: bool, times: bool
) -> bool:
    """Add the pieces for whole days, for times, or for both, unless they are there.

    Return whether any were added.
    """
    found = duck.execute("SELECT DISTINCT by_day FROM origin").fetchall()
    wanted = [by_day for by_day, is_wanted in ((True, days), (False, times)) if is_wanted]
    missing = [by_day for by_day in wanted if (by_day,) not in found]
    for by_day in missing:
        insert_rows(duck, "origin", _piece_rows(evaluator, by_day=by_day))
    return bool(missing)


def _piece_rows(evaluator: AsOfEvaluator, *, by_day: bool) -> Iterator[tuple[object, ...]]:
    for key, number, since in evaluator.pieces(days=by_day):
        depends_on_scheme = key.endswith((":80", ":443"))
        yield key, number, None, None, True, "", depends_on_scheme, False, by_day, since


def evaluate_new_pieces(
    duck: duckdb.DuckDBPyConnection, evaluator: AsOfEvaluator, ids: VerdictIds
) -> bool:
    """Evaluate the pieces that occur among the rows (step 5). Return whether there were any.

    Their patterns are those of all documents that the origin ever had.
    """
    duck.execute("DELETE FROM new_default")
    is_any = False
    for some in new_origins(duck):
        defaults, pages, patterns = [], [], []
        for number in some:
            found = evaluator.answers_in(number)
            numbers = [v and ids.add(v) for v in (found.default, found.host)]
            defaults.append((number, *numbers))
            pages += [(number, path, ids.add(verdict)) for path, verdict in found.pages.items()]
            if found.default is not None:
                patterns += [(number, *row) for row in pattern_rows(found.patterns)]
        insert_rows(duck, "new_default", defaults)
        insert_rows(duck, "page_verdict", pages)
        insert_rows(duck, "url_pattern", patterns)
        is_any = True
    run_sql(duck, "05_default_verdicts.sql")
    run_sql(duck, "05_new_prefixes.sql")
    return is_any


def with_times(
    told: pa.RecordBatch, moments: pa.Array, evaluator: AsOfEvaluator, ids: VerdictIds
) -> pa.RecordBatch:
    """Return verdicts of rows with their times and distances, in the columns `DATED`.

    `moments` are the numbers of their instants; rows without one get a verdict that says so.
    """
    numbers = _without_date(told["verdict"], moments, evaluator, ids)
    base = _milliseconds(ids.column("tdm_seen_before", numbers))
    first = pc.shift_right(moments, 1)
    # A look that goes on at that time may have shown it later.
    apart = pc.max_element_wise(pc.subtract(first, base), 0, skip_nulls=False)
    days = pc.round(pc.divide(apart.cast(pa.float64()), float(DAY_MS)), 4)
    shown = _as_text(first, pc.equal(pc.bit_wise_and(moments, 1), 1))
    others = [*told.columns[1:], shown, days]
    names = [*told.schema.names, *(field.name for field in DATED)]
    return pa.record_batch([numbers, *others], names=names)


def _milliseconds(times: pa.DictionaryArray) -> pa.Array:
    """Return times as milliseconds since 1970."""
    # The dictionary may have words of other columns.
    used = times.dictionary_decode().dictionary_encode()
    words = pa.array(map(milliseconds, used.dictionary.to_pylist()), pa.int64())
    return words.take(used.indices)


def _as_text(first: pa.Array, are_days: pa.Array) -> pa.Array:
    """Return instants as `instants.Instant` writes them; there are too many for Python."""
    times = first.cast(pa.timestamp("ms")).cast(pa.string())  # 2024-05-01 12:00:00.000
    days = pc.utf8_slice_codeunits(times, 0, 10)
    clocks = pc.utf8_slice_codeunits(times, 11)
    return pc.if_else(are_days, days, pc.binary_join_element_wise(days, "T", clocks, "Z", ""))


def _without_date(
    numbers: pa.Array, moments: pa.Array, evaluator: AsOfEvaluator, ids: VerdictIds
) -> pa.Array:
    """Return numbers of verdicts where rows without a time have those of such rows."""
    undated = pc.is_null(moments)
    if not pc.any(undated).as_py():
        return numbers
    old = pc.unique(numbers.filter(undated))
    verdicts = map(ids.verdict, old.to_pylist())
    new = [ids.add(evaluator.without_date(v)) for v in verdicts if isinstance(v, AsOfVerdict)]
    replaced = pa.array(new, pa.int32()).take(pc.index_in(numbers, old))
    return pc.if_else(undated, replaced, numbers)
