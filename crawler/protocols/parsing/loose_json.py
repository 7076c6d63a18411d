"""Lenient readings of text that was meant to be JSON and is not.

Comments, trailing commas, other quotation marks, names without any, and brackets that are never
closed are repaired. Of a text that stays broken, the objects that are whole are returned.

Rules for editors: no input may raise, and every regular expression must run in linear time.
"""

import re
from collections.abc import Iterator

from crawler.protocols.parsing.json_document import Item, Object, read_json

#: Characters that are repaired, and objects taken of a text that stays broken.
_MAX_TEXT, _MAX_PIECES = 300_000, 1000
_TOKEN = re.compile(
    r"""
    (?P<string>"(?:[^"\\\n]|\\.)*+")
    | (?P<quoted>'(?:[^'\\\n]|\\.)*+'|[\u201c\u201d\u201e][^\u201c\u201d\u201e"\n]*+[\u201c\u201d"])
    | (?P<comment>//[^\n]*+|\#[^\n]*+|/\*(?:.*?\*/|.*+))
    | (?P<number>-?\d[\w.+-]*+)
    | (?P<word>[A-Za-z_][\w-]*+)
    | (?P<mark>[{}\[\],])
    | (?P<other>\s++|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_FLAT_OBJECT = re.compile(r"\{[^{}]*+\}?")
_CONSTANTS = {"true": "true", "false": "false", "null": "null", "none": "null"}
_CLOSING = {"{": "}", "[": "]"}


def loose_items(text: str) -> Iterator[Item]:
    """Yield the values of a text that is no JSON: whole, or else each object that is readable."""
    repaired = repair(text[:_MAX_TEXT])
    read = read_json(repaired, "")
    if read.items and not read.fault:
        yield from read.items
        return
    for found, match in enumerate(_FLAT_OBJECT.finditer(repaired)):
        line = repaired.count("\n", 0, match.start()) + 1
        piece = read_json(match[0].rstrip(" ,") + "}" * (not match[0].endswith("}")), "")
        if piece.items and isinstance(piece.items[0].value, Object):
            yield piece.items[0]._replace(line=line)
        if found == _MAX_PIECES:
            return


def repair(text: str) -> str:
    """Return a text with the usual departures from JSON mended, on the same lines."""
    out: list[str] = []
    open_marks: list[str] = []
    comma = -1  # position of a comma that nothing followed yet
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if kind == "comment" or token.isspace():
            out.append("\n" * token.count("\n") or " ")
            continue
        if token in _CLOSING:
            open_marks.append(token)
        elif token in "}]" and comma >= 0:
            out[comma] = ""
        if token in "}]" and open_marks:
            open_marks.pop()
        comma = len(out) if token == "," else -1
        out.append(_repaired(kind or "", token))
    if comma >= 0:
        out[comma] = ""
    return "".join(out) + "".join(_CLOSING[mark] for mark in reversed(open_marks))


def _repaired(kind: str, token: str) -> str:
    if kind == "quoted":
        return '"' + token[1:-1].replace('"', '\\"').replace("\\'", "'") + '"'
    if kind == "word":
        return _CONSTANTS.get(token.lower(), f'"{token}"')
    return ":" if token == "=" else token
