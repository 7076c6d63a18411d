"""Text of pages: passages that may reserve, and links to pages of terms. Never statements.

A passage is a candidate on a page of terms and in the footer of any page. Elsewhere it is a
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
VERSION = 2
TITLE = "Text of pages"
SPEC = "https://eur-lex.europa.eu/eli/dir/2019/790/oj#018"
FAMILY = "terms"
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES | {Resource.TERMS}
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

# Titles and addresses of pages of terms, by rank: those worth a visit first come first.
_LEGAL_RANKS = tuple(
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
# Hosts that publish terms of others, such as licences and cookie policies.
_FOREIGN_HOSTS = ("policies.google.com", "creativecommons.org", "wikipedia.org", "cookiebot.com")
_MAX_NAMES = 20


def parse(document: Document, /) -> Reading:
    """Return the reading of a page extract; an extract of version 1 holds no text."""
    prose = page.read_prose(document.body)
    is_legal = _is_legal(prose, document.body)
    sentences = (
        Sentence(
            passage.line + sentence.line - 1,
            sentence.text,
            is_legal or passage.where == "footer",
        )
        for passage in prose.passages
        for sentence in patterns.split_sentences([(1, passage.text)])
    )
    # N05: articles about mining use the same words, so other passages are only mentions.
    location = "legal_page" if is_legal else "page"
    candidates = patterns.find_candidates(sentences, location, prose.lang)
    names = tuple(_names(prose.links))[:_MAX_NAMES]
    presence = Presence.PRESENT if candidates or names else Presence.ABSENT
    return Reading(presence=presence, names=names, candidates=candidates)


def _is_legal(prose: Prose, extracted: bytes) -> bool:
    """Return whether title, first heading or canonical address of a page name it as terms."""
    paths = [
        _path(url)
        for element in page.read_elements(extracted)
        if element.tag == "link" and (element.get("rel") or "").lower() == "canonical"
        for url in [element.get("href") or ""]
    ]
    return any(_rank(text[:100]) is not None for text in (prose.title, prose.heading, *paths))


def _path(url: str) -> str:
    """Return the path of a URL as written; empty for a text that is no URL."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _rank(text: str) -> int | None:
    """Return the rank of a title or address of terms (0 is the best), None for other texts."""
    lowercased = text.lower()
    return next((n for n, words in enumerate(_LEGAL_RANKS) if words.search(lowercased)), None)


def _names(links: tuple[Link, ...]) -> Iterator[str]:
    """Yield the addresses of pages of terms by rank, each once."""
    ranked = []
    for link in links:
        ranks = [n for text in (link.url, link.text) if (n := _rank(text)) is not None]
        if ranks and not any(host in link.url for host in _FOREIGN_HOSTS):
            ranked.append((min(ranks), link.url))
    return iter(dict.fromkeys(url for _, url in sorted(ranked, key=lambda pair: pair[0])))


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: prose states nothing that a machine could follow."""
    return ()
