"""Search of text files for passages that may reserve: comments, and text without a grammar.

Rules for editors: every protocol that holds text of a file searches it with these functions, so
that a sentence is found wherever people write it (docs/reference/protocols/page_text.md).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from crawler.model import Candidate
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.prose import patterns

# Characters that draw frames and bullets around the words of a line.
_DECORATION = "#*-=_/|>•·┃│ \t"
_BULLETS = ("- ", "* ", "• ", "· ")
# A `#` begins a comment at the start of a line or after white space: URLs keep their fragments.
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,500}>")
# A field of a few words, such as a rule of ai.txt, and a heading of Markdown.
_FIELD = re.compile(r"[ \t]*[A-Za-z][\w-]{0,39}[ \t]*:(?:[ \t]*[^\s]+){0,3}[ \t]*\Z")
_HEADING = re.compile(r"[ \t]*#")
_EOL = re.compile(r"\r\n|\r|\n")
_MAX_SENTENCES, _MAX_LINES = 2000, 20_000

Paragraph = list[tuple[int, str]]


def search_comments(text: str, location: str) -> tuple[Candidate, ...]:
    """Return the candidates in the comments of a text, each a line or what follows a `#`.

    Comments on consecutive lines are one paragraph, so that a sentence may run over several.
    """
    return search_paragraphs(_paragraphs(map(_comment_of, _lines(text))), location)


def search_text(text: str, location: str) -> tuple[Candidate, ...]:
    """Return the candidates in a text without its comments, such as Markdown or JSON.

    A heading of Markdown begins with `#` as well, so it is left to `search_comments`.
    """
    lines = [_MARKUP.sub(" ", _COMMENT.split(line, maxsplit=1)[0]) for line in _lines(text)]
    return search_paragraphs(_paragraphs(lines, _FIELD), location)


def search_markdown(text: str, location: str) -> tuple[Candidate, ...]:
    """Return the candidates in Markdown, in which `#` begins a heading."""
    lines = [_MARKUP.sub(" ", line) for line in _lines(text)]
    return search_paragraphs(_paragraphs(lines, _HEADING), location)


def search_paragraphs(
    paragraphs: Iterable[Paragraph], location: str, lang: str = ""
) -> tuple[Candidate, ...]:
    """Return the candidates in paragraphs, given as lists of (line number, text)."""
    sentences = (s for paragraph in paragraphs for s in patterns.split_sentences(paragraph))
    return patterns.find_candidates(islice(sentences, _MAX_SENTENCES), location, lang)


def limit(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return the first candidates of several searches of one document, each text once."""
    unique = {candidate.snippet: candidate for candidate in reversed(candidates)}
    first = [c for c in candidates if unique[c.snippet] is c]
    return tuple(first[: patterns.MAX_CANDIDATES])


def _lines(text: str) -> list[str]:
    return _EOL.split(text)[:_MAX_LINES]


def _comment_of(line: str) -> str:
    """Return the comment of a line with its mark, or an empty text."""
    match = _COMMENT.search(line) if "#" in line else None
    return line[match.start() :] if match else ""


def _paragraphs(lines: Iterable[str], alone: re.Pattern[str] | None = None) -> Iterator[Paragraph]:
    """Yield paragraphs: consecutive lines, up to an empty one or a new list item.

    A line that `alone` matches is a paragraph by itself.
    """
    paragraph: Paragraph = []
    for number, line in enumerate(lines, start=1):
        words = line.strip(_DECORATION)
        is_alone = alone is not None and alone.match(line) is not None
        # A list item is a paragraph even without an empty line before it.
        if not words or is_alone or line.lstrip("# \t┃│").startswith(_BULLETS):
            yield paragraph
            paragraph = []
        if words:
            paragraph.append((number, clean(words)))
        if is_alone:
            yield paragraph
            paragraph = []
    yield paragraph


def paragraphs_of_comments(texts: Iterable[str]) -> Iterator[Paragraph]:
    """Yield the paragraphs of comments of lines that were split before."""
    return _paragraphs(map(_comment_of, texts))
