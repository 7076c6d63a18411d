"""JSON parser (RFC 8259) that keeps line numbers, duplicate names and the first fault.

Rules for editors: no input may raise. The text is parsed strictly, one array element at a time,
so that every element keeps its line and a fault does not hide the elements before it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from crawler.model import Document, Issue

_MAX_EXCERPT, _MAX_ISSUES = 200, 200
# Possessive: white space is never given back, so that long runs stay linear.
_BLANK = re.compile(r"[ \t\r\n]*+")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def clean(text: str) -> str:
    """Return a text that can be stored: lone surrogates, which UTF-8 cannot hold, become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line, at most 200 characters."""
    return clean(" ".join(text[: 4 * _MAX_EXCERPT].split()))[:_MAX_EXCERPT]


def limit_issues(issues: list[Issue], family: str) -> tuple[Issue, ...]:
    """Return at most 200 issues, then one that counts the rest: files can be hostile."""
    if len(issues) <= _MAX_ISSUES:
        return tuple(issues)
    rest = Issue(code=f"{family}.more_issues", excerpt=f"{len(issues) - _MAX_ISSUES} more")
    return (*issues[:_MAX_ISSUES], rest)


@dataclass(frozen=True, slots=True)
class Object:
    """A JSON object with its members in order, including repeated names."""

    members: tuple[tuple[str, object], ...]

    def all(self, name: str) -> list[object]:
        """Return every value of a name, in order."""
        return [value for key, value in self.members if key == name]

    def get(self, name: str) -> object:
        """Return the last value of a name, as most parsers do (RFC 8259, 4), or None."""
        return next(iter(reversed(self.all(name))), None)


class Item(NamedTuple):
    """A JSON value with the 1-based line that it starts on and its source text."""

    value: object
    line: int
    raw: str


class Json(NamedTuple):
    """A parsed JSON text.

    `items` are the elements if it is an `array`, otherwise its one value. `fault` is the first
    syntax error. Some errors between elements leave the items readable. Where the text breaks
    off, there are no items: a prefix of a document is not the document. `end` is the position
    after the value in characters: what follows it is no part of the document.
    """

    array: bool
    items: tuple[Item, ...]
    fault: Issue | None
    end: int


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Object(tuple(pairs)),
    # `int` takes time with the square of the digits, so a hostile number could block a worker.
    parse_int=lambda digits: int(digits) if len(digits) < 20 else float(digits),
    parse_constant=_constant,
)


def decode(body: bytes) -> tuple[str, str]:
    """Return the text of a body, and `bom` or `encoding` if it is not plain UTF-8.

    RFC 8259, 8.1: the encoding must be UTF-8, without a byte order mark.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            deviation = "bom" if name == "utf-8" else "encoding"
            return body[len(mark) :].decode(name, "replace"), deviation
    if 0 in body[:2]:
        return body.decode("utf-16-be" if body[0] == 0 else "utf-16-le", "replace"), "encoding"
    try:
        return body.decode("utf-8"), ""
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace"), "encoding"


def read_json(text: str, family: str) -> Json:
    """Parse a JSON text strictly. `family` prefixes the codes of its issues."""
    reader = _Reader(text, family)
    array = text.startswith("[", reader.at)
    try:
        items = tuple(reader.array() if array else reader.value())
    except (ValueError, RecursionError) as error:
        message = getattr(error, "msg", "nested too deeply")
        if not isinstance(error, (json.JSONDecodeError, RecursionError)):
            message = str(error)
        fault = reader.issue(message, getattr(error, "pos", reader.at))
        return Json(array, (), fault, len(text))
    return Json(array, items, reader.fault, reader.at)


class _Reader:
    """Parser state: the position in a JSON text, and the first recoverable fault."""

    def __init__(self, text: str, family: str) -> None:
        self.text = text
        self.family = family
        self.fault: Issue | None = None
        # Position and line that were computed last.
        self._counted = (0, 1)
        self.at = self._skip_blank(0)

    def value(self) -> Iterator[Item]:
        """Yield the one value of the text."""
        yield self._item()
        self._expect_end()

    def array(self) -> Iterator[Item]:
        """Yield the elements of the array; a missing or surplus comma is a recoverable fault."""
        self.at = self._skip_blank(self.at + 1)
        while not self.text.startswith("]", self.at):
            yield self._item()
            if self.text.startswith(",", self.at):
                self.at = self._skip_blank(self.at + 1)
                if self.text.startswith("]", self.at):
                    self._record_fault("a comma before the end of the array")
            elif self.text.startswith("{", self.at):
                self._record_fault("no comma between two elements")
            elif not self.text.startswith("]", self.at):
                raise json.JSONDecodeError("Expecting ',' delimiter", self.text, self.at)
        self.at = self._skip_blank(self.at + 1)
        self._expect_end()

    def issue(self, message: str, at: int) -> Issue:
        """Make an issue with the line and column of a position."""
        line, column = self._line(at), at - self.text.rfind("\n", 0, at)
        quoted = excerpt(self.text[at : at + 40])
        text = excerpt(f"{message} (line {line}, column {column}): {quoted}")
        return Issue(code=f"{self.family}.json", line=line, excerpt=text)

    def _item(self) -> Item:
        start = self.at
        value, end = _DECODER.raw_decode(self.text, start)
        self.at = self._skip_blank(end)
        return Item(value, self._line(start), self.text[start:end])

    def _skip_blank(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def _line(self, at: int) -> int:
        """Return the 1-based line of a position."""
        # Positions grow, so counting goes on from the last one: the whole text is counted once.
        seen, line = self._counted if at >= self._counted[0] else (0, 1)
        self._counted = (at, line + self.text.count("\n", seen, at))
        return self._counted[1]

    def _record_fault(self, message: str) -> None:
        self.fault = self.fault or self.issue(message, self.at)

    def _expect_end(self) -> None:
        if self.at < len(self.text):
            self._record_fault("something follows the end")


def not_json_issue(document: Document, text: str, family: str) -> Issue | None:
    """Return an issue if a body is empty, HTML (a soft 404) or binary, None if it may be JSON."""
    start = text.lstrip()[:1]
    if not start:
        return Issue(code=f"{family}.empty")
    if start == "<" or ("html" in document.media_type and start not in "[{"):
        return Issue(code=f"{family}.soft_404", line=1, excerpt=excerpt(text))
    if "\x00" in text:
        return Issue(code=f"{family}.binary", excerpt=excerpt(document.media_type))
    return None
