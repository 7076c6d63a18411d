"""security.txt (RFC 9116): contacts for security reports, often the only address of an origin.

Context only: the contact is for security, not for licences. The file reserves nothing.
"""

import re
from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.protocols.context._text_file import lines_of, text_of
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import parties
from crawler.protocols.parsing.json_document import excerpt, limit_issues
from crawler.vocab import Presence, Resource

NAME = "security_txt"
VERSION = 3
TITLE = "security.txt"
SPEC = "RFC 9116, https://www.rfc-editor.org/rfc/rfc9116"
FAMILY = "security_txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.SECURITY_TXT})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_FIELD = re.compile(r"([A-Za-z][A-Za-z-]*)\s*:\s*(.*)")
_CONTACT, _EXPIRES, _POLICY = "contact", "expires", "policy"
# Fields of RFC 9116, 2.5. `Preferred-Languages` alone does not make a file a security.txt.
_FIELDS = frozenset(
    (_CONTACT, _EXPIRES, _POLICY, "acknowledgments", "canonical", "encryption", "hiring")
)
# RFC 9116, 2.5.5: a date of RFC 3339; missing seconds are accepted.
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)")

_Field = tuple[str, str, int]


def parse(document: Document, /) -> Reading:
    """Return a reading with contacts and policies as parties; a signature is not checked."""
    text, reason = text_of(document, FAMILY)
    if reason:
        return Reading(presence=Presence.ABSENT, issues=(reason,))
    fields = list(_fields(text))
    if not fields:
        other = Issue(code=f"{FAMILY}.other_format", line=1)
        return Reading(presence=Presence.ABSENT, issues=(other,))
    violations = list(_violations(fields))
    return Reading(
        presence=Presence.MALFORMED if violations else Presence.PRESENT,
        parties=parties.unique_parties(map(_party, fields)),
        issues=limit_issues(violations, FAMILY),
    )


def _fields(text: str) -> Iterator[_Field]:
    """Yield the known fields (RFC 9116, 2.5): the name in lower case, the value, and the line."""
    for line in lines_of(text):
        match = _FIELD.fullmatch(line.text)
        if match and match[1].lower() in _FIELDS:
            yield match[1].lower(), match[2], line.number


def _violations(fields: list[_Field]) -> Iterator[Issue]:
    """Yield an issue for each rule that the file breaks.

    RFC 9116, 2.5.3: at least one Contact. 2.5.5: exactly one Expires, which is a date.
    """
    # The date is not compared with today's: equal documents must give equal readings.
    if not any(name == _CONTACT for name, _, _ in fields):
        yield Issue(code=f"{FAMILY}.no_contact")
    dates = [(value, line) for name, value, line in fields if name == _EXPIRES]
    if not dates:
        yield Issue(code=f"{FAMILY}.no_expires")
    for value, line in dates[1:]:
        yield Issue(code=f"{FAMILY}.repeated", line=line, excerpt=excerpt(value))
    for value, line in dates[:1]:
        if not _DATE.fullmatch(value):
            yield Issue(code=f"{FAMILY}.date", line=line, excerpt=excerpt(value))


def _party(field: _Field) -> Party | None:
    """Return the party of a Contact or Policy with a value, else None."""
    name, value, line = field
    if name not in (_CONTACT, _POLICY) or not value:
        return None
    return parties.make_party(
        f"{NAME}.{name}", "contact", parties.LOW, contact=(value,), place=f"line {line}"
    )


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: security.txt says nothing about mining."""
    return ()
