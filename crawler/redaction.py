"""Redact mailboxes and telephone numbers in quotations of what servers sent.

Excerpts of issues and snippets of candidates quote lines as written, and people write their
addresses into ai.txt, ads.txt and comments. Everything else stays, so that the quotation can
still be found in the body.

Rules for editors: `redact` is pure and may be applied twice. Every quantifier is bounded: texts
are hostile. Version numbers, dates, times, IP addresses and identifiers are not telephones.
"""

import re

#: What is written in place of an address.
MAILBOX, TELEPHONE = "[mailbox]", "[telephone]"

_LOCAL = r"[\w.!#$%&'*+/=?^`|~-]{1,64}"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_TLD = r"(?:xn--[\w-]{2,59}|[^\W\d_]{2,63})"
_DOMAIN = rf"(?:{_LABEL}\.){{1,8}}{_TLD}(?![\w-])"
_OPEN, _CLOSE = r"\s{0,3}[(\[{<]\s{0,3}", r"\s{0,3}[)\]}>]\s{0,3}"
_AT_WORD = r"(?:at|@|ät|arroba|apenstaartje|chiocciola|bei|chez)"
_DOT_WORD = r"(?:dot|\.|punkt|point|punto|ponto|punt)"
# `(dot)`, ` dot ` and `-dot-`; a plain full stop where another sign shows that it is an address.
_DOT = rf"(?:{_OPEN}{_DOT_WORD}{_CLOSE}|[\s_-]{{1,3}}{_DOT_WORD}[\s_-]{{1,3}}|\s?\.\s?)"
_SPELT_DOT = rf"(?:{_OPEN}{_DOT_WORD}{_CLOSE}|[\s_-]{{1,3}}(?:dot|punkt)[\s_-]{{1,3}})"
_NAME = r"[^\W_][\w.+-]{0,63}"
_HOST = r"[^\W_][^\W_-]{0,30}(?:-[^\W_-]{1,30}){0,3}"
_MAILBOXES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # jane@[192.0.2.1], "jane roe"@example.org, jane@example.org, jane @ example.org
        rf"{_LOCAL}@\[[0-9a-f.:]{{3,45}}\]",
        rf"\"[^\"@\r\n]{{1,64}}\"@{_DOMAIN}",
        rf"{_LOCAL}\s{{0,2}}(?:@|＠|%40|&#(?:64|x40);|&commat;|\\u0040)\s{{0,2}}{_DOMAIN}",
        rf"{_LOCAL}@localhost\b",
        # An address at the end of a quotation may be cut.
        rf"{_LOCAL}(?:@|%40)(?!\d)[\w.-]{{0,253}}\Z",
        # jane (at) example.org, jane[at]example[dot]org
        rf"{_NAME}{_OPEN}{_AT_WORD}{_CLOSE}{_HOST}(?:{_DOT}{_HOST}){{1,4}}",
        # jane at example dot org, jane-at-example-dot-org
        rf"{_NAME}(?:[\s_-]{{1,3}}at[\s_-]{{1,3}}|@){_HOST}(?:{_SPELT_DOT}{_HOST}){{1,4}}",
        # Contact: jane at example.org
        rf"(?<=:)\s{{0,3}}{_NAME}\s{{1,3}}at\s{{1,3}}{_DOMAIN}",
    )
)
_BEFORE = re.compile(r"\s*+(?:[^@\s%&]{0,60}[=/?'])?")
# Blanks and signs within a telephone number; a full stop, hyphen or slash stands alone.
_GAP = r"(?:[\s\u00a0\u2007\u2009\u202f]{0,2}[-./()\u2010-\u2015]?[\s\u00a0\u202f]{0,2}[()]?)"
_NUMBER = rf"\d(?:{_GAP}\d){{%d,17}}"
_LABELS = (
    r"(?:tele)?(?:phone|fon|fono|foon)|t[ée]l[ée](?:phone)?|tele?f(?:on|ono|oon|ax)?|tel|tlf|puh"
    r"|phone|fax|mobil(?:e|telefon)?|m[oó]vil|cell(?:ulare|phone)?|handy|hotline|whatsapp|signal"
    r"|sms|call(?: us)?|rufnummer"
)
_LABELLED = re.compile(
    rf"(?<![^\W_])((?:{_LABELS})(?:[\s_-]?(?:no|nr|number|num|nummer))?[.\s]{{0,2}}[:=]?\s{{0,3}})"
    rf"(\+?\(?{_NUMBER % 4}(?!\d))",
    re.IGNORECASE,
)
_IS_NO_TELEPHONE = re.compile(
    r"(?:19|20)\d\d([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2(?:19|20)\d\d"
    r"|\d{1,3}(?:\.\d{1,3}){3}|\d{1,3}\.\d{1,3}(?:\.\d{1,3})?"
)
_TELEPHONES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<=tel:)\+?{_NUMBER % 2}",
        # ITU-T E.164: a country code and at most 15 digits in all, at least seven here.
        rf"(?<![\w+.,:/=-])(?:\+|\(\+)\s?\(?{_NUMBER % 6}(?!\d)",
        rf"(?<![\w+.,/-])\(?00[1-9]\d{{0,2}}\)?[\s./()-]{{1,3}}{_NUMBER % 5}(?!\d)",
        # (555) 123-4567, 555-123-4567, 030/1234567
        r"(?<![\w.])\(0?\d{2,5}\)\s{0,2}\d{2,5}(?:[\s./-]\d{2,5}){1,3}(?!\d)",
        r"(?<![\w./-])\d{3}[-.]\d{3}[-.]\d{4}(?![\w.-]?\d)",
        r"(?<![\w./-])0[1-9]\d{1,4}\s?/\s?\d{5,9}(?!\d)",
    )
)


def redact(text: str) -> str:
    """Return a text with `[mailbox]` and `[telephone]` in place of such addresses."""
    if not text:
        return text
    for pattern in _MAILBOXES:
        text = pattern.sub(_mailbox, text)
    text = _LABELLED.sub(_labelled, text)
    for pattern in _TELEPHONES:
        text = pattern.sub(TELEPHONE, text)
    return text


def _mailbox(match: re.Match[str]) -> str:
    """Return the replacement, with what stands before the address kept.

    Blanks do, and a quotation mark, a slash or an equals sign: they may be part of a mailbox, but
    usually are not (`href='jane@example.org'`, `?to=jane@example.org`).
    """
    before = _BEFORE.match(match[0])
    assert before is not None
    return before[0] + MAILBOX


def _labelled(match: re.Match[str]) -> str:
    """Redact the number after a label, unless it is a date, a version or an IP address."""
    number = match[2]
    if _IS_NO_TELEPHONE.fullmatch(number):
        return match[0]
    return match[1] + TELEPHONE
