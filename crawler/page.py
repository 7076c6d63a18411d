"""The head extract of a page: its `meta`, `link`, licence and JSON-LD elements, with their places.

One linear scan cuts a page into tags as the HTML tokenizer does (comments, scripts and quoted
values hide what looks like a tag), notes where each stands, and hands the few of interest to
BeautifulSoup, so that neither a long page nor a hostile one costs more than its length.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from bs4 import BeautifulSoup

VERSION = 1
#: Octets of a page that are read at most; the extract says when there was more.
CAP = 512 * 1024
TEXT_CAP = 64 * 1024
RAW_CAP = 2048
TITLE_CAP = 300
#: Elements of an extract; no honest page comes near it.
ELEMENTS_CAP = 2000

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
# Encoding Standard, 4.2: these labels mean windows-1252, and no page means the last few.
_LABELS = {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-16-le"}
_NOT_OF_THE_WEB = frozenset("idna punycode unicode-escape raw-unicode-escape utf-7".split())
# Possessive throughout: nothing is read twice, however the quotes are (un)balanced.
_ATTRIBUTES = r"""(?:[^>=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|=)*+"""
_TOKEN = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<[!?][^>]*+>?|</(?![a-z])[^>]*+>?"
    rf"|<(?P<slash>/?)(?P<name>[a-z][^\s/>]*+){_ATTRIBUTES}(?P<end>>?)",
    re.IGNORECASE | re.DOTALL,
)
# Content that is text, whatever it looks like (HTML, 13.2.6.4.4 and 13.2.6.2).
_RAW_TEXT = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "noembed", "noframes")
}
_CONTAINERS = ("template", "iframe", "noscript")
# Start tags that do not end a head that was never opened in so many words (13.2.6.4.4).
_HEAD_TAGS = frozenset(
    (
        "base basefont bgsound head html link meta noframes noscript script style template title"
    ).split()
)
_DATA_SCRIPT = re.compile(r"application/(?:ld\+json|rsl\+xml)", re.IGNORECASE)
_LICENSE = re.compile(r"""\srel\s*=\s*["']?[^"'>]{0,99}\blicense\b""", re.IGNORECASE)
_OF_INTEREST = re.compile(
    r"""tdm[-_:]|noai|noimageai|noml|application/(?:ld|rsl)\+|rel\s*=\s*["']?[^"'>]{0,99}license""",
    re.IGNORECASE,
)
_NEWLINE = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element of an extract: `where` is head, body, noscript, template or iframe.

    `attributes` keep their order, names in lower case, the first of two with one name.
    `text` is the content of a script that holds data, up to 64 KiB.
    """

    tag: str
    line: int
    where: str
    attributes: tuple[tuple[str, str], ...] = field(default=())
    raw: str = ""
    text: str = ""

    def get(self, name: str) -> str | None:
        """The value of an attribute, None when the element does not have it."""
        return next((value for key, value in self.attributes if key == name), None)


class _Token(NamedTuple):
    """A start or end tag: its name, the tag as written, where it stands, and the text it holds."""

    name: str
    closing: bool
    raw: str
    line: int
    where: str
    text: str


def extract(body: bytes, charset: str = "") -> bytes:
    """Give the head extract of a page as canonical JSON; any bytes give one.

    `charset` is what the server named. What follows `<body` is read only where the rest
    contains something of interest.
    """
    name, text = _decoded(body[:CAP], charset)
    tokens = [] if "\x00" in text[:1024] else list(_tokens(_NEWLINE.sub("\n", text)))
    kept = [token for token in tokens if _kept(token)]
    return _canonical(
        {
            "version": VERSION,
            "charset": name,
            "truncated": len(body) > CAP or len(kept) > ELEMENTS_CAP,
            "lang": _lang(tokens),
            "title": next((_plain(t.text) for t in tokens if t.name == "title"), ""),
            "elements": [asdict(element) for element in _elements(kept[:ELEMENTS_CAP])],
        }
    )


def elements(extracted: bytes) -> tuple[Element, ...]:
    """Read the elements of an extract back; bytes that are none have no elements."""
    try:
        found = json.loads(extracted)["elements"]
        return tuple(_element(given) for given in found)
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


def _element(given: dict[str, object]) -> Element:
    pairs = given["attributes"]
    if not isinstance(pairs, list):
        raise TypeError(pairs)
    line = given["line"]
    words = {name: str(given[name]) for name in ("tag", "where", "raw", "text")}
    attributes = tuple((str(name), str(value)) for name, value in pairs)
    return Element(line=line if isinstance(line, int) else 0, attributes=attributes, **words)


def _canonical(value: dict[str, object]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _codec(label: str) -> str:
    """The codec a label means on the web; empty for one that no page can mean."""
    try:
        name = codecs.lookup(label).name
        "".encode(name)  # refuses transports like `hex`
    except (LookupError, ValueError):
        return ""
    return "" if name.replace("_", "-") in _NOT_OF_THE_WEB else _LABELS.get(name, name)


def _decoded(body: bytes, charset: str) -> tuple[str, str]:
    """The codec used and the text: byte order mark, then server, then page, then a guess."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name, body[len(mark) :].decode(name, "replace")
    meta = _META_CHARSET.search(body, 0, 4096)
    # HTML, 13.2.3.2: a page whose declaration could be read as ASCII is not UTF-16.
    declared = (
        _codec(meta[1].decode("ascii", "replace")).replace("utf-16-le", "utf-8") if meta else ""
    )
    name = _codec(charset) or declared
    if name:
        return name, body.decode(name, "replace")
    return _guessed(body)


def _guessed(body: bytes) -> tuple[str, str]:
    try:
        # A cut inside a character is ours, not the page's.
        return "utf-8", codecs.getincrementaldecoder("utf-8")().decode(body, len(body) < CAP)
    except UnicodeDecodeError:
        return "cp1252", body.decode("cp1252", "replace")


def _tokens(text: str) -> Iterator[_Token]:
    """The tags of a page in order, up to `<body` unless the rest is of interest."""
    at, line, place = 0, 1, _Place()
    while match := _TOKEN.search(text, at):
        line += text.count("\n", at, match.start())
        at = match.end()
        name = (match["name"] or "").lower()
        if match["end"]:
            closing = bool(match["slash"])
            if place.enter(name, closing) and not _OF_INTEREST.search(text, at):
                return
            stop = at if closing else _end_of_text(name, text, at)
            yield _Token(name, closing, match[0], line, place.where, text[at:stop])
            line += text.count("\n", at, stop)
            at = stop
        line += match[0].count("\n")


def _end_of_text(name: str, text: str, at: int) -> int:
    """Where the text content of a start tag ends; at once for one that holds elements."""
    pattern = _RAW_TEXT.get(name)
    if pattern is None:
        return at
    end = pattern.search(text, at)
    return end.start() if end else len(text)


class _Place:
    """Where the scan stands: in the head, in the body, or inside a container."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._head_opened = False
        self._body = False

    @property
    def where(self) -> str:
        inside = next((name for name in _CONTAINERS if self._open[name] > 0), None)
        return inside or ("body" if self._body else "head")

    def enter(self, name: str, closing: bool) -> bool:
        """Take a tag in; true for the `<body` that ends the head."""
        if name in _CONTAINERS:
            self._open[name] = max(0, self._open[name] + (-1 if closing else 1))
        if name == "head":
            # What stands between `</head>` and the body is put into the head (13.2.6.4.6).
            self._head_opened = not closing
        elif not closing and not self._head_opened and name not in _HEAD_TAGS:
            self._body = True
        if name == "body" and not closing:
            self._head_opened, self._body = False, True
            self._open.clear()
            return True
        return False


def _kept(token: _Token) -> bool:
    if token.closing:
        return False
    if token.name == "script":
        return _DATA_SCRIPT.search(token.raw) is not None
    return token.name in ("meta", "link") or (
        token.name == "a" and _LICENSE.search(token.raw) is not None
    )


def _elements(kept: list[_Token]) -> Iterator[Element]:
    for token, attributes in zip(kept, _attributes(kept), strict=True):
        yield Element(
            tag=token.name,
            line=token.line,
            where=token.where,
            attributes=attributes,
            raw=token.raw[:RAW_CAP],
            text=token.text[:TEXT_CAP],
        )


def _attributes(tokens: list[_Token]) -> Iterator[tuple[tuple[str, str], ...]]:
    """The attributes of each tag, read by BeautifulSoup in one go, one tag to a line.

    Closing each at once keeps the tree flat; the line of the tag tells which one it is.
    """
    starts, lines = [], ["<html>"]
    line = 2
    for token in tokens:
        starts.append(line)
        lines.append(f"{token.raw}</{token.name}>")
        line += token.raw.count("\n") + 1
    soup = BeautifulSoup(
        "\n".join(lines),
        "html.parser",
        multi_valued_attributes=None,
        on_duplicate_attribute="ignore",
    )
    read = {tag.sourceline: tag.attrs for tag in soup.find_all(True) if tag.sourcepos == 0}
    for start in starts:
        yield tuple((key.lower(), str(value)) for key, value in read.get(start, {}).items())


def _lang(tokens: list[_Token]) -> str:
    html = [token for token in tokens if token.name == "html" and not token.closing][:1]
    return next((dict(found).get("lang", "") for found in _attributes(html)), "").strip()


def _plain(text: str) -> str:
    """The text of a title: references resolved, white space folded, `<` no tag (RCDATA)."""
    markup = f"<p>{text[:TEXT_CAP].replace('<', '&lt;')}"
    return " ".join(BeautifulSoup(markup, "html.parser").get_text().split())[:TITLE_CAP]
