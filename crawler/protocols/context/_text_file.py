"""What small text files that reserve nothing share: whether one is there, and its lines."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import Document, Issue
from crawler.protocols.parsing import json_document
from crawler.protocols.parsing.json_document import excerpt

_LINES = 5000


class FieldLine(NamedTuple):
    """A line of a file, counted from 1, without the white space around it."""

    number: int
    text: str


def text_of(document: Document, family: str) -> tuple[str, Issue | None]:
    """The text of a body, and why it is no text file at all, if so."""
    text, _ = json_document.decode(document.body)
    if not text.strip():
        return text, Issue(code=f"{family}.empty")
    if text.lstrip()[0] == "<" or "html" in document.media_type:
        return text, Issue(code=f"{family}.soft_404", line=1)
    if "\x00" in text:
        return text, Issue(code=f"{family}.binary", excerpt=excerpt(document.media_type))
    return text, None


def lines_of(text: str) -> Iterator[FieldLine]:
    """The lines that say something, without comments; at most the first 5,000."""
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text)[:_LINES], start=1):
        line = raw.partition("#")[0].strip()
        if line:
            yield FieldLine(number, line)
