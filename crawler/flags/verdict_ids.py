"""Numbers for verdicts: rows carry a number, files get the columns that belong to it.

Rules for editors: millions of origins have a verdict each, and most of these differ from others in
times and policies alone. So a verdict is kept as the number of its *kind*, which is the verdict
without these, and the numbers of the texts: some 20 octets, where the object would take 500.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from crawler.evaluate.as_of import AsOfVerdict
from crawler.evaluate.url_verdicts import Verdict
from crawler.flags.texts import NONE, Texts

# Types of columns that are no texts.
_PLAIN = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
COLUMNS = tuple(f"tdm_{name}" for name in Verdict._fields)
_OF_TIMES = get_type_hints(AsOfVerdict)
_OF_TIMES.pop("verdict")
# The columns that are an origin's own.
_OWN = {f"tdm_{n}" for n in ("policy_url", "observed_at", "last_looked_at")}
_OWN |= {"tdm_seen_before", "tdm_seen_after"}
# Numbers of verdicts that are remembered: equal ones are mostly added one soon after the other.
_MAX_REMEMBERED = 50_000
_ROWS_AT_ONCE = 20_000


def _kind(hint: Any) -> pa.DataType:
    """Return the type of a column for the type of a field, which may allow None."""
    plain = {hint, *get_args(hint)} & _PLAIN.keys()
    return _PLAIN[plain.pop()] if plain else pa.string()


#: The columns with the types that readers see. Texts may be dictionary-encoded in a file.
SCHEMA = pa.schema([(f"tdm_{n}", _kind(hint)) for n, hint in get_type_hints(Verdict).items()])


#: The columns of verdicts for a time in the past.
AS_OF_SCHEMA = pa.schema([*SCHEMA, *((f"tdm_{n}", _kind(hint)) for n, hint in _OF_TIMES.items())])


class VerdictIds:
    """Verdicts, numbered from 0 in the order in which they were added.

    They are `AsOfVerdict`s if `as_of`, else `Verdict`s; `schema` has their columns.
    Equal verdicts have the same number, unless very many others were added in between.
    """

    def __init__(self, *, as_of: bool = False) -> None:
        self.schema = AS_OF_SCHEMA if as_of else SCHEMA
        self._as_of = as_of
        self._own = [n for n, name in enumerate(self.schema.names) if name in _OWN]
        # Kinds by their values, in the order of their numbers.
        self._kinds: dict[tuple[Any, ...], int] = {}
        self._texts = Texts()
        # For each verdict the number of its kind, and of each of its own texts.
        self._numbers = [array("i") for _ in range(1 + len(self._own))]
        self._remembered: dict[tuple[int, ...], int] = {}
        self._kind_columns: list[tuple[pa.Array, pa.Array | None]] = []
        self._number_columns: list[pa.Array] = []

    def __len__(self) -> int:
        return len(self._numbers[0])

    def add(self, verdict: Verdict | AsOfVerdict) -> int:
        """Return the number of a verdict; a new one gets the next number."""
        values = list(_values(verdict))
        own = [self._texts.add(values[n]) for n in self._own]
        for n in self._own:
            values[n] = None
        numbers = (self._kinds.setdefault(tuple(values), len(self._kinds)), *own)
        number = self._remembered.get(numbers)
        if number is None:
            number = len(self)
            for column, value in zip(self._numbers, numbers, strict=True):
                column.append(value)
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[numbers] = number
        return number

    def verdict(self, number: int) -> Verdict | AsOfVerdict:
        """Return a verdict by its number."""
        kind, *own = (column[number] for column in self._numbers)
        values = list(next(islice(self._kinds, kind, None)))
        for n, text in zip(self._own, own, strict=True):
            values[n] = self._texts.text(text)
        return self._verdict(values)

    @property
    def kinds(self) -> list[Verdict | AsOfVerdict]:
        """Verdicts without what is an origin's own (times and policies), in the order of kinds."""
        return list(map(self._verdict, self._kinds))

    def kinds_of(self, ids: pa.Array) -> pa.Array:
        """Return the numbers of the kinds of verdicts with these numbers."""
        return self._columns_of_numbers()[0].take(ids)

    def columns(self, ids: pa.Array) -> list[pa.Array]:
        """Return the columns for rows with these numbers; texts are dictionary-encoded."""
        kinds = self.kinds_of(ids)
        return [self._column(n, ids, kinds) for n in range(len(self.schema))]

    def column(self, name: str, ids: pa.Array) -> pa.Array:
        """Return one of the columns."""
        return self._column(self.schema.get_field_index(name), ids, self.kinds_of(ids))

    def _column(self, n: int, ids: pa.Array, kinds: pa.Array) -> pa.Array:
        if n in self._own:
            numbers = self._columns_of_numbers()[1 + self._own.index(n)]
            return self._texts.take(numbers.take(ids))
        codes, words = self._columns_of_kinds()[n]
        taken = codes.take(kinds)
        return taken if words is None else pa.DictionaryArray.from_arrays(taken, words)

    def table(self) -> pa.Table:
        """Return all verdicts under `schema`, in the order of numbers."""
        columns = self.columns(pa.arange(0, len(self)))
        return pa.table(columns, names=self.schema.names).cast(self.schema)

    def export(self) -> dict[str, pa.Table]:
        """Return all verdicts as tables by name, for `restore`."""
        columns = self._columns_of_numbers()
        pairs = zip(self._values_of_kinds(), self.schema, strict=True)
        return {
            "verdict": pa.table(columns, names=[str(n) for n in range(len(columns))]),
            "verdict_kind": pa.table([pa.array(v, f.type) for v, f in pairs], schema=self.schema),
            "verdict_text": self._texts.table(),
        }

    def restore(self, tables: Mapping[str, pa.Table]) -> None:
        """Replace all verdicts by those that `export` returned."""
        rows = tables["verdict_kind"].to_pylist()
        self._kinds = {tuple(row.values()): number for number, row in enumerate(rows)}
        self._texts.restore(tables["verdict_text"])
        self._numbers = [_as_numbers(column) for column in tables["verdict"].columns]
        self._remembered.clear()
        self._kind_columns, self._number_columns = [], []

    def _verdict(self, values: Sequence[Any]) -> Verdict | AsOfVerdict:
        verdict = Verdict(*values[: len(COLUMNS)])
        return AsOfVerdict(verdict, *values[len(COLUMNS) :]) if self._as_of else verdict

    def _values_of_kinds(self) -> list[tuple[Any, ...]]:
        """Return the values of all kinds, by column."""
        return list(zip(*self._kinds, strict=True)) or [()] * len(self.schema)

    def _columns_of_kinds(self) -> list[tuple[pa.Array, pa.Array | None]]:
        """Return for each column its codes by kind, and its dictionary (see `_encoded`)."""
        # Kinds are only added, so the same count means the same kinds.
        if not self._kind_columns or len(self._kind_columns[0][0]) != len(self._kinds):
            pairs = zip(self.schema, self._values_of_kinds(), strict=True)
            self._kind_columns = [_encoded(field.type, values) for field, values in pairs]
        return self._kind_columns

    def _columns_of_numbers(self) -> list[pa.Array]:
        if not self._number_columns or len(self._number_columns[0]) != len(self):
            self._number_columns = list(map(_as_arrow, self._numbers))
        return self._number_columns


