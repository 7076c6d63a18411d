"""Parts shared by small text files that reserve nothing: their text and their lines."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import Document, Issue
from crawler.protocols.parsing import json_document
from crawler.protocols.parsing.json_document import excerpt

_MAX_LINES = 5000


class FieldLine(NamedTuple):
    """A line of a file without surrounding white space; `number` counts from 1."""

    number: int
    text: str


def text_of(document: Document, family: str) -> tuple[str, Issue | None]:
    """Return the text of a body, and the reason why it is no text file, or None if it is one."""
    text, _ = json_document.decode(document.body)
    if not text.strip():
        return text, Issue(code=f"{family}.empty")
    # Servers answer unknown addresses with a page (soft 404).
    if text.lstrip()[0] == "<" or "html" in document.media_type:
        return text, Issue(code=f"{family}.soft_404", line=1)
    if "\x00" in text:
        return text, Issue(code=f"{family}.binary", excerpt=excerpt(document.media_type))
    return text, None


def lines_of(text: str) -> Iterator[FieldLine]:
    """Yield the lines that are not empty, without comments, of the first 5,000."""
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text)[:_MAX_LINES], start=1):
        line = raw.partition("#")[0].strip()
        if line:
            yield FieldLine(number, line)
