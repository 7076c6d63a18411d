"""Tags of an HTML page with their positions, split as the HTML tokenizer does (HTML, 13.2.5).

Comments, scripts and quoted values may contain text that looks like a tag.

Rules for editors. All quantifiers are possessive or bounded, so that any page is read in linear
time; a test checks this with hostile pages.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

# Possessive throughout: linear time, whether quotes are balanced or not.
_ATTRIBUTES = r"""(?:[^>=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|=)*+"""
_HIDDEN = r"<!--(?:-?>|.*?(?:--!?>|\Z))|<[!?][^>]*+>?|</(?![a-z])[^>]*+>?"
_FLAGS = re.IGNORECASE | re.DOTALL
TOKEN = re.compile(
    rf"{_HIDDEN}|<(?P<slash>/?)(?P<name>[a-z][^\s/>]*+){_ATTRIBUTES}(?P<end>>?)", _FLAGS
)
_TEXT_TAGS = "script style title textarea xmp noembed noframes".split()
# Content that is text, whatever it looks like (HTML, 13.2.6.4.4 and 13.2.6.2).
_RAW_TEXT = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _TEXT_TAGS}
_CONTAINERS = ("template", "iframe", "noscript")
# Start tags that do not end a head without a `<head>` tag (HTML, 13.2.6.4.4).
_HEAD_TAGS = frozenset(
    (
        "base basefont bgsound head html link meta noframes noscript script style template title"
    ).split()
)


def _other_content(*names: str) -> re.Pattern[str]:
    """Return a pattern for everything up to the next tag in the body that may be kept."""
    start = "|".join((*names, *_TEXT_TAGS, "body", "html", "meta", "link"))
    stop = rf"(?:/?(?:{'|'.join(_CONTAINERS)}|title)|{start})(?=[\s/>]|\Z)"
    tag = rf"<(?!{stop})/?[a-z][^\s/>]*+{_ATTRIBUTES}>?"
    return re.compile(rf"(?:[^<]++|{_HIDDEN}|{tag}|<(?![a-z/!?]))*+", _FLAGS)


_OTHER_CONTENT, _OTHER_CONTENT_BUT_ANCHORS = _other_content(), _other_content("a")
_LICENSE = re.compile(rb"""rel\s*=\s*["']?[^"'>]{0,99}license""")
# Grouped by a common prefix: a page is searched once for each prefix, not for each word.
_OF_INTEREST = {
    b"tdm": b"tdm- tdm_ tdm:".split(),
    b"noai": [b"noai"],
    b"noml": [b"noml"],
    b"noimageai": [b"noimageai"],
    b"application/": b"application/ld+ application/rsl+".split(),
}


def lowercased_bytes(text: str) -> bytes:
    """Return text as UTF-8 with ASCII letters in lower case, in which words are found fast."""
    return text.encode("utf-8", "replace").lower()


class Tag(NamedTuple):
    """A start or end tag.

    `raw` is the tag as written, `line` counts from 1, `where` is as in `Element`, and `text` is
    the text content of elements that hold only text, such as `script` and `title`.
    """

    name: str
    closing: bool
    raw: str
    line: int
    where: str
    text: str


def read_tags(text: str, lowercased: bytes) -> Iterator[Tag]:
    """Yield the tags of a page in order, up to `<body` unless the rest is of interest.

    In the body, only tags that an extract may keep and tags that change the position are given.
    `lowercased` is `lowercased_bytes(text)`.
    """
    offset, line, position = 0, 1, _Position()
    other = _OTHER_CONTENT_BUT_ANCHORS if b"license" in lowercased else _OTHER_CONTENT
    while True:
        begin, offset = offset, _skip(text, offset, other if position.in_body else None)
        match = TOKEN.search(text, offset)
        if match is None:
            return
        line += text.count("\n", begin, match.start())
        offset = match.end()
        name = (match["name"] or "").lower()
        if match["end"]:
            is_closing = bool(match["slash"])
            # Lower-casing is the costliest step of a long page. In ASCII, offsets in text and
            # bytes are equal, so that the bytes can be reused.
            if position.enter(name, is_closing) and not _is_of_interest(
                lowercased[offset:]
                if len(lowercased) == len(text)
                else lowercased_bytes(text[offset:])
            ):
                return
            stop = offset if is_closing else end_of_text(name, text, offset)
            yield Tag(name, is_closing, match[0], line, position.where, text[offset:stop])
            line += text.count("\n", offset, stop)
            offset = stop
        line += match[0].count("\n")


def _skip(text: str, offset: int, other: re.Pattern[str] | None) -> int:
    match = other.match(text, offset) if other else None
    return match.end() if match else offset


def _is_of_interest(rest: bytes) -> bool:
    """Return whether the lower-cased rest of a page may hold something that an extract keeps."""
    for prefix, words in _OF_INTEREST.items():
        if prefix in rest and any(word in rest for word in words):
            return True
    return b"license" in rest and _LICENSE.search(rest) is not None


def end_of_text(name: str, text: str, offset: int) -> int:
    """Return the end of a start tag's text content; `offset` itself for other elements."""
    pattern = _RAW_TEXT.get(name)
    if pattern is None:
        return offset
    end = pattern.search(text, offset)
    return end.start() if end else len(text)


class _Position:
    """The position of the scan: in the head, in the body, or inside a container."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._is_head_open = False
        self.in_body = False

    @property
    def where(self) -> str:
        container = next((name for name in _CONTAINERS if self._open[name] > 0), None)
        return container or ("body" if self.in_body else "head")

    def enter(self, name: str, is_closing: bool) -> bool:
        """Update the position by a tag; return True for the `<body` that ends the head."""
        if name in _CONTAINERS:
            self._open[name] = max(0, self._open[name] + (-1 if is_closing else 1))
        if name == "head":
            # HTML, 13.2.6.4.6: what stands between `</head>` and the body is put into the head.
            self._is_head_open = not is_closing
        elif not is_closing and not self._is_head_open and name not in _HEAD_TAGS:
            self.in_body = True
        if name == "body" and not is_closing:
            self._is_head_open, self.in_body = False, True
            self._open.clear()
            return True
        return False