def _values(verdict: Verdict | AsOfVerdict) -> Iterator[Any]:
    """Yield the values of a verdict in the order of `schema`."""
    if isinstance(verdict, AsOfVerdict):
        yield from verdict.verdict
        yield from verdict[1:]
    else:
        yield from verdict


def _as_arrow(numbers: "array[int]") -> pa.Array:
    """Return numbers as an array in which `NONE` is null."""
    # An array that Arrow looks into cannot grow, so it is copied.
    content = pa.py_buffer(numbers.tobytes())
    found = pa.Array.from_buffers(pa.int32(), len(numbers), [None, content])
    return pc.if_else(pc.equal(found, NONE), pa.scalar(None, pa.int32()), found)


def _as_numbers(column: pa.ChunkedArray) -> "array[int]":
    """Return the numbers of `_as_arrow`."""
    found = array("i")
    for chunk in column.chunks:
        for start in range(0, len(chunk), _ROWS_AT_ONCE):
            found.extend(chunk.slice(start, _ROWS_AT_ONCE).fill_null(NONE).to_pylist())
    return found


def _encoded(kind: pa.DataType, values: Iterable[Any]) -> tuple[pa.Array, pa.Array | None]:
    """Return dictionary codes and the dictionary; for other types the values, and None."""
    found = pa.array(values, kind)
    if not pa.types.is_string(kind):
        return found, None
    encoded = found.dictionary_encode()
    return encoded.indices, encoded.dictionary
