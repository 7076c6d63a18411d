"""The text of a page that people read: passages with a word of interest, and links to terms.

What is kept is broad on purpose. Pattern lists change, and a later one is applied to what was
stored; which passage says what is for the protocols to tell.
"""

import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from crawler.page._attributes import plain_text
from crawler.page._tags import TOKEN, end_of_text

PASSAGES, PASSAGE_CAP = 40, 600
LINKS, LINK_CAP, _LAST_LINKS = 20, 1000, 50

# In lower case: one of them is in whatever speaks of mining, training or scraping.
_ANYWHERE = (
    "mining tdm 44b 2019/790 scrap crawl artificial ai-train".split(),
    ["machine learn", "ai train", "ai model"],
)
_BY_LANGUAGE = {
    "cs": ["vytěž", "těžení", "strojov", "umělé int", "umělou int"],
    "da": ["maskinl", "kunstig intel"],
    "de": ["44 b", "42h", "maschinell", "künstliche i", "kuenstliche i", "ki-"],
    "es": ["minería", "mineria", "24/2021", "aprendizaje a", "raspado", "extracción a"],
    "fr": ["fouille", "122-5-3", "apprentissage a", "artificielle", "moissonn", "extraction a"],
    "it": ["estrazione", "quater", "apprendimento a", "artificiale"],
    "nl": ["kunstmatig", "15o"],
    "pl": ["eksploracj", "maszynow", "sztuczn", "tekstów i danych"],
    "pt": ["mineraç", "prospeç", "aprendizagem a", "inteligência"],
    "sv": ["utvinning", "maskinin", "artificiell"],
}
# Tags within a sentence; all others end one.
_INLINE = frozenset(
    "a abbr b bdi bdo cite code data del dfn em font i img ins kbd mark q s samp small span "
    "strong sub sup time tt u var wbr".split()
)
_UNSEEN = frozenset("script style template noembed noframes xmp textarea title".split())
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
    """A link as written, and the words it stands on."""

    url: str
    text: str


def passages_of(text: str, octets: bytes, lang: str) -> list[Passage]:
    """The passages of a page that hold a trigger word, in order, up to 40 of 600 characters.

    `octets` is the text, folded.
    """
    words = [word for word, raw in _triggers(lang[:2].lower()) if raw in octets]
    if not words or not _any_in(words, _TAG.sub("", _INVISIBLE.sub("", text)).lower()):
        return []
    found = (
        Passage(line + _leading_lines(block), where, shown)
        for line, where, block in _blocks(text)
        if _any_in(words, block.lower())
        for shown in _shown(block, words)
    )
    return list(islice(found, PASSAGES))


def _leading_lines(block: str) -> int:
    return block.count("\n", 0, len(block) - len(block.lstrip()))


@lru_cache(maxsize=256)
def _triggers(lang: str) -> tuple[tuple[str, bytes], ...]:
    """The words for a language; those of all where a page does not say what it is in."""
    own = _BY_LANGUAGE.values() if not lang else (_BY_LANGUAGE.get(lang, ()),)
    return tuple((word, word.encode()) for words in (*_ANYWHERE, *own) for word in words)


def _any_in(words: Iterable[str], low: str) -> bool:
    return any(word in low for word in words)


def _shown(block: str, words: list[str]) -> Iterator[str]:
    """A block as it is read, or, if it is long, its sentences with a trigger word."""
    plain = plain_text(block)
    if len(plain) <= PASSAGE_CAP:
        yield plain
        return
    for sentence in _SENTENCE.split(plain):
        low = sentence.lower()
        at = min((n for word in words if (n := low.find(word)) >= 0), default=None)
        if at is not None:
            begin = 0 if len(sentence) <= PASSAGE_CAP else max(0, at - PASSAGE_CAP // 2)
            yield sentence[begin : begin + PASSAGE_CAP]


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, place and text between the tags that end a sentence."""
    at, line, where = 0, 1, "text"
    begun, parts = 1, [""]
    while match := TOKEN.search(text, at):
        name, closing = (match["name"] or "").lower(), bool(match["slash"])
        parts.append(text[at : match.start()])
        line += text.count("\n", at, match.start())
        if name and name not in _INLINE:
            yield begun, where, "".join(parts)
            parts = [" "]
        if name == "footer":
            where = "text" if closing else "footer"
        at = match.end()
        stop = at if closing or name not in _UNSEEN else end_of_text(name, text, at)
        line += match[0].count("\n") + text.count("\n", at, stop)
        at = stop
        if parts == [" "]:
            begun = line
    yield begun, where, "".join((*parts, text[at:]))


def heading(text: str, octets: bytes) -> str:
    """The text of the first `h1`; `octets` is the text, folded."""
    match = _HEADING.search(text) if b"<h1" in octets else None
    if match is None:
        return ""
    inner = text[match.end() : match.end() + LINK_CAP]
    return plain_text(_TAG.sub(" ", inner[: _end(inner, "</h1")]))


def links_of(text: str) -> list[Link]:
    """Of the last links of a page those whose address or words sound like terms or law.

    Pages link to their terms from the foot; each address stands once, and there are up to 20.
    """
    found: dict[str, Link] = {}
    anchors = list(islice(_anchors(text), _LAST_LINKS))
    # Looked for once where these links stand, so that each has only few words to look for.
    around = text[anchors[-1] :].lower() if anchors else ""
    words_there = [word for word in _LEGAL if word in around]
    for at in reversed(anchors) if words_there else ():
        tag, _, after = text[at : at + LINK_CAP].partition(">")
        words = after[: _end(after, "</a")]
        if not _any_in(words_there, f"{tag} {words}".lower()):
            continue
        address = _ADDRESS.search(tag)
        url = html.unescape(next(filter(None, address.groups()), "")).strip() if address else ""
        if url and url[0] != "#":
            found.setdefault(url, Link(url, plain_text(_TAG.sub(" ", words))[:200]))
    return list(found.values())[:LINKS]


def _anchors(text: str) -> Iterator[int]:
    """Where links begin, from the last to the first."""
    at = len(text)
    while (at := text.rfind("<a", 0, at)) >= 0:
        if text[at + 2 : at + 3].isspace():
            yield at


def _end(text: str, mark: str) -> int:
    found = text.find(mark)
    return found if found >= 0 else len(text)
