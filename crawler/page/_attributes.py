"""Attributes of HTML tags, and text with its character references resolved.

Tags in the usual form are read by regular expressions. From the first tag in another form on,
BeautifulSoup reads them: it decides how unusual quotes and references are understood. A property
test compares both readers.
"""

import html
import re
from collections.abc import Iterator, Sequence

from crawler.page._tags import Tag

Attributes = tuple[tuple[str, str], ...]

# White space, a name, and a value in quotes or without what could be misread.
_VALUE = r"""("[^"\0]*+"|'[^'\0]*+'|[\w.:#%?,;+/-]++)"""
_ATTRIBUTE = rf"[ \t\n]++([a-z][\w:.-]*+)(?:[ \t\n]*+=[ \t\n]*+{_VALUE})?+"
_USUAL_TAG = re.compile(rf"<[a-z]++((?:{_ATTRIBUTE}(?=[ \t\n/>]))*+)[ \t\n]*+/?>", re.I | re.ASCII)
_PAIR = re.compile(_ATTRIBUTE, re.I | re.ASCII)
# Any `&` that does not begin a reference which all readers resolve in the same way. BeautifulSoup
# reads those.
_UNUSUAL_REFERENCE = re.compile(
    r"&(?!(?:amp|quot|lt|gt|nbsp|laquo|raquo|ndash|mdash|hellip|[lr][sd]quo|[aeiou]acute|copy|reg"
    r"|[AOUaou]uml|szlig|middot|bull"
    r"|#0?(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6]|1[6-9]\d|[2-9]\d\d|[1-9]\d{3})"
    r"|#x(?:2[0-9a-fA-F]|20[0-9a-fA-F]{2}));| )"
)


def attributes_of(tags: Sequence[Tag]) -> Iterator[Attributes]:
    """Yield the attributes of each tag.

    Names are lower case; of two attributes with equal names the first is kept (HTML, 13.2.5.33).
    """
    for index, tag in enumerate(tags):
        attributes = _usual_attributes(tag.raw)
        if attributes is None:
            yield from soup_attributes_of(tags[index:])
            return
        yield attributes


def _usual_attributes(raw: str) -> Attributes | None:
    """Return the attributes of a tag in the usual form, None for a tag in another form."""
    match = _USUAL_TAG.fullmatch(raw)
    if match is None or ("&" in raw and _UNUSUAL_REFERENCE.search(raw)):
        return None
    attributes: dict[str, str] = {}
    for name, value in _PAIR.findall(match[1]):
        if value[:1] in ('"', "'"):
            value = value[1:-1]
        attributes.setdefault(name.lower(), html.unescape(value) if "&" in value else value)
    return tuple(attributes.items())


def soup_attributes_of(tags: Sequence[Tag]) -> Iterator[Attributes]:
    """Yield the attributes of each tag as BeautifulSoup reads them."""
    from bs4 import BeautifulSoup  # slow to import, and most crawls do not need it

    # One document for all tags, each on a line of its own, so that the line identifies the tag.
    # Each is closed at once: that keeps the tree flat.
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
    by_line = {tag.sourceline: tag.attrs for tag in soup.find_all(True) if tag.sourcepos == 0}
    for start in starts:
        yield tuple((key.lower(), str(value)) for key, value in by_line.get(start, {}).items())


def plain_text(text: str) -> str:
    """Return text with references resolved and white space collapsed; `<` is text (RCDATA)."""
    if "&" not in text or not _UNUSUAL_REFERENCE.search(text):
        return " ".join(html.unescape(text).split())
    from bs4 import BeautifulSoup

    markup = f"<p>{text.replace('<', '&lt;')}"
    return " ".join(BeautifulSoup(markup, "html.parser").get_text().split())
