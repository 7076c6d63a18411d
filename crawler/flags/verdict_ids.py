"""Verdicts by number: rows carry the number, files get columns with the words."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crawler.evaluate.url_verdicts import Verdict

COLUMNS = tuple(f"tdm_{name}" for name in Verdict._fields)
#: The columns as readers see them; texts are written as dictionaries, of which there are few.
SCHEMA = pa.schema(
    [pa.field(c, pa.bool_() if c == "tdm_reserved" else pa.string()) for c in COLUMNS]
)


class VerdictIds:
    """Distinct verdicts, numbered from 0 in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[Verdict, int] = {}
        self._columns: list[tuple[pa.Array, pa.Array]] = []

    def number(self, verdict: Verdict) -> int:
        """The number of a verdict."""
        return self._numbers.setdefault(verdict, len(self._numbers))

    def reasons(self) -> list[tuple[str, str]]:
        """The state and the basis of each verdict by its number."""
        return [(verdict.state, verdict.basis or "") for verdict in self._numbers]

    def reserved(self) -> list[bool | None]:
        """Whether each verdict reserves, by its number."""
        return [verdict.reserved for verdict in self._numbers]

    def table(self) -> pa.Table:
        """All verdicts in the order of their numbers."""
        columns = zip(*self._numbers, strict=True)
        pairs = zip(columns, SCHEMA, strict=True)
        return pa.table([pa.array(c, field.type) for c, field in pairs], schema=SCHEMA)

    def restore(self, table: pa.Table) -> None:
        """Take over the verdicts of a `table` in place of those that were numbered."""
        columns = [column.to_pylist() for column in table.columns]
        verdicts = map(Verdict, *columns)
        self._numbers = {verdict: number for number, verdict in enumerate(verdicts)}

    def columns(self, numbers: pa.Array) -> list[pa.Array]:
        """The seven columns for rows that carry these numbers."""
        if not self._columns or len(self._columns[0][0]) != len(self._numbers):
            pairs = zip(SCHEMA, zip(*self._numbers, strict=True), strict=True)
            self._columns = [_column(field.type, values) for field, values in pairs]
        return [_taken(codes, words, numbers) for codes, words in self._columns]


def _column(kind: pa.DataType, values: Sequence[Any]) -> tuple[pa.Array, pa.Array]:
    """What verdicts say in one column, as codes and distinct words; booleans as they are."""
    array = pa.array(values, kind)
    if pa.types.is_boolean(kind):
        return array, pa.array([], pa.string())
    encoded = array.dictionary_encode()
    return encoded.indices, encoded.dictionary


def _taken(codes: pa.Array, words: pa.Array, numbers: pa.Array) -> pa.Array:
    taken = codes.take(numbers)
    if pa.types.is_boolean(codes.type):
        return taken
    if len(words) > 1024 and len(words) * 4 > len(numbers):
        # Few rows of many words: no more words than those rows use.
        used = pc.unique(taken.drop_null())
        taken, words = pc.index_in(taken, used), words.take(used)
    return pa.DictionaryArray.from_arrays(taken, words)
