"""Copyright lines in the foot of a page, and lines of an imprint that name an organisation.

The selection is broad: a protocol decides whether a line names anybody, by patterns that change.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from crawler.organisations import is_organisation
from crawler.page._attributes import plain_text
from crawler.page._text import INLINE

#: Limits: lines of a page, characters of a line, occurrences of a sign that are looked at.
NOTICES, NOTICE_CAP = 6, 400
_OCCURRENCES = 8
# Characters that are searched before and after a sign.
_BEFORE, _AFTER = 400, 1200
# Characters in which a foot is looked for before a line, and at the end of a page; and words that
# may follow there.
_CONTEXT, _TAIL, _LAST_WORDS = 1500, 6000, 60
_SIGNS = ("©", "&copy", "&#169;", "opyright", "OPYRIGHT")
# One pass is cheaper than one for each case.
_LETTERS = re.compile(r"\([cC]\) ")
# Possessive, so that any page is read in linear time.
_MARKUP = re.compile(r"<(?P<slash>/?)(?P<name>[a-zA-Z!?][^\s/<>]*+)[^<>]*+>")
# Where one inline element ends and the next begins: words of two are not one word.
_JUNCTION = re.compile(r"(?<=[a-z])>(?=<[a-z])", re.IGNORECASE)
# Words in the class, id or role of a foot, and of an element with the credit of a picture.
_FOOT = (
    *("foot", "contentinfo", "colophon", "site-info", "siteinfo", "bottom", "page-copyright"),
    *("copyright-line", "copyright-text", "copyright-notice", "copyright-bar", "copyrighttext"),
    *("fuss", "pie-de", "pie_de", "piedepagina", "pied"),
)
_CREDIT = (
    *("caption", "credit", "photo", "image", "picture", "bild", "foto", "gallery", "thumb"),
    *("license-text", "licensetext"),
)
_ATTRIBUTES = ("class=", "id=", "role=", "itemprop=")
_TRIES = 3
# Characters in which the beginning of a script, a comment or a footer is looked for.
_WINDOW = 20_000
_IMPRINT = re.compile(
    r"impressum|imprint|legal notice|mentions l[eé]gales|aviso legal|note legali|colofon"
    r"|nota prawna|informac[eií] o (?:vydavateli|provozovateli)|tir[aá]ž|impresszum|impresum"
    r"|juridische|legal information|informazioni legali|informações legais|rechtliche",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(
    r"<(script|style|template|noscript)(?=[\s>]).*?(?:</\1[^<>]*>?|\Z)|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_IMPRINT_LINES, _IMPRINT_CHARACTERS = 5, 60_000


class Notice(NamedTuple):
    """A line of visible text; `where` is `footer`, `tail` (the end of a page) or `imprint`."""

    line: int
    where: str
    text: str


def notices_of(text: str) -> list[Notice]:
    """Return the last lines with a copyright sign or word, in the order of the page."""
    found_at = {offset for sign in _SIGNS for offset in _last(text, sign)}
    found_at.update([match.start() for match in _LETTERS.finditer(text)][-_OCCURRENCES:])
    offsets = sorted(found_at, reverse=True)
    found: dict[str, Notice] = {}
    first, last = 0, 0
    for offset in offsets[:_OCCURRENCES]:
        if len(found) == NOTICES:
            break
        # Word and sign stand in one line, which gives one notice.
        if first <= offset < last <= offset + _AFTER:
            continue
        where = _where(text, offset) if _is_visible(text, offset) else ""
        if where:
            first, last, line = _block(text, offset)
            notice = Notice(text.count("\n", 0, offset) + 1, where, line)
            found.setdefault(notice.text, notice)
    return list(found.values())[::-1]


def _last(text: str, sign: str) -> Iterator[int]:
    """Yield the last offsets of a sign, from the last one on."""
    offset = len(text)
    for _ in range(_OCCURRENCES):
        offset = text.rfind(sign, 0, offset)
        if offset < 0:
            return
        yield offset


def _is_visible(text: str, offset: int) -> bool:
    """Return whether an offset is in text and not in a tag, a comment, a script or a style."""
    begin = max(0, offset - _WINDOW)
    if text.rfind("<", begin, offset) > text.rfind(">", begin, offset):
        return False
    return not any(
        (opened := text.rfind(opening, begin, offset)) >= 0
        and text.find(closing, opened, offset) < 0
        for opening, closing in (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))
    )


def _block(text: str, offset: int) -> tuple[int, int, str]:
    """Return the visible text around an offset, between tags that end a sentence.

    Before it are the offsets at which it begins and ends; both are 0 where no tag is near.
    """
    before = text[max(0, offset - _BEFORE) : offset]
    begin = max((m.end() for m in _MARKUP.finditer(before) if _ends(m)), default=0)
    after = text[offset : offset + _AFTER]
    end = next((m.start() for m in _MARKUP.finditer(after) if _ends(m)), len(after))
    span = (offset - len(before) + begin, offset + end) if begin and end < len(after) else (0, 0)
    visible = _INVISIBLE.sub(" ", before[begin:] + after[:end])
    bare = _MARKUP.sub("", _JUNCTION.sub("> ", visible))
    return *span, plain_text(bare.partition("<")[0])[:NOTICE_CAP]


def _ends(tag: re.Match[str]) -> bool:
    name = tag["name"].lower()
    return name not in INLINE and name[0] not in "!?" and name not in ("script", "svg", "path")


def _where(text: str, offset: int) -> str:
    """Return where a line stands; empty for one elsewhere, such as the credit of a picture."""
    begin = max(0, offset - _WINDOW)
    if text.rfind("<footer", begin, offset) > text.rfind("</footer", begin, offset):
        return "footer"
    context = text[max(0, offset - _CONTEXT) : offset].lower()
    near = context[-_BEFORE:]
    foot = _last_named(near, _FOOT)
    if max(near.rfind("<fig"), _last_named(near, _CREDIT)) > foot:
        return ""
    if foot >= 0 or _last_named(context[:-_BEFORE], _FOOT) >= 0:
        return "footer"
    return "tail" if len(text) - offset < _TAIL and _is_last(text[offset:]) else ""


def _last_named(markup: str, words: tuple[str, ...]) -> int:
    """Return the offset of the last of some words in a naming attribute, -1 without one."""
    last = -1
    for word in words:
        offset = len(markup)
        for _ in range(_TRIES):
            offset = markup.rfind(word, 0, offset)
            if offset <= last:
                break
            tag = markup.rfind("<", 0, offset)
            if tag < 0 or markup.find(">", tag, offset) >= 0:
                continue
            attribute = max(markup.rfind(name, tag, offset) for name in _ATTRIBUTES)
            if attribute >= 0 and markup.count("=", attribute, offset) == 1:
                last = offset
                break
    return last


def _is_last(rest: str) -> bool:
    """Return whether little text follows: a line further up may be about what it follows."""
    return len(_MARKUP.sub(" ", _INVISIBLE.sub(" ", rest)).split()) < _LAST_WORDS


def imprint_of(title: str, heading: str, text: str) -> list[Notice]:
    """Return the first lines of an imprint page that name an organisation; none of other pages.

    What names persons there, their telephones and addresses, is not kept.
    """
    if not _IMPRINT.search(f"{title} {heading}"):
        return []
    begin = max(0, text.lower().find("<h1"))
    visible = _INVISIBLE.sub(_newlines, text[begin : begin + _IMPRINT_CHARACTERS])
    lines = _lines(visible, text.count("\n", 0, begin) + 1)
    return list(islice((line for line in lines if is_organisation(line.text)), _IMPRINT_LINES))


def _newlines(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _lines(text: str, line: int) -> Iterator[Notice]:
    """Yield the blocks of text between tags that end a sentence; `line` is that of the text."""
    offset, first, parts = 0, line, [""]
    for tag in [*_MARKUP.finditer(text), None]:
        end, stop = (tag.start(), tag.end()) if tag else (len(text), len(text))
        parts.append(text[offset:end])
        line += text.count("\n", offset, stop)
        offset = stop
        if tag is None or _ends(tag):
            block = "".join(parts)
            if words := plain_text(block):
                leading = len(block) - len(block.lstrip())
                yield Notice(first + block.count("\n", 0, leading), "imprint", words)
            first, parts = line, []
