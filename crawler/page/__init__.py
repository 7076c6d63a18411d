"""The extract of an HTML page: its machine-readable elements and passages that may concern mining.

An extract keeps `meta`, `link`, licence and JSON-LD elements with their positions, passages of
visible text with a word of interest, and links to pages of terms. Of what names a party it keeps
copyright lines, microdata, RDFa, and the first lines of an imprint. The rest of a page is not
stored. Marks say that an undeclared encoding was undone, or that bytes were not read.

Rules for editors. Extracts are stored, so a change of what `extract` returns needs a new
`VERSION`, and `read_elements` and `read_prose` must still accept older extracts and any bytes.
`split_raw_elements` relies on the exact form that `_canonical_json` writes: keys in alphabetical
order, no blanks.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from crawler.page._attributes import attributes_of, plain_text
from crawler.page._content import is_other_file as is_other_file
from crawler.page._content import read_content
from crawler.page._decoding import CAP as CAP
from crawler.page._microdata import items_of
from crawler.page._notices import imprint_of, notices_of
from crawler.page._rdfa import rdfa_of
from crawler.page._tags import Tag, lowercased_bytes, read_tags
from crawler.page._text import Link as Link
from crawler.page._text import Passage as Passage
from crawler.page._text import heading, links_of, passages_of

VERSION = 5
TEXT_CAP = 64 * 1024  # characters of a script
RAW_CAP = 2048  # characters of a tag
TITLE_CAP = 300  # characters of the title and of the first heading
#: Number of elements of an extract; honest pages stay far below.
ELEMENTS_CAP = 2000

#: Tags of elements that no page contains: a line of text, and items of microdata and of RDFa as
#: JSON-LD. What Dublin Core says in RDFa has a `property` and its `content` as attributes.
NOTICE, MICRODATA, RDFA = "#notice", "#microdata", "#rdfa"

_DATA_SCRIPT = re.compile(r"application/(?:ld\+json|rsl\+xml)", re.IGNORECASE)
_LICENSE = re.compile(r"""\srel\s*=\s*["']?[^"'>]{0,99}\blicense\b""", re.IGNORECASE)


class Element(NamedTuple):
    """An element of an extract.

    `line` counts from 1. `where` is `head`, `body`, `noscript`, `template` or `iframe`.
    `attributes` keep their order; names are lower case; of two with equal names the first is
    kept. `raw` is the start tag as written. `text` is the content of a data script, up to
    64 KiB. The tags `NOTICE`, `MICRODATA` and `RDFA` stand for parts of the text: a line with a
    copyright sign, whose `where` is that of `_notices.Notice`, and an item.
    """

    tag: str
    line: int
    where: str
    attributes: tuple[tuple[str, str], ...] = ()
    raw: str = ""
    text: str = ""

    def get(self, name: str) -> str | None:
        """Return the value of an attribute, None if the element does not have it."""
        return next((value for key, value in self.attributes if key == name), None)


# The parts of an extract without passages, in the order in which they are written.
_BEGIN, _ELEMENTS, _HEADING = b'{"charset":"', b',"elements":[', b'],"heading":"'
_ELEMENT, _LINKS, _NO_PASSAGES = b'{"attributes":', b',"links":', b',"passages":[],"title":"'
# Older versions have the same form.
_ENDS = tuple(f',"version":{n}}}'.encode() for n in range(2, VERSION + 1))
# What follows the title of a page of which bytes were not read.
_UNREADABLE = b',"unreadable":true,'


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """The text of a page in an extract; all empty in an extract of version 1.

    `lang` is the language that the page declares (BCP 47).
    """

    lang: str = ""
    title: str = ""
    heading: str = ""
    passages: tuple[Passage, ...] = ()
    links: tuple[Link, ...] = ()


def extract(body: bytes, charset: str = "") -> bytes:
    """Return the extract of a page as canonical JSON, for any bytes.

    `charset` is the label that the server named. Elements after `<body` are kept only where the
    rest of the page contains something of interest.
    """
    codec, text, encoding, unreadable, truncated = read_content(body, charset)
    # HTML, 13.2.3.5: newlines are normalised before lines are counted.
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lowercased = lowercased_bytes(text)
    tags = list(read_tags(text, lowercased))
    kept = [tag for tag in tags if _is_kept(tag)]
    lang = _lang(tags)
    title = next((tag.text for tag in tags if tag.name == "title"), "")
    title = plain_text(title[:TEXT_CAP])[:TITLE_CAP]
    first_heading = heading(text, lowercased)[:TITLE_CAP]
    marks: dict[str, object] = {"encoding": encoding} if encoding else {}
    return _canonical_json(
        marks
        | ({"unreadable": True} if unreadable else {})
        | {
            "version": VERSION,
            "charset": codec,
            "truncated": truncated or len(kept) > ELEMENTS_CAP,
            "lang": lang,
            "title": title,
            "heading": first_heading,
            "elements": [
                *_elements(kept[:ELEMENTS_CAP]),
                *_parts(text, lowercased, title, first_heading),
            ],
            "passages": passages_of(text, lowercased, lang),
            "links": links_of(text),
        }
    )


# Several protocols read the same page one after the other: a small cache is enough.
@lru_cache(maxsize=4)
def read_elements(extracted: bytes) -> tuple[Element, ...]:
    """Return the elements of an extract; none for bytes that are no extract."""
    try:
        return tuple(map(_element, _parsed(extracted)["elements"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


@lru_cache(maxsize=4)
def read_prose(extracted: bytes) -> Prose:
    """Return the text of a page in an extract; empty for bytes that are no extract."""
    try:
        value = _parsed(extracted)
        texts = {name: str(value.get(name, "")) for name in ("lang", "title", "heading")}
        passages = tuple(Passage(int(n), str(w), str(t)) for n, w, t in value.get("passages", ()))
        links = tuple(Link(str(url), str(text)) for url, text in value.get("links", ()))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return Prose()
    return Prose(**texts, passages=passages, links=links)


class Marks(NamedTuple):
    """The marks of an extract; empty for a page that was read as it is, and in older extracts.

    `encoding` is an encoding that was undone although no header declares it. `unreadable` says
    that bytes of the page were not read.
    """

    encoding: str = ""
    unreadable: bool = False


@lru_cache(maxsize=4)
def read_marks(extracted: bytes) -> Marks:
    """Return the marks of an extract; none for bytes that are no extract."""
    # Most extracts have no mark, and their JSON need not be parsed to know it: a quotation mark
    # inside a JSON text follows a backslash.
    if b'],"encoding":"' not in extracted and _UNREADABLE not in extracted:
        return Marks()
    try:
        value = _parsed(extracted)
        return Marks(str(value.get("encoding", "")), value.get("unreadable") is True)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Marks()


class RawElements(NamedTuple):
    """An extract without passages in raw JSON: its links and elements (see `parse_raw_element`)."""

    links: bytes
    elements: list[bytes]


def split_raw_elements(extracted: bytes) -> RawElements | None:
    """Split an extract into raw elements without parsing it.

    Return None for an extract that has passages or marks, or an older form.
    """
    # An optimisation: pages of one system differ in few elements, so callers cache by raw
    # element. Searching for the separators is safe, because a quotation mark inside a JSON text
    # follows a backslash, so no text contains them.
    begin, elements, after_elements = extracted.partition(_ELEMENTS)
    within, heading, after_heading = after_elements.partition(_HEADING)
    _, links, after_links = after_heading.partition(_LINKS)
    raw_links, no_passages, end = after_links.partition(_NO_PASSAGES)
    if not (elements and heading and links and no_passages) or _ELEMENTS in after_elements:
        return None
    if not (begin.startswith(_BEGIN) and end.endswith(_ENDS)) or _UNREADABLE in end:
        return None
    raw = within.removeprefix(_ELEMENT).removesuffix(b"}").split(b"}," + _ELEMENT)
    return RawElements(raw_links, raw if within else [])


def parse_raw_element(raw: bytes) -> Element:
    """Return an element that `split_raw_elements` gave.

    Raise `ValueError`, `TypeError` or `KeyError` if the bytes are no element.
    """
    return _element(json.loads(_ELEMENT + raw + b"}"))


@lru_cache(maxsize=1)
def _parsed(extracted: bytes) -> Any:
    return json.loads(extracted)


def _element(value: dict[str, Any]) -> Element:
    pairs = value["attributes"]
    if not isinstance(pairs, list):
        raise TypeError(pairs)
    line = value["line"]
    return Element(
        str(value["tag"]),
        line if isinstance(line, int) else 0,
        str(value["where"]),
        tuple([(str(name), str(value)) for name, value in pairs]),
        str(value["raw"]),
        str(value["text"]),
    )


def _canonical_json(value: dict[str, object]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _is_kept(tag: Tag) -> bool:
    """Return whether an extract keeps a tag."""
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


def _parts(text: str, lowercased: bytes, title: str, heading: str) -> Iterator[dict[str, object]]:
    """Yield the parts of the text that may name a party, in the form of elements."""
    notices = [*notices_of(text), *imprint_of(title, heading, text)]
    for notice in notices:
        yield _part(NOTICE, notice.line, notice.where, notice.text)
    for item in items_of(text, lowercased):
        yield _part(MICRODATA, item.line, "body", _json_ld(item.node))
    items, terms = rdfa_of(text, lowercased)
    for item in items:
        yield _part(RDFA, item.line, "body", _json_ld(item.node))
    for line, name, value in terms:
        yield _part(RDFA, line, "body", "", (("property", name), ("content", value)))


def _json_ld(node: dict[str, Any]) -> str:
    value = {"@context": "https://schema.org"} | node
    return json.dumps(value, ensure_ascii=False)[:TEXT_CAP]


def _part(
    tag: str, line: int, where: str, text: str, attributes: tuple[tuple[str, str], ...] = ()
) -> dict[str, object]:
    part = {"tag": tag, "line": line, "where": where, "raw": "", "text": text}
    return {"attributes": attributes, **part}


def _lang(tags: list[Tag]) -> str:
    """Return the `lang` attribute of the first `html` tag; empty if there is none."""
    html = [tag for tag in tags if tag.name == "html" and not tag.closing][:1]
    return next((dict(pairs).get("lang", "") for pairs in attributes_of(html)), "").strip()
