"""The attributes of tags, and text with its references resolved.

Tags as almost everybody writes them are taken apart here; from the first other one on,
BeautifulSoup reads them, which decides how odd quotes and references are understood.
"""

import html
import re
from collections.abc import Iterator, Sequence

from crawler.page._tags import Tag

Attributes = tuple[tuple[str, str], ...]

# White space, a name, and a value in quotes or without what could be misread.
_VALUE = r"""("[^"\0]*+"|'[^'\0]*+'|[\w.:#%?,;+/-]++)"""
_ATTRIBUTE = rf"[ \t\n]++([a-z][\w:.-]*+)(?:[ \t\n]*+=[ \t\n]*+{_VALUE})?+"
_PLAIN = re.compile(rf"<[a-z]++((?:{_ATTRIBUTE}(?=[ \t\n/>]))*+)[ \t\n]*+/?>", re.I | re.ASCII)
_PAIR = re.compile(_ATTRIBUTE, re.I | re.ASCII)
# References that every reader resolves alike; what else begins with `&` is left to BeautifulSoup.
_ODD_REFERENCE = re.compile(
    r"&(?!(?:amp|quot|lt|gt|nbsp|laquo|raquo|ndash|mdash|hellip|[lr][sd]quo|[aeiou]acute|copy|reg"
    r"|[AOUaou]uml|szlig|middot|bull"
    r"|#0?(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6]|1[6-9]\d|[2-9]\d\d|[1-9]\d{3})"
    r"|#x(?:2[0-9a-fA-F]|20[0-9a-fA-F]{2}));| )"
)


def attributes_of(tags: Sequence[Tag]) -> Iterator[Attributes]:
    """The attributes of each tag: names in lower case, the first of two with one name."""
    for at, tag in enumerate(tags):
        plain = _plain(tag.raw)
        if plain is None:
            yield from _by_soup(tags[at:])
            return
        yield plain


def _plain(raw: str) -> Attributes | None:
    """The attributes of a tag as almost everybody writes it, None for another one."""
    match = _PLAIN.fullmatch(raw)
    if match is None or ("&" in raw and _ODD_REFERENCE.search(raw)):
        return None
    found: dict[str, str] = {}
    for name, value in _PAIR.findall(match[1]):
        if value[:1] in ('"', "'"):
            value = value[1:-1]
        found.setdefault(name.lower(), html.unescape(value) if "&" in value else value)
    return tuple(found.items())


def _by_soup(tags: Sequence[Tag]) -> Iterator[Attributes]:
    """The attributes of each tag, read by BeautifulSoup in one go, one tag to a line.

    Closing each at once keeps the tree flat; the line of the tag tells which one it is.
    """
    from bs4 import BeautifulSoup  # most crawls need none, and it takes long to import

    starts, lines = [], ["<html>"]
    line = 2
    for tag in tags:
        starts.append(line)
        lines.append(f"{tag.raw}</{tag.name}>")
        line += tag.raw.count("\n") + 1
    soup = BeautifulSoup(
        "\n".join(lines),
        "html.parser",
        multi_valued_attributes=None,
        on_duplicate_attribute="ignore",
    )
    read = {tag.sourceline: tag.attrs for tag in soup.find_all(True) if tag.sourcepos == 0}
    for start in starts:
        yield tuple((key.lower(), str(value)) for key, value in read.get(start, {}).items())


def plain_text(text: str) -> str:
    """Text with references resolved and white space folded; `<` is no tag (RCDATA)."""
    if "&" not in text or not _ODD_REFERENCE.search(text):
        return " ".join(html.unescape(text).split())
    from bs4 import BeautifulSoup

    markup = f"<p>{text.replace('<', '&lt;')}"
    return " ".join(BeautifulSoup(markup, "html.parser").get_text().split())
