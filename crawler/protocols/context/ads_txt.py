"""ads.txt 1.1 (IAB Tech Lab): the domains that own an origin or manage its advertising.

Context only, of low confidence: a domain is not a rights holder. The file reserves nothing.
"""

import re
from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.protocols.context._text_file import FieldLine, lines_of, text_of
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import parties
from crawler.protocols.parsing.json_document import excerpt, limit_issues
from crawler.vocab import Presence, Resource

NAME = "ads_txt"
VERSION = 3
TITLE = "ads.txt (IAB Tech Lab)"
SPEC = "https://iabtechlab.com/ads-txt/"
FAMILY = "ads_txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ADS_TXT})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_VARIABLE = re.compile(r"([a-z]+)\s*=\s*(.*)", re.IGNORECASE)
# A record of a seller: domain, account, relationship. It proves that the file is an ads.txt.
_RECORD = re.compile(r"[^\s,=]+\s*,\s*[^,]+,\s*(?:direct|reseller)\b", re.IGNORECASE)
_DOMAINS = ("ownerdomain", "managerdomain")
_VARIABLES = frozenset((*_DOMAINS, "contact", "subdomain", "inventorypartnerdomain"))


def parse(document: Document, /) -> Reading:
    """Return a reading with the domains of OWNERDOMAIN and MANAGERDOMAIN as parties."""
    text, reason = text_of(document, FAMILY)
    if reason:
        return Reading(presence=Presence.ABSENT, issues=(reason,))
    lines = list(lines_of(text))
    variables = list(_variables(lines))
    if not variables and not any(_RECORD.match(line.text) for line in lines):
        other = Issue(code=f"{FAMILY}.other_format", line=1, excerpt=excerpt(text))
        return Reading(presence=Presence.ABSENT, issues=(other,))
    issues: list[Issue] = []
    return Reading(
        presence=Presence.PRESENT,
        parties=parties.unique_parties(_owners(variables, issues)),
        issues=limit_issues(issues, FAMILY),
    )


def _variables(lines: list[FieldLine]) -> Iterator[tuple[str, FieldLine]]:
    """Yield the known variables: the name in lower case, and the line with its value as text."""
    for line in lines:
        match = _VARIABLE.fullmatch(line.text)
        if match and match[1].lower() in _VARIABLES:
            yield match[1].lower(), line._replace(text=match[2])


def _owners(variables: list[tuple[str, FieldLine]], issues: list[Issue]) -> Iterator[Party | None]:
    """Yield the parties that the variables name.

    ads.txt 1.1: the first OWNERDOMAIN counts; there may be one MANAGERDOMAIN for each country.
    """
    has_owner = False
    for name, line in variables:
        if name not in _DOMAINS:
            continue
        if name == "ownerdomain" and has_owner:
            issues.append(_issue("repeated", line))
            continue
        # `MANAGERDOMAIN=example.org, DE`: the country follows after a comma.
        domain = parties.domain_of(line.text.partition(",")[0])
        if not domain:
            issues.append(_issue("domain", line))
            continue
        has_owner = has_owner or name == "ownerdomain"
        yield parties.make_party(
            f"{NAME}.{name}", "owner_domain", parties.LOW, uid=domain, place=f"line {line.number}"
        )


def _issue(code: str, line: FieldLine) -> Issue:
    return Issue(code=f"{FAMILY}.{code}", line=line.number, excerpt=excerpt(line.text))


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: ads.txt says nothing about mining."""
    return ()
