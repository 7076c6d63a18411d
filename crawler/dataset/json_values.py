"""Split JSON documents into their values, as they are written, without holding a whole one."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from crawler.dataset.compression import CutOffError, Remains
from crawler.dataset.dialect import encoding_of

_PIECE = 1 << 20
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]')
_LINE_ENDS = str.maketrans("\r\n", "  ")


class _Text:
    """The text of a file from a place on that moves, read as it is needed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None
        self.text, self.at, self.is_whole = "", 0, False
        self.before = 0

    def more(self) -> bool:
        """Read on, dropping what lies behind. Return whether there was more."""
        if self.is_whole:
            return False
        octets = self._stream.read(max(_PIECE, len(self.text) - self.at))
        if self._decoder is None:
            # Octets that are not UTF-8 come out again as they were.
            kind = encoding_of(octets)
            errors = "surrogateescape" if kind == "utf-8-sig" else "replace"
            self._decoder = codecs.getincrementaldecoder(kind)(errors)
        self.is_whole = not octets
        self.before += self.at
        self.text = self.text[self.at :] + self._decoder.decode(octets, final=self.is_whole)
        self.at = 0
        return True

    def next_character(self) -> str:
        """Move to the next character that is no space or comma; empty at the end."""
        while True:
            self.at = _BETWEEN.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def value(self) -> str:
        """Return the text of the next value, and move behind it. Raise `CutOffError`."""
        while True:
            end = _end_of_value(self.text, self.at)
            if end is not None and (end < len(self.text) or self.is_whole):
                found, self.at = self.text[self.at : end], end
                return found
            if not self.more():
                raise CutOffError


def _end_of_value(text: str, start: int) -> int | None:
    """Return where a value ends; None if it does not end in this text."""
    try:
        return _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return _closing_bracket(text, start)


def _closing_bracket(text: str, start: int) -> int | None:
    """Return where the bracket at `start` is closed, whatever is between."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text, start):
        first = match[0][0]
        if match.start() == start and first not in "[{":
            return None
        depth += (first in "[{") - (first in "]}")
        if depth <= 0:
            return match.end() if match.start() > start else None
    return None


def write_values(path: Path, copy: Path) -> str:
    """Write each value of a document to a line of a copy, an object for each.

    Elements of an array are values. A text is an object with the member `url`; of arrays in an
    array, the first has the names of members. Return up to where the file was read if it is
    damaged or cut off, else an empty text.
    """
    with (
        io.BufferedReader(Remains(path)) as stream,
        copy.open("w", encoding="utf-8", errors="surrogateescape") as out,
    ):
        source, named = _Text(stream), _Named()
        try:
            for value in _values(source):
                if line := named.line(value):
                    out.write(f"{line}\n")
        except CutOffError:
            return f"character {source.before + source.at:,}"
    return ""


def _values(source: _Text) -> Iterator[str]:
    while first := source.next_character():
        if first != "[":
            yield source.value()
            continue
        source.at += 1
        while (following := source.next_character()) != "]":
            if not following:
                raise CutOffError
            yield source.value()
        source.at += 1


class _Named:
    """Makes objects of values that are none, where that is plain."""

    def __init__(self) -> None:
        self._names: list[str] | None = None

    def line(self, value: str) -> str:
        """Return a value as a line; empty for the names of the arrays that follow."""
        value = value.translate(_LINE_ENDS)
        if value.startswith('"'):
            return f'{{"url": {value}}}'
        if not value.startswith("["):
            return value
        try:
            cells = json.loads(value)
        except (ValueError, RecursionError):
            return value
        if self._names is None and all(isinstance(c, str) and "/" not in c for c in cells):
            self._names = cells
            return ""
        if not self._names:
            return value
        return json.dumps(dict(zip(self._names, cells, strict=False)), ensure_ascii=False)
