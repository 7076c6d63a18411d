"""Results of SQL for each row, in the order of the rows."""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crawler.dataset.columns import TEXTS_PER_ROW


def verdict_numbers(duck: duckdb.DuckDBPyConnection) -> pa.Array:
    """Return the number of the verdict of each row, for rows with one text."""
    defaults = duck.sql("SELECT n, coalesce(verdict, 0) AS verdict FROM row_origin")
    others = duck.sql("SELECT n, verdict FROM row_verdict").to_arrow_table()
    default_rows = defaults.to_arrow_table()
    if not len(default_rows):
        return pa.array([], pa.int32())
    first, last = pc.min(default_rows["n"]), len(default_rows) - 1
    by_default = _scattered(default_rows, "verdict", first, last)
    return pc.coalesce(_scattered(others, "verdict", first, last), by_default)


def moments(duck: duckdb.DuckDBPyConnection, *, is_plain: bool) -> pa.Array:
    """Return the number of the instant of each row; `is_plain` where a row has one text."""
    if not is_plain:
        rows = duck.sql(
            f"SELECT n // {TEXTS_PER_ROW} AS row, any_value(moment) AS moment FROM row_origin "  # noqa: S608 - a number
            "GROUP BY row ORDER BY row"
        )
        return rows.to_arrow_table()["moment"].combine_chunks()
    rows = duck.sql("SELECT n, moment FROM row_origin").to_arrow_table()
    if not len(rows):
        return pa.array([], pa.int64())
    return _scattered(rows, "moment", pc.min(rows["n"]), len(rows) - 1)


def _scattered(rows: pa.Table, name: str, first: pa.Scalar, last: int) -> pa.Array:
    # `n` is consecutive, so rows are scattered to their places: cheaper than an ORDER BY.
    places = pc.subtract(rows["n"], first).combine_chunks()
    return pc.scatter(rows[name].combine_chunks(), places, max_index=last)
