"""Verdicts on rows with several URLs, in lists or in columns with roles: columns and SQL for them.

Rules for editors: `evaluate.url_verdicts.row_verdict` is the definition; tests/flags compares them.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crawler.dataset.columns import TEXTS_PER_LIST, TEXTS_PER_ROW, UrlColumns
from crawler.flags.duck import run_sql
from crawler.flags.verdict_ids import AS_OF_SCHEMA, VerdictIds
from crawler.vocab import State, row_rank

_DECIDED_BY = pa.field("tdm_decided_by", pa.string())
_URLS = pa.field("tdm_urls", pa.int32())
# In the order of strictness, which is that of the ranks in SQL.
_STATES = sorted(State, key=row_rank)
#: The time that a row is asked about, and how many days before it the look was.
DATED = (pa.field("tdm_as_of", pa.string()), pa.field("tdm_distance_days", pa.float64()))
_OF_STATES = {state: pa.field(f"tdm_urls_{state}", pa.int32()) for state in State}

#: The names of all columns that a flag may have, of an earlier run, too.
ALL_COLUMNS = tuple(
    field.name for field in (*AS_OF_SCHEMA, _DECIDED_BY, _URLS, *_OF_STATES.values(), *DATED)
)


def row_fields(urls: UrlColumns) -> list[pa.Field]:
    """Return the columns other than those of a verdict; none for a plain column without times."""
    dated = [] if urls.times is None else DATED
    if urls.is_plain:
        return [*dated]
    decided_by = [_DECIDED_BY] if urls.roles else []
    return [*decided_by, _URLS, *_OF_STATES.values(), *dated]


def row_verdicts(
    duck: duckdb.DuckDBPyConnection, ids: VerdictIds, roles: Sequence[str]
) -> pa.RecordBatch:
    """Return number of the verdict and columns of `row_fields` of each row, in row order.

    Those for times are left out.

    Steps 4 to 9 must have run for a query whose `n` is as `columns.TEXTS_PER_ROW` says.
    """
    ranks = {state: rank for rank, state in enumerate(_STATES)}
    verdicts = pa.arange(0, len(ids))
    of_kinds = pa.array([ranks[State(kind.state)] for kind in ids.kinds], pa.int64())
    numbers = of_kinds.take(ids.kinds_of(verdicts))
    duck.register("verdict_rank", pa.table({"verdict": verdicts, "rank": numbers}))
    duck.execute("SET VARIABLE texts_per_row = ?", [TEXTS_PER_ROW])
    run_sql(duck, "10_row_verdicts.sql")
    rows = duck.sql("FROM verdict_of_row ORDER BY row").to_arrow_table().combine_chunks()
    duck.unregister("verdict_rank")
    fields = [pa.field("verdict", pa.int32())]
    columns = [rows["verdict"].combine_chunks()]
    if roles:
        fields.append(_DECIDED_BY)
        columns.append(_role(rows["place"].combine_chunks(), roles))
    fields += [_URLS, *_OF_STATES.values()]
    columns.append(rows["urls"].combine_chunks())
    columns += [rows[f"rank_{ranks[state]}"].combine_chunks() for state in State]
    return pa.RecordBatch.from_arrays(columns, schema=_schema(fields, columns))


def _schema(fields: Sequence[pa.Field], columns: Sequence[pa.Array]) -> pa.Schema:
    pairs = zip(fields, columns, strict=True)
    return pa.schema([field.with_type(column.type) for field, column in pairs])


def _role(places: pa.Array, roles: Sequence[str]) -> pa.Array:
    """Return the role of the text that decided, null for a row without texts."""
    numbers = pc.divide(places, TEXTS_PER_LIST).cast(pa.int32())
    decided = pc.if_else(pc.equal(places, 0), pa.scalar(None, pa.int32()), numbers)
    return pa.DictionaryArray.from_arrays(decided, pa.array(roles, pa.string()))
