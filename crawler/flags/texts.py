"""Texts with numbers, of which there may be millions."""

import pyarrow as pa
import pyarrow.compute as pc

#: The number of None.
NONE = -1
# Numbers of texts that are remembered: equal ones are mostly added one soon after the other.
_MAX_REMEMBERED = 50_000
_TEXTS_OF_CHUNK = 20_000
# So many texts may be in the dictionary of any batch of rows.
_FEW = 1024


class Texts:
    """Texts, numbered from 0 in the order in which they were added.

    Equal texts have the same number, unless very many others were added in between.
    """

    def __init__(self) -> None:
        self._remembered: dict[str, int] = {}
        self._chunks: list[pa.Array] = []
        # Those that are in no chunk yet.
        self._new: list[str] = []
        self._in_chunks = 0
        self._words: tuple[pa.Array, pa.Array] | None = None

    def add(self, text: str | None) -> int:
        """Return the number of a text; `NONE` for None."""
        if text is None:
            return NONE
        number = self._remembered.get(text)
        if number is None:
            number = self._count
            self._new.append(text)
            if len(self._new) >= _TEXTS_OF_CHUNK:
                self._close_chunk()
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[text] = number
        return number

    def text(self, number: int) -> str | None:
        """Return a text by its number."""
        if number == NONE:
            return None
        return str(self._all()[number].as_py())

    def take(self, numbers: pa.Array) -> pa.Array:
        """Return the texts with these numbers, null for null, as a dictionary array."""
        if self._count <= max(_FEW, len(numbers) // 4):
            codes, words = self._as_words()
            return pa.DictionaryArray.from_arrays(codes.take(numbers), words)
        # Few rows, large dictionary: writers store all of it, so keep only the words used.
        used = pc.unique(numbers.drop_null())
        words = self._all().take(used).dictionary_encode()
        codes = words.indices.take(pc.index_in(numbers, used))
        return pa.DictionaryArray.from_arrays(codes, words.dictionary.cast(pa.string()))

    def table(self) -> pa.Table:
        """Return all texts in the order of their numbers, for `restore`."""
        return pa.table({"text": self._all()})

    def restore(self, table: pa.Table) -> None:
        """Replace all texts by those of a table."""
        self._remembered.clear()
        self._new.clear()
        self._words = None
        self._chunks = table["text"].chunks
        self._in_chunks = len(table)

    @property
    def _count(self) -> int:
        return self._in_chunks + len(self._new)

    def _as_words(self) -> tuple[pa.Array, pa.Array]:
        """Return the code of each text, and the words that codes stand for, each once."""
        # Two numbers may have equal texts, and a writer of Parquet reads codes as places of words
        # that are unlike.
        if self._words is None or len(self._words[0]) != self._count:
            encoded = self._all().dictionary_encode()
            self._words = encoded.indices, encoded.dictionary.cast(pa.string())
        return self._words

    def _close_chunk(self) -> None:
        self._chunks.append(pa.array(self._new, pa.large_string()))
        self._in_chunks += len(self._new)
        self._new.clear()

    def _all(self) -> pa.Array:
        """Return all texts as one array."""
        if self._new:
            self._close_chunk()
        if len(self._chunks) != 1:
            self._chunks = [pa.concat_arrays(self._chunks) if self._chunks else _NO_TEXTS]
        return self._chunks[0]


_NO_TEXTS = pa.array([], pa.large_string())
