"""Visible text of a page: passages with a trigger word, and links to pages of terms.

The selection is broad on purpose. Pattern lists change, and a later list is applied to stored
extracts. The protocols decide what a passage means.
"""

import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from crawler.page._attributes import plain_text
from crawler.page._tags import TOKEN, end_of_text

PASSAGES, PASSAGE_CAP = 40, 600  # passages of a page, characters of a passage
LINKS, LINK_CAP = 20, 1000  # links of a page, characters of markup that are searched for each
_LAST_LINKS = 50  # links from the end of a page that are looked at

# Trigger words in lower case. Text about mining, training or scraping contains one of them.
_ANYWHERE = (
    "mining tdm 44b 2019/790 scrap crawl artificial ai-train".split(),
    [
        *("machine learn", "ai train", "ai model", "train ai", "train any", "language model"),
        *("train model", "model training", "training of model", "generative"),
        *("cdsm", "dsm directive", "art. 4(3)", "art. 4 (3)", "article 4(3)", "article 4 (3)"),
    ],
)
_BY_LANGUAGE = {
    "cs": ["vytěž", "těžení", "strojov", "umělé int", "umělou int"],
    "da": ["maskinl", "kunstig intel"],
    "de": [
        *("44 b", "42h", "maschinell", "künstliche i", "kuenstliche i", "ki-"),
        *("ki trainier", "sprachmodell", "von ki ", "für ki ", "mit ki ", "einer ki ", "dsm-r"),
    ],
    "es": ["minería", "mineria", "24/2021", "aprendizaje a", "raspado", "extracción a", "entren"],
    "fr": [
        *("fouille", "122-5-3", "apprentissage a", "artificielle", "moissonn", "extraction a"),
        *("entraîn", "entrain", "entra&icirc;n", "art. 4.3", "article 4.3", "directive dsm"),
    ],
    "it": ["estrazione", "quater", "apprendimento a", "artificiale", "addestra"],
    "nl": ["kunstmatig", "15o", "trainen", "ai-model", "taalmodel"],
    "pl": ["eksploracj", "maszynow", "sztuczn", "tekstów i danych"],
    "pt": ["mineraç", "prospeç", "aprendizagem a", "inteligência"],
    "sv": ["utvinning", "maskinin", "artificiell"],
}
#: Tags that may occur within a sentence; all others end it.
INLINE = frozenset(
    "a abbr b bdi bdo cite code data del dfn em font i img ins kbd mark q s samp small span "
    "strong sub sup time tt u var wbr".split()
)
_INVISIBLE_TAGS = frozenset("script style template noembed noframes xmp textarea title".split())
_SENTENCE = re.compile(r"(?<=[.!?;])\s")
_ADDRESS = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_INVISIBLE = re.compile(r"<(script|style)(?=[\s>]).*?(?:</\1|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S)
_HEADING = re.compile(r"<h1(?=[\s>])[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_LEGAL = (
    "terms conditions legal copyright imprint impressum disclaimer nutzungs agb recht mentions "
    "cgu cgv condi aviso termini voorwaarden colofon auteurs regulamin prawn termos villkor "
    "upphovs vilkår vilkaar ophavs podmín podmin autorsk tdm mining"
).split()


class Passage(NamedTuple):
    """A sentence or block of visible text; `where` is `footer` or `text`."""

    line: int
    where: str
    text: str


class Link(NamedTuple):
    """A link: its URL as written, and its text."""

    url: str
    text: str


def passages_of(text: str, lowercased: bytes, lang: str) -> list[Passage]:
    """Return the passages with a trigger word in order, at most 40 of 600 characters each.

    `lowercased` is `lowercased_bytes(text)`; `lang` is the language that the page declares.
    """
    # Two cheap tests come first, since most pages have no passage: a search for the words in all
    # bytes, then one in the text without tags.
    words = [word for word, raw in _triggers(lang[:2].lower()) if raw in lowercased]
    if not words or not _any_in(words, _TAG.sub("", _INVISIBLE.sub("", text)).lower()):
        return []
    passages = (
        Passage(line + _leading_lines(block), where, visible)
        for line, where, block in _blocks(text)
        if _any_in(words, block.lower())
        for visible in _visible_texts(block, words)
    )
    return list(islice(passages, PASSAGES))


def _leading_lines(block: str) -> int:
    return block.count("\n", 0, len(block) - len(block.lstrip()))


@lru_cache(maxsize=256)
def _triggers(lang: str) -> tuple[tuple[str, bytes], ...]:
    """Return the trigger words of a language; of all languages if `lang` is empty."""
    by_language = _BY_LANGUAGE.values() if not lang else (_BY_LANGUAGE.get(lang, ()),)
    return tuple((word, word.encode()) for words in (*_ANYWHERE, *by_language) for word in words)


def _any_in(words: Iterable[str], lowercased: str) -> bool:
    return any(word in lowercased for word in words)


def _visible_texts(block: str, words: list[str]) -> Iterator[str]:
    """Yield the text of a block, or, if it is long, its sentences with a trigger word."""
    plain = plain_text(block)
    if len(plain) <= PASSAGE_CAP:
        yield plain
        return
    for sentence in _SENTENCE.split(plain):
        lowercased = sentence.lower()
        first = min((n for word in words if (n := lowercased.find(word)) >= 0), default=None)
        if first is not None:
            begin = 0 if len(sentence) <= PASSAGE_CAP else max(0, first - PASSAGE_CAP // 2)
            yield sentence[begin : begin + PASSAGE_CAP]


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the blocks of text between tags that end a sentence: line, `where` and text."""
    offset, line, where = 0, 1, "text"
    first_line, parts = 1, [""]
    while match := TOKEN.search(text, offset):
        name, is_closing = (match["name"] or "").lower(), bool(match["slash"])
        parts.append(text[offset : match.start()])
        line += text.count("\n", offset, match.start())
        if name and name not in INLINE:
            yield first_line, where, "".join(parts)
            parts = [" "]
        if name == "footer":
            where = "text" if is_closing else "footer"
        offset = match.end()
        is_visible = is_closing or name not in _INVISIBLE_TAGS
        stop = offset if is_visible else end_of_text(name, text, offset)
        line += match[0].count("\n") + text.count("\n", offset, stop)
        offset = stop
        if parts == [" "]:
            first_line = line
    yield first_line, where, "".join((*parts, text[offset:]))


def heading(text: str, lowercased: bytes) -> str:
    """Return the text of the first `h1`, empty if there is none.

    `lowercased` is `lowercased_bytes(text)`.
    """
    match = _HEADING.search(text) if b"<h1" in lowercased else None
    if match is None:
        return ""
    inner = text[match.end() : match.end() + LINK_CAP]
    return plain_text(_TAG.sub(" ", inner[: _end(inner, "</h1")]))


def links_of(text: str) -> list[Link]:
    """Return the links whose address or text sounds like terms or law, at most 20.

    Only the last 50 links of a page are looked at, since pages link to their terms at the end.
    They are given in the order of the page, each address once.
    """
    links: dict[str, Link] = {}
    offsets = list(islice(_link_offsets(text), _LAST_LINKS))
    # Search the end of the page once for all words; then test each link for few words only.
    end_of_page = text[offsets[-1] :].lower() if offsets else ""
    words = [word for word in _LEGAL if word in end_of_page]
    for offset in reversed(offsets) if words else ():
        tag, _, after = text[offset : offset + LINK_CAP].partition(">")
        link_text = after[: _end(after, "</a")]
        if not _any_in(words, f"{tag} {link_text}".lower()):
            continue
        address = _ADDRESS.search(tag)
        url = html.unescape(next(filter(None, address.groups()), "")).strip() if address else ""
        if url and url[0] != "#":
            links.setdefault(url, Link(url, plain_text(_TAG.sub(" ", link_text))[:200]))
    return list(links.values())[:LINKS]


def _link_offsets(text: str) -> Iterator[int]:
    """Yield the offsets of `<a` tags, from the last to the first."""
    offset = len(text)
    while (offset := text.rfind("<a", 0, offset)) >= 0:
        if text[offset + 2 : offset + 3].isspace():
            yield offset


def _end(text: str, mark: str) -> int:
    """Return the offset of `mark`, or the length of the text without it."""
    offset = text.find(mark)
    return offset if offset >= 0 else len(text)
