"""Text for terminals: control characters of strangers made visible, and lines wrapped by words.

Rules for editors: everything that a command prints as text goes through `visible`, because hosts,
files and options are written by others. Data (JSON, exports) keep every character.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator

# Control and format characters (C0, C1, bidi, zero width, tags), halves of surrogate pairs, and
# the separators that end a line: Unicode, 4.5, general categories.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_LINE_END = re.compile(r"\r\n|\n|\r")
_WORD = re.compile(r"\s*\S+")
# A terminal this narrow is not wrapped for: every word would stand alone.
_NARROWEST = 20
_EVIDENCE = "| "
_MAX_BMP = 0xFFFF


def visible(text: str) -> str:
    """Return a text with each character that is not seen, or acts on a terminal, as an escape."""
    if text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def _escape(character: str) -> str:
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= _MAX_BMP else f"\\U{number:08x}"


def source_lines(text: str) -> list[str]:
    """Return the lines of a document. Unlike `str.splitlines` it loses no control character."""
    return _LINE_END.split(text) if text else []


def fit(lines: Iterable[str], width: int | None) -> Iterator[str]:
    """Yield lines made visible and wrapped between words; None for a width without end.

    A word that is longer than a line stays whole. What follows a wrap is indented by two more.
    """
    for line in map(visible, lines):
        if width is None or width < _NARROWEST or len(line) <= width:
            yield line
        else:
            yield from _wrap(line, width)


def _wrap(line: str, width: int) -> Iterator[str]:
    indent = line[: len(line) - len(line.lstrip())]
    # Lines of evidence keep their bar.
    hanging = indent + (_EVIDENCE if line.startswith(_EVIDENCE, len(indent)) else "") + "  "
    current = ""
    for word in _WORD.findall(line):
        if not current:
            current = word
        elif len(current) + len(word) <= width or not current.strip(" |"):
            current += word
        else:
            yield current
            current = hanging + word.lstrip()
    yield current


def json_text(data: object) -> str:
    """Return data as JSON to print: the same data, with hidden characters as escapes of JSON."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return "".join(_escape_in_json(c) if _is_hidden_in_json(c) else c for c in text)


def _is_hidden_in_json(character: str) -> bool:
    # Line ends between the values are JSON's own; within texts they are escapes already.
    return character != "\n" and unicodedata.category(character) in _HIDDEN


def _escape_in_json(character: str) -> str:
    """Return an escape of RFC 8259, 7, for any character: in pairs of surrogates above U+FFFF."""
    octets = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{octets[n : n + 2].hex()}" for n in range(0, len(octets), 2))
