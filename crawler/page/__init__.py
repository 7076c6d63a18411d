"""The extract of a page: what it says to machines, and the passages that may concern mining.

Kept are its `meta`, `link`, licence and JSON-LD elements with their places, passages of visible
text that hold a word of interest, and links to pages of terms. The rest of a page is not stored.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from crawler.page._attributes import attributes_of, plain_text
from crawler.page._decoding import CAP as CAP
from crawler.page._decoding import decoded
from crawler.page._tags import Tag, folded, tags
from crawler.page._text import Link as Link
from crawler.page._text import Passage as Passage
from crawler.page._text import heading, links_of, passages_of

VERSION = 2
TEXT_CAP = 64 * 1024
RAW_CAP = 2048
TITLE_CAP = 300
#: Elements of an extract; no honest page comes near it.
ELEMENTS_CAP = 2000

_DATA_SCRIPT = re.compile(r"application/(?:ld\+json|rsl\+xml)", re.IGNORECASE)
_LICENSE = re.compile(r"""\srel\s*=\s*["']?[^"'>]{0,99}\blicense\b""", re.IGNORECASE)


class Element(NamedTuple):
    """An element of an extract: `where` is head, body, noscript, template or iframe.

    `attributes` keep their order, names in lower case, the first of two with one name.
    `text` is the content of a script that holds data, up to 64 KiB.
    """

    tag: str
    line: int
    where: str
    attributes: tuple[tuple[str, str], ...] = ()
    raw: str = ""
    text: str = ""

    def get(self, name: str) -> str | None:
        """The value of an attribute, None when the element does not have it."""
        return next((value for key, value in self.attributes if key == name), None)


# How an extract is written: keys in their order, without blanks.
_BEGIN, _ELEMENTS, _HEADING = b'{"charset":"', b',"elements":[', b'],"heading":"'
_ELEMENT, _LINKS, _WORDLESS = b'{"attributes":', b',"links":', b',"passages":[],"title":"'
_END = f',"version":{VERSION}}}'.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """What an extract tells about the text of a page; all empty in one of version 1."""

    lang: str = ""
    title: str = ""
    heading: str = ""
    passages: tuple[Passage, ...] = ()
    links: tuple[Link, ...] = ()


def extract(body: bytes, charset: str = "") -> bytes:
    """Give the extract of a page as canonical JSON; any bytes give one.

    `charset` is what the server named. Elements behind `<body` are kept only where the rest
    contains something of interest.
    """
    name, text = decoded(body, charset)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "" if "\x00" in text[:1024] else text
    octets = folded(text)
    found = list(tags(text, octets))
    kept = [tag for tag in found if _kept(tag)]
    lang = _lang(found)
    title = next((tag.text for tag in found if tag.name == "title"), "")
    return _canonical(
        {
            "version": VERSION,
            "charset": name,
            "truncated": len(body) > CAP or len(kept) > ELEMENTS_CAP,
            "lang": lang,
            "title": plain_text(title[:TEXT_CAP])[:TITLE_CAP],
            "heading": heading(text, octets)[:TITLE_CAP],
            "elements": list(_elements(kept[:ELEMENTS_CAP])),
            "passages": passages_of(text, octets, lang),
            "links": links_of(text),
        }
    )


@lru_cache(maxsize=4)
def elements(extracted: bytes) -> tuple[Element, ...]:
    """Read the elements of an extract back; bytes that are none have no elements.

    Protocols that look at the same page do so one after the other.
    """
    try:
        found = _given(extracted)["elements"]
        return tuple(map(_element, found))
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


@lru_cache(maxsize=4)
def prose(extracted: bytes) -> Prose:
    """Read back what an extract tells about text; bytes that are none tell nothing."""
    try:
        given = _given(extracted)
        words = {name: str(given.get(name, "")) for name in ("lang", "title", "heading")}
        passages = tuple(Passage(int(n), str(w), str(t)) for n, w, t in given.get("passages", ()))
        links = tuple(Link(str(url), str(text)) for url, text in given.get("links", ()))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return Prose()
    return Prose(**words, passages=passages, links=links)


class Bare(NamedTuple):
    """An extract without passages, as it stands: its links and its elements (see `element_of`)."""

    links: bytes
    elements: list[bytes]


def bare(extracted: bytes) -> Bare | None:
    """Cut an extract into its elements; None where it has passages, too, or was not made by this
    version.

    Nothing is parsed: no text in JSON holds the marks that are looked for, since a quotation mark
    in it has a backslash before it.
    """
    begin, elements, behind = extracted.partition(_ELEMENTS)
    within, heading, after = behind.partition(_HEADING)
    _, named, tail = after.partition(_LINKS)
    links, wordless, end = tail.partition(_WORDLESS)
    if not (elements and heading and named and wordless) or _ELEMENTS in behind:
        return None
    if not (begin.startswith(_BEGIN) and end.endswith(_END)):
        return None
    standing = within.removeprefix(_ELEMENT).removesuffix(b"}").split(b"}," + _ELEMENT)
    return Bare(links, standing if within else [])


def element_of(standing: bytes) -> Element:
    """An element that `bare` gave. Raises `ValueError`, `TypeError` or `KeyError` if it is none."""
    return _element(json.loads(_ELEMENT + standing + b"}"))


@lru_cache(maxsize=1)
def _given(extracted: bytes) -> Any:
    return json.loads(extracted)


def _element(given: dict[str, Any]) -> Element:
    pairs = given["attributes"]
    if not isinstance(pairs, list):
        raise TypeError(pairs)
    line = given["line"]
    return Element(
        str(given["tag"]),
        line if isinstance(line, int) else 0,
        str(given["where"]),
        tuple([(str(name), str(value)) for name, value in pairs]),
        str(given["raw"]),
        str(given["text"]),
    )


def _canonical(value: dict[str, object]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _kept(tag: Tag) -> bool:
    if tag.closing:
        return False
    if tag.name == "script":
        return _DATA_SCRIPT.search(tag.raw) is not None
    return tag.name in ("meta", "link") or (
        tag.name == "a" and _LICENSE.search(tag.raw) is not None
    )


def _elements(kept: list[Tag]) -> Iterator[dict[str, object]]:
    for tag, attributes in zip(kept, attributes_of(kept), strict=True):
        yield {
            "tag": tag.name,
            "line": tag.line,
            "where": tag.where,
            "attributes": attributes,
            "raw": tag.raw[:RAW_CAP],
            "text": tag.text[:TEXT_CAP],
        }


def _lang(found: list[Tag]) -> str:
    html = [tag for tag in found if tag.name == "html" and not tag.closing][:1]
    return next((dict(pairs).get("lang", "") for pairs in attributes_of(html)), "").strip()
