"""The tags of a page, cut as the HTML tokenizer does, with their places.

Comments, scripts and quoted values hide what looks like a tag. Nothing is read twice, so that
neither a long page nor a hostile one costs more than its length.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

# Possessive throughout: nothing is read twice, however the quotes are (un)balanced.
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
# Start tags that do not end a head that was never opened in so many words (13.2.6.4.4).
_HEAD_TAGS = frozenset(
    (
        "base basefont bgsound head html link meta noframes noscript script style template title"
    ).split()
)


def _others(*names: str) -> re.Pattern[str]:
    """Everything up to the next tag of the body that somebody waits for."""
    start = "|".join((*names, *_TEXT_TAGS, "body", "html", "meta", "link"))
    stop = rf"(?:/?(?:{'|'.join(_CONTAINERS)}|title)|{start})(?=[\s/>]|\Z)"
    tag = rf"<(?!{stop})/?[a-z][^\s/>]*+{_ATTRIBUTES}>?"
    return re.compile(rf"(?:[^<]++|{_HIDDEN}|{tag}|<(?![a-z/!?]))*+", _FLAGS)


_OTHERS, _OTHERS_BUT_ANCHORS = _others(), _others("a")
_LICENSE = re.compile(rb"""rel\s*=\s*["']?[^"'>]{0,99}license""")
# By what they begin with, so that of words with one beginning a page is searched but once.
_OF_INTEREST = {
    b"tdm": b"tdm- tdm_ tdm:".split(),
    b"noai": [b"noai"],
    b"noml": [b"noml"],
    b"noimageai": [b"noimageai"],
    b"application/": b"application/ld+ application/rsl+".split(),
}


def folded(text: str) -> bytes:
    """Text as octets with ASCII letters in lower case: the cheap way to look for words."""
    return text.encode("utf-8", "replace").lower()


class Tag(NamedTuple):
    """A start or end tag: its name, the tag as written, where it stands, and the text it holds."""

    name: str
    closing: bool
    raw: str
    line: int
    where: str
    text: str


def tags(text: str, octets: bytes) -> Iterator[Tag]:
    """The tags of a page in order, up to `<body` unless the rest is of interest.

    Of the body only those that an extract may keep, and those that change where they stand.
    `octets` is the text, folded.
    """
    at, line, place = 0, 1, _Position()
    others = _OTHERS_BUT_ANCHORS if b"license" in octets else _OTHERS
    while True:
        begin, at = at, _skipped(text, at, others if place.body else None)
        match = TOKEN.search(text, at)
        if match is None:
            return
        line += text.count("\n", begin, match.start())
        at = match.end()
        name = (match["name"] or "").lower()
        if match["end"]:
            closing = bool(match["slash"])
            # Folding is the dearest step of a long page; in ASCII, places are the same in both.
            if place.enter(name, closing) and not _is_of_interest(
                octets[at:] if len(octets) == len(text) else folded(text[at:])
            ):
                return
            stop = at if closing else end_of_text(name, text, at)
            yield Tag(name, closing, match[0], line, place.where, text[at:stop])
            line += text.count("\n", at, stop)
            at = stop
        line += match[0].count("\n")


def _skipped(text: str, at: int, others: re.Pattern[str] | None) -> int:
    found = others.match(text, at) if others else None
    return found.end() if found else at


def _is_of_interest(rest: bytes) -> bool:
    """Whether what follows `<body`, folded, may hold something that an extract keeps."""
    for beginning, words in _OF_INTEREST.items():
        if beginning in rest and any(word in rest for word in words):
            return True
    return b"license" in rest and _LICENSE.search(rest) is not None


def end_of_text(name: str, text: str, at: int) -> int:
    """Where the text content of a start tag ends; at once for one that holds elements."""
    pattern = _RAW_TEXT.get(name)
    if pattern is None:
        return at
    end = pattern.search(text, at)
    return end.start() if end else len(text)


class _Position:
    """Where the scan stands: in the head, in the body, or inside a container."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._head_opened = False
        self.body = False

    @property
    def where(self) -> str:
        inside = next((name for name in _CONTAINERS if self._open[name] > 0), None)
        return inside or ("body" if self.body else "head")

    def enter(self, name: str, closing: bool) -> bool:
        """Take a tag in; true for the `<body` that ends the head."""
        if name in _CONTAINERS:
            self._open[name] = max(0, self._open[name] + (-1 if closing else 1))
        if name == "head":
            # What stands between `</head>` and the body is put into the head (13.2.6.4.6).
            self._head_opened = not closing
        elif not closing and not self._head_opened and name not in _HEAD_TAGS:
            self.body = True
        if name == "body" and not closing:
            self._head_opened, self.body = False, True
            self._open.clear()
            return True
        return False
