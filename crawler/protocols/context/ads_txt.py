"""ads.txt: which domain says that it owns an origin, or sells its advertising.

Context only, and weak: a domain is not a rights holder. It reserves nothing.
"""

import re
from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.protocols.context._text_file import FieldLine, lines_of, text_of
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import parties
from crawler.protocols.parsing.json_document import capped, excerpt
from crawler.vocab import Presence, Resource

NAME = "ads_txt"
VERSION = 1
TITLE = "ads.txt (IAB Tech Lab)"
SPEC = "https://iabtechlab.com/ads-txt/"
FAMILY = "ads_txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ADS_TXT})
HEADERS: tuple[str, ...] = ()

_VARIABLE = re.compile(r"([a-z]+)\s*=\s*(.*)", re.IGNORECASE)
_RECORD = re.compile(r"[^\s,=]+\s*,\s*[^,]+,\s*(?:direct|reseller)\b", re.IGNORECASE)
_DOMAINS = ("ownerdomain", "managerdomain")
_VARIABLES = frozenset((*_DOMAINS, "contact", "subdomain", "inventorypartnerdomain"))


def parse(document: Document, /) -> Reading:
    """Read the two variables that name a domain; sellers and other variables are passed over."""
    text, nothing = text_of(document, FAMILY)
    if nothing:
        return Reading(presence=Presence.ABSENT, issues=(nothing,))
    lines = list(lines_of(text))
    variables = list(_variables(lines))
    if not variables and not any(_RECORD.match(line.text) for line in lines):
        other = Issue(code=f"{FAMILY}.other_format", line=1, excerpt=excerpt(text))
        return Reading(presence=Presence.ABSENT, issues=(other,))
    issues: list[Issue] = []
    return Reading(
        presence=Presence.PRESENT,
        parties=parties.unique(_owners(variables, issues)),
        issues=capped(issues, FAMILY),
    )


def _variables(lines: list[FieldLine]) -> Iterator[tuple[str, FieldLine]]:
    """The lines that give a known variable a value: its name in lower case, and the value."""
    for line in lines:
        match = _VARIABLE.fullmatch(line.text)
        if match and match[1].lower() in _VARIABLES:
            yield match[1].lower(), line._replace(text=match[2])


def _owners(variables: list[tuple[str, FieldLine]], issues: list[Issue]) -> Iterator[Party | None]:
    """ads.txt 1.1: of several OWNERDOMAIN the first counts; MANAGERDOMAIN is one a country."""
    owned = False
    for name, line in variables:
        if name not in _DOMAINS:
            continue
        if name == "ownerdomain" and owned:
            issues.append(_issue("repeated", line))
            continue
        domain = parties.domain_of(line.text.partition(",")[0])
        if not domain:
            issues.append(_issue("domain", line))
            continue
        owned = owned or name == "ownerdomain"
        yield parties.party(f"{NAME}.{name}", "owner_domain", parties.LOW, uid=domain)


def _issue(code: str, line: FieldLine) -> Issue:
    return Issue(code=f"{FAMILY}.{code}", line=line.number, excerpt=excerpt(line.text))


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Nothing: who sells advertising says nothing about mining."""
    return ()
