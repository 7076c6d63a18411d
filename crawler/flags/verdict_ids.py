"""Numbers for verdicts: rows carry a number, files get the columns that belong to it."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from crawler.evaluate.as_of import AsOfVerdict
from crawler.evaluate.url_verdicts import Verdict
from crawler.instants import milliseconds

# Types of columns that are no texts.
_PLAIN = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
COLUMNS = tuple(f"tdm_{name}" for name in Verdict._fields)
_OF_TIMES = get_type_hints(AsOfVerdict)
_OF_TIMES.pop("verdict")


def _kind(hint: Any) -> pa.DataType:
    """Return the type of a column for the type of a field, which may allow None."""
    plain = {hint, *get_args(hint)} & _PLAIN.keys()
    return _PLAIN[plain.pop()] if plain else pa.string()


#: The columns with the types that readers see. Texts may be dictionary-encoded in a file.
SCHEMA = pa.schema([(f"tdm_{n}", _kind(hint)) for n, hint in get_type_hints(Verdict).items()])


#: The columns of verdicts for a time in the past.
AS_OF_SCHEMA = pa.schema([*SCHEMA, *((f"tdm_{n}", _kind(hint)) for n, hint in _OF_TIMES.items())])


class VerdictIds:
    """Distinct verdicts, numbered from 0 in the order in which they were added.

    They are `AsOfVerdict`s if `as_of`, else `Verdict`s; `schema` has their columns.
    """

    def __init__(self, *, as_of: bool = False) -> None:
        self.schema = AS_OF_SCHEMA if as_of else SCHEMA
        self._as_of = as_of
        self._ids: dict[Verdict | AsOfVerdict, int] = {}
        # For each column its codes by number, and its dictionary (see `_encoded`).
        self._columns: list[tuple[pa.Array, pa.Array | None]] = []

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, verdict: Verdict | AsOfVerdict) -> int:
        """Return the number of a verdict; a new one gets the next number."""
        return self._ids.setdefault(verdict, len(self._ids))

    def reasons(self) -> list[tuple[str, str]]:
        """Return state and basis (empty for None) of each verdict, in the order of numbers."""
        return [(verdict.state, verdict.basis or "") for verdict in self._ids]

    def states(self) -> list[str]:
        """Return the state of each verdict, in the order of numbers."""
        return [verdict.state for verdict in self._ids]

    def reserved(self) -> list[bool | None]:
        """Return `tdm_reserved` of each verdict, in the order of numbers."""
        return [verdict.reserved for verdict in self._ids]

    def as_of(self) -> list[AsOfVerdict]:
        """Return the verdicts for times in the past, in the order of numbers."""
        return [verdict for verdict in self._ids if isinstance(verdict, AsOfVerdict)]

    def distances_from(self) -> list[int | None]:
        """Return the millisecond that distances of each verdict are counted from."""
        seen = (verdict.seen_before for verdict in self.as_of())
        return [None if time is None else milliseconds(time) for time in seen]

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the values of each verdict in the order of `schema`."""
        for verdict in self._ids:
            if isinstance(verdict, AsOfVerdict):
                yield *verdict.verdict, *verdict[1:]
            else:
                yield verdict

    def table(self) -> pa.Table:
        """Return all verdicts under `schema`, in the order of numbers, for `restore`."""
        columns = zip(*self._rows(), strict=True)
        pairs = zip(columns, self.schema, strict=True)
        return pa.table([pa.array(c, field.type) for c, field in pairs], schema=self.schema)

    def restore(self, table: pa.Table) -> None:
        """Replace all verdicts by those of a `table`."""
        columns = [column.to_pylist() for column in table.columns]
        verdicts = list(map(Verdict, *columns[: len(COLUMNS)]))
        if self._as_of:
            dated = map(AsOfVerdict, verdicts, *columns[len(COLUMNS) :])
            self._ids = {verdict: number for number, verdict in enumerate(dated)}
        else:
            self._ids = {verdict: number for number, verdict in enumerate(verdicts)}

    def columns(self, ids: pa.Array) -> list[pa.Array]:
        """Return the columns for rows with these numbers; texts are dictionary-encoded."""
        # Verdicts are only added, so the same count means the same verdicts.
        if not self._columns or len(self._columns[0][0]) != len(self._ids):
            pairs = zip(self.schema, zip(*self._rows(), strict=True), strict=True)
            self._columns = [_encoded(field.type, values) for field, values in pairs]
        return [_take(codes, words, ids) for codes, words in self._columns]


def _encoded(kind: pa.DataType, values: Sequence[Any]) -> tuple[pa.Array, pa.Array | None]:
    """Return dictionary codes and the dictionary; for other types the values, and None."""
    array = pa.array(values, kind)
    if not pa.types.is_string(kind):
        return array, None
    encoded = array.dictionary_encode()
    return encoded.indices, encoded.dictionary


def _take(codes: pa.Array, words: pa.Array | None, ids: pa.Array) -> pa.Array:
    taken = codes.take(ids)
    if words is None:
        return taken
    if len(words) > 1024 and len(words) * 4 > len(ids):
        # Few rows, large dictionary: writers store all of it, so keep only the words used.
        used = pc.unique(taken.drop_null())
        taken, words = pc.index_in(taken, used), words.take(used)
    return pa.DictionaryArray.from_arrays(taken, words)
