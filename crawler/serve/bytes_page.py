"""The page of stored bytes: numbered lines of text, with those marked that a link names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datasette.utils import sqlite_timelimit

from crawler.errors import UserError
from crawler.page import read_elements, read_prose
from crawler.reports.visible import source_lines
from crawler.serve import sandbox
from crawler.serve.audits import Audit
from crawler.store.bodies import read_body
from crawler.store.stored_text import BodySource, body_source

#: Lines of a page, and characters of a line.
MAX_LINES = 5_000
MAX_LINE = 2_000
# Octets in which a NUL shows that a document is no text.
_BEGIN = 8_192


class NoBytesError(UserError):
    """There are no bytes to show; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesPage:
    """Stored bytes for readers.

    `lines` are (number, text, whether it is marked). `before` and `after` are the numbers at which
    the neighbouring pages begin, 0 if there is none.
    """

    source: BodySource
    size: int
    lines: tuple[tuple[int, str, bool], ...]
    total: int
    before: int
    after: int
    is_text: bool


def read_source(audit: Audit, digest: str, observation: int | None) -> tuple[BodySource, bytes]:
    """Return the bytes kept for a digest, and the observation that has them.

    Only bytes of an observation are shown. Raise `NoBytesError` and `DamagedBodyError`.
    """
    with (
        audit.of_bytes(digest, observation) as (opened, number),
        sqlite_timelimit(opened.db, sandbox.SECONDS * 1000),
    ):
        source = body_source(opened.db, digest, number)
        if source is None:
            raise NoBytesError("no observation has bytes with this SHA-256")
        content = read_body(opened.db, source.stored) if source.stored else None
        if content is None:
            raise NoBytesError("the bytes with this SHA-256 were received, and were not kept")
    return source._replace(observation=opened.in_whole(source.observation)), content


def bytes_page(source: BodySource, content: bytes, marked: Sequence[int], start: int) -> BytesPage:
    """Return a page of the bytes, from line `start` on or where the first marked line is."""
    is_text = b"\0" not in content[:_BEGIN] or content[:2] in (b"\xff\xfe", b"\xfe\xff")
    lines = list(_lines(source, content)) if is_text else []
    begin = start or max(1, min(marked, default=1) - MAX_LINES // 2)
    if not start and max(marked, default=1) <= MAX_LINES:
        begin = 1
    first = min(begin, max(1, len(lines))) - 1
    shown = lines[first : first + MAX_LINES]
    return BytesPage(
        source=source,
        size=len(content),
        lines=tuple((number, _cut(text), number in marked) for number, text in shown),
        total=len(lines),
        before=max(1, first + 1 - MAX_LINES) if first else 0,
        after=first + MAX_LINES + 1 if first + MAX_LINES < len(lines) else 0,
        is_text=is_text,
    )


def _lines(source: BodySource, content: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers; of an extract the elements, with those of the page."""
    if source.is_extract and (extracted := _extracted(content)):
        yield from extracted
        return
    codec = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    yield from enumerate(source_lines(content.decode(codec, "backslashreplace")), start=1)


def _extracted(content: bytes) -> list[tuple[int, str]]:
    prose = read_prose(content)
    found = [
        (element.line, " ".join(filter(None, (element.raw or f"<{element.tag}>", element.text))))
        for element in read_elements(content)
    ]
    found += [(passage.line, passage.text) for passage in prose.passages]
    return sorted(found, key=lambda line: line[0])


def _cut(line: str) -> str:
    more = len(line) - MAX_LINE
    return line if more <= 0 else f"{line[:MAX_LINE]}… ({more:,} more characters)"
