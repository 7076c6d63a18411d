"""JSON with places: read strictly, element by element, so that each keeps its line.

Duplicate names, faults and the encoding stay visible, and no input raises.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from crawler.model import Document, Issue

_EXCERPT, _ISSUES = 200, 200
_BLANK = re.compile(r"[ \t\r\n]*+")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def clean(text: str) -> str:
    """Text that can be stored: lone surrogates, which UTF-8 cannot hold, become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def excerpt(text: str) -> str:
    """The beginning of a text on one line, at most 200 characters."""
    return clean(" ".join(text[: 4 * _EXCERPT].split()))[:_EXCERPT]


def capped(issues: list[Issue], family: str) -> tuple[Issue, ...]:
    """The issues of a reading, so many that a hostile file cannot flood the table."""
    if len(issues) <= _ISSUES:
        return tuple(issues)
    rest = Issue(code=f"{family}.more_issues", excerpt=f"{len(issues) - _ISSUES} more")
    return (*issues[:_ISSUES], rest)


@dataclass(frozen=True, slots=True)
class Object:
    """A JSON object with its members in order, double ones included."""

    members: tuple[tuple[str, object], ...]

    def all(self, name: str) -> list[object]:
        """Every value given to a name, in order."""
        return [value for key, value in self.members if key == name]

    def get(self, name: str) -> object:
        """The last value given to a name, as most readers take it; None without one."""
        return next(iter(reversed(self.all(name))), None)


class Item(NamedTuple):
    """A JSON value with the line it starts on and its source text."""

    value: object
    line: int
    raw: str


class Json(NamedTuple):
    """A JSON text: the elements of its array, or its one value.

    `fault` is the first thing wrong with it. `items` are what could be read whole despite
    it, and empty when the text breaks off: a prefix of a document is not the document.
    """

    array: bool
    items: tuple[Item, ...]
    fault: Issue | None


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Object(tuple(pairs)),
    # No reader needs the digits of a number so long that it is a burden to convert.
    parse_int=lambda digits: int(digits) if len(digits) < 20 else float(digits),
    parse_constant=_constant,
)


def decode(body: bytes) -> tuple[str, str]:
    """The text of a JSON body, and `bom` or `encoding` where it is not plain UTF-8.

    RFC 8259, 8.1: UTF-8, and a byte order mark must not be added.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            quirk = "bom" if name == "utf-8" else "encoding"
            return body[len(mark) :].decode(name, "replace"), quirk
    if 0 in body[:2]:
        return body.decode("utf-16-be" if body[0] == 0 else "utf-16-le", "replace"), "encoding"
    try:
        return body.decode("utf-8"), ""
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace"), "encoding"


def read_json(text: str, family: str) -> Json:
    """Read a JSON text strictly, element by element, so that each keeps its line."""
    reader = _Reader(text, family)
    array = text.startswith("[", reader.at)
    try:
        items = tuple(reader.array() if array else reader.value())
    except (ValueError, RecursionError) as error:
        message = getattr(error, "msg", "nested too deeply")
        if not isinstance(error, (json.JSONDecodeError, RecursionError)):
            message = str(error)
        return Json(array, (), reader.issue(message, getattr(error, "pos", reader.at)))
    return Json(array, items, reader.fault)


class _Reader:
    """A position in a JSON text, and the first fault met on the way."""

    def __init__(self, text: str, family: str) -> None:
        self.text = text
        self.family = family
        self.fault: Issue | None = None
        self._counted = (0, 1)
        self.at = self._blank(0)

    def value(self) -> Iterator[Item]:
        """The one value of the text."""
        yield self._item()
        self._nothing_more()

    def array(self) -> Iterator[Item]:
        """The elements of the array; a missing or a surplus comma does not hide the rest."""
        self.at = self._blank(self.at + 1)
        while not self.text.startswith("]", self.at):
            yield self._item()
            if self.text.startswith(",", self.at):
                self.at = self._blank(self.at + 1)
                if self.text.startswith("]", self.at):
                    self._complain("a comma before the end of the array")
            elif self.text.startswith("{", self.at):
                self._complain("no comma between two elements")
            elif not self.text.startswith("]", self.at):
                raise json.JSONDecodeError("Expecting ',' delimiter", self.text, self.at)
        self.at = self._blank(self.at + 1)
        self._nothing_more()

    def issue(self, message: str, at: int) -> Issue:
        """An issue with line and column of a position."""
        line, column = self._line(at), at - self.text.rfind("\n", 0, at)
        found = excerpt(self.text[at : at + 40])
        text = excerpt(f"{message} (line {line}, column {column}): {found}")
        return Issue(code=f"{self.family}.json", line=line, excerpt=text)

    def _item(self) -> Item:
        start = self.at
        value, end = _DECODER.raw_decode(self.text, start)
        self.at = self._blank(end)
        return Item(value, self._line(start), self.text[start:end])

    def _blank(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def _line(self, at: int) -> int:
        """The line of a position; counted on from the last one asked for."""
        seen, line = self._counted if at >= self._counted[0] else (0, 1)
        self._counted = (at, line + self.text.count("\n", seen, at))
        return self._counted[1]

    def _complain(self, message: str) -> None:
        self.fault = self.fault or self.issue(message, self.at)

    def _nothing_more(self) -> None:
        if self.at < len(self.text):
            self._complain("something follows the end")


def no_json(document: Document, text: str, family: str) -> Issue | None:
    """Why a body is not the JSON document asked for at all, if so."""
    start = text.lstrip()[:1]
    if not start:
        return Issue(code=f"{family}.empty")
    if start == "<" or ("html" in document.media_type and start not in "[{"):
        return Issue(code=f"{family}.soft_404", line=1, excerpt=excerpt(text))
    if "\x00" in text:
        return Issue(code=f"{family}.binary", excerpt=excerpt(document.media_type))
    return None
