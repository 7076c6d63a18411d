"""Text of pages: passages that may reserve, and links to pages of terms. Never a statement.

On a page of terms, and in the foot of any page, a passage is a candidate; elsewhere it is a
mention, since articles about mining use the same words.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from crawler import page
from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.page import Link, Prose
from crawler.protocols.interface import Carrier
from crawler.protocols.prose import patterns
from crawler.protocols.prose.patterns import Sentence
from crawler.vocab import PAGES, Presence, Resource

NAME = "page_text"
VERSION = 1
TITLE = "Text of pages"
SPEC = "https://eur-lex.europa.eu/eli/dir/2019/790/oj#018"
FAMILY = "terms"
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES | {Resource.TERMS}
HEADERS: tuple[str, ...] = ()

# What pages of terms are called, in the order in which they are worth a visit.
_LEGAL = tuple(
    re.compile(rf"(?<![^\W_])(?:{words})")
    for words in (
        r"tdm(?:[-_. /]|rep)?(?:policy|reserv|vorbehalt|opt)|nutzungsvorbehalt|[ak]i-(?:pol|vorb)"
        r"|text.(?:and|und|&).data.mining.(?:policy|reserv|vorbehalt)",
        r"terms|nutzungsbed|agb(?![^\W_])|cgu(?![^\W_])|conditions (?:g[ée]n|d'util|of)|t&c"
        r"|conditions-(?:g[ée]n|d-?util|of)|condi[cç][a-zõ]+es[ -](?:de|gen)"
        r"|t[eé]rminos|termini|termos|condizioni|voorwaarden|gebruiksvoorw|regulamin|warunki"
        r"|anv[aä]ndarvillkor|villkor|vilk[aå]r|brugsvilk|podm[ií]nk|allgemeine gesch",
        r"copyright|urheberrecht|droits? d.auteur|derechos de autor|auteursrecht|prawa? autorsk"
        r"|upphovsr|ophavsret|autorsk",
        r"legal|mentions|aviso|note legali|note-legali|rechtlich|juridi|nota prawna|disclaimer",
        r"impressum|imprint|colofon",
    )
)
_ELSEWHERE = ("policies.google.com", "creativecommons.org", "wikipedia.org", "cookiebot.com")
_NAMES = 20


def parse(document: Document, /) -> Reading:
    """Read the passages and links of an extract; those of its first version hold none."""
    prose = page.prose(document.body)
    legal = _is_legal(prose, document.body)
    given = (
        Sentence(passage.line + s.line - 1, s.text, legal or passage.where == "footer")
        for passage in prose.passages
        for s in patterns.sentences([(1, passage.text)])
    )
    location = "legal_page" if legal else "page"
    found = patterns.candidates(given, location, prose.lang)
    names = tuple(_names(prose.links))[:_NAMES]
    seen = Presence.PRESENT if found or names else Presence.ABSENT
    return Reading(presence=seen, names=names, candidates=found)


def _is_legal(prose: Prose, extracted: bytes) -> bool:
    """Whether a page calls itself terms: in title, first heading or its own address."""
    paths = [
        _path(url)
        for element in page.elements(extracted)
        if element.tag == "link" and (element.get("rel") or "").lower() == "canonical"
        for url in [element.get("href") or ""]
    ]
    return any(_worth(text[:100]) is not None for text in (prose.title, prose.heading, *paths))


def _path(url: str) -> str:
    """The path of a URL as it is written; empty for what is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _worth(text: str) -> int | None:
    """The rank of what sounds like terms, 0 first; None for other words."""
    low = text.lower()
    return next((n for n, words in enumerate(_LEGAL) if words.search(low)), None)


def _names(links: tuple[Link, ...]) -> Iterator[str]:
    """The addresses of pages of terms, those most worth a visit first."""
    ranked = []
    for link in links:
        worth = [n for text in (link.url, link.text) if (n := _worth(text)) is not None]
        if worth and not any(host in link.url for host in _ELSEWHERE):
            ranked.append((min(worth), link.url))
    return iter(dict.fromkeys(url for _, url in sorted(ranked, key=lambda pair: pair[0])))


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Nothing: prose states nothing that a machine could follow."""
    return ()
