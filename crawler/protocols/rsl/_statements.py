"""What the carriers of RSL share: the reading of a licence document, and answers from it.

RSL grants licences. `prohibits` is a reservation; a permission for money or within limits is
an offer on terms; a list of permissions leaves out what it does not name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from crawler.model import AppliedStatement, Issue, Party, Question, Reading, Statement, numbered
from crawler.protocols.parsing import parties, path_patterns
from crawler.protocols.parsing.json_document import capped, clean, excerpt
from crawler.protocols.parsing.xml_document import Node, Xml
from crawler.protocols.rsl import _licence
from crawler.protocols.rsl._licence import Content, Term, contents_of, http_url
from crawler.vocab import DeclaredBy, Presence, Reads, Stance

FAMILY = _licence.FAMILY
SPEC = "https://rslstandard.org/rsl"
MEDIA_TYPE = "application/rsl+xml"

_MOST = 200
_STRENGTH = {Stance.RESERVED: 0, Stance.CONDITIONAL: 1, Stance.PERMITTED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copyright:
    """Who holds the rights, as the document says; empty where it says nothing."""

    type: str = ""
    name: str = ""
    contact_email: str = ""
    contact_url: str = ""


class LicensedStatement(NamedTuple):
    """A statement and the pattern of its content; None for all that it is attached to."""

    statement: Statement
    pattern: path_patterns.Pattern | None

    @property
    def octets(self) -> int:
        """How narrow the content is."""
        return self.pattern.octets if self.pattern else 0

    @property
    def universal(self) -> bool:
        """Whether the content is everything."""
        return self.pattern is None or self.pattern.universal

    @property
    def permits(self) -> bool:
        """Whether it is a permission without terms."""
        return self.statement.stance is Stance.PERMITTED


class LicenseRules(NamedTuple):
    """What answers questions."""

    said: tuple[LicensedStatement, ...] = ()


def issue(code: str, text: str = "", line: int | None = None) -> Issue:
    """An issue of this family."""
    return Issue(code=f"{FAMILY}.{code}", line=line, excerpt=excerpt(text))


def pointer(links: Iterable[tuple[str, int, str]]) -> Reading:
    """The reading of links (URL, line, text) to documents; without a usable one, malformed.

    RSL 1.0, discovery: the URI is absolute and https. http is asked for and noted.
    """
    given = list(links)
    names = dict.fromkeys(clean(url) for url, _, _ in given if http_url(url))
    issues = []
    for url, line, raw in given:
        if not http_url(url):
            issues.append(issue("license.not_absolute", raw, line))
        elif url.lower().startswith("http:"):
            issues.append(issue("license.not_https", raw, line))
    present = Presence.PRESENT if names else Presence.MALFORMED
    return Reading(
        presence=present if given else Presence.ABSENT,
        issues=capped(issues, FAMILY),
        names=tuple(names)[:_MOST],
    )


def read(xml: Xml, declared_by: DeclaredBy, place: str, first: int = 1) -> Reading:
    """The reading of a document whose first line is `first` of what it stands in.

    What does not conform is shown and decides nothing.
    """
    root = xml.root
    if root is None:
        line = first - 1 + xml.line
        if xml.fault == "html":
            return Reading(presence=Presence.ABSENT, issues=(issue("soft_404", line=line),))
        fault = issue(xml.fault, xml.message, line)
        return Reading(presence=Presence.MALFORMED, issues=(fault,))
    if root.name.lower() != "rsl":
        code = "soft_404" if root.name.lower() == "html" else "other_format"
        return Reading(presence=Presence.ABSENT, issues=(issue(code, root.name, first),))
    issues: list[Issue] = []
    contents = contents_of(root, issues)
    said = [
        _said(content, term, declared_by, place, first)
        for content in contents
        for term in content.terms
    ]
    issues = [replace(found, line=(found.line or 1) + first - 1) for found in issues]
    conforms = bool(contents) and all(content.strict for content in contents)
    presence = Presence.PRESENT if conforms else Presence.MALFORMED
    holder = _party(_copyright(root), presence)
    return made(presence, said, issues, parties=(holder,) if holder else ())


def _said(
    content: Content, term: Term, declared_by: DeclaredBy, place: str, first: int
) -> LicensedStatement:
    line = term.line + first - 1
    statement = Statement(
        rule=term.rule,
        stance=term.stance,
        purpose=term.purpose,
        tier=term.tier,
        place=f"{place} line {line}",
        raw=term.raw,
        clause=term.clause,
        declared_by=declared_by,
        line=line,
        path=None if content.path is None else clean(content.path[:1000]),
        policy=term.policy,
        reads=Reads.BOTH if content.strict else Reads.LENIENT,
        counts=content.strict,
    )
    pattern = None if content.path is None else path_patterns.compile_pattern(content.path)
    return LicensedStatement(statement, pattern)


def made(
    presence: Presence,
    said: list[LicensedStatement],
    issues: list[Issue],
    names: tuple[str, ...] = (),
    parties: tuple[Party, ...] = (),
) -> Reading:
    """A reading of at most 200 statements; of more, those that reserve are kept first."""
    if len(said) > _MOST:
        issues = [*issues[: _MOST - 1], issue("more_statements", f"{len(said) - _MOST} more")]
        said = sorted(said, key=lambda one: _STRENGTH[one.statement.stance])[:_MOST]
    statements = numbered([one.statement for one in said])
    kept = tuple(LicensedStatement(s, one.pattern) for s, one in zip(statements, said, strict=True))
    return Reading(
        presence=presence,
        statements=statements,
        issues=capped(issues, FAMILY),
        names=names,
        parties=parties,
        rules=LicenseRules(kept),
    )


def _party(copyright: Copyright | None, presence: Presence) -> Party | None:
    """RSL, `copyright`: the holder of the rights, known by the page or mailbox to ask at."""
    if copyright is None:
        return None
    found = parties.party(
        f"{FAMILY}.copyright",
        "holder",
        parties.HIGH if presence is Presence.PRESENT else parties.MEDIUM,
        name=copyright.name,
        contact=(copyright.contact_url, copyright.contact_email),
        is_person=copyright.type.lower() == "person",
    )
    page = found.contact_page if found and parties.is_web(found.contact_page) else ""
    return found and replace(found, uid=page or found.mailbox)


def _copyright(root: Node) -> Copyright | None:
    """The first `copyright` of the document that says anything."""
    contents = root.each("content")
    places = [root, *contents, *(licence for c in contents for licence in c.each("license"))]
    for node in (found for place in places for found in place.each("copyright")):
        given = {name.lower(): clean(value[:500]) for name, value in node.attributes.items()}
        said = Copyright(
            type=given.get("type", ""),
            name=clean(node.text[:500]),
            contact_email=given.get("contactemail", ""),
            contact_url=given.get("contacturl", ""),
        )
        if said != Copyright():
            return said
    return None


def rules_of(reading: Reading) -> LicenseRules:
    """What a reading holds to answer from."""
    return reading.rules if isinstance(reading.rules, LicenseRules) else LicenseRules()


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What decides for a path, or for the whole origin; what does not count comes last."""
    found: list[AppliedStatement] = []
    for counts in (True, False):
        said = [one for one in rules_of(reading).said if one.statement.counts is counts]
        found += _everywhere(said) if question.path is None else _at(said, question.path)
    return tuple(found)


def _at(said: list[LicensedStatement], path: str) -> Iterator[AppliedStatement]:
    """The narrowest content that speaks to a purpose, and of equals the one that reserves.

    A narrower content replaces the permissions of a broader one, named again or not, but
    what it is silent about stays reserved.
    """
    normal = path_patterns.normalise_path(path)
    matched = [one for one in said if not one.pattern or path_patterns.matches(one.pattern, normal)]
    most = max((one.octets for one in matched), default=0)
    for same in _grouped(matched):
        top = max(one.octets for one in same)
        decides = _strictest([one for one in same if one.octets == top])
        if not decides.permits or top == most:
            yield AppliedStatement(statement=decides.statement)


def _everywhere(said: list[LicensedStatement]) -> Iterator[AppliedStatement]:
    """For each purpose what every content says, and whether it is said of everything."""
    for same in _grouped(said):
        universal = [one for one in same if one.universal]
        contents: dict[str, list[LicensedStatement]] = {}
        for one in same:
            if one.pattern and not one.universal:
                contents.setdefault(one.pattern.text, []).append(one)
        narrow = [_strictest(those) for those in contents.values()]
        if universal:
            decides = _strictest(universal)
            against = any(one.permits is not decides.permits for one in narrow)
            yield AppliedStatement(
                statement=decides.statement, limited_to="paths" if against else ""
            )
        yield from (AppliedStatement(statement=one.statement, limited_to="paths") for one in narrow)


def _grouped(said: list[LicensedStatement]) -> list[list[LicensedStatement]]:
    """Statements by purpose, in their order."""
    groups: dict[object, list[LicensedStatement]] = {}
    for one in said:
        groups.setdefault(one.statement.purpose, []).append(one)
    return list(groups.values())


def _strictest(said: list[LicensedStatement]) -> LicensedStatement:
    """The one that reserves most: `prohibits` beats `permits` (RSL 1.0, prohibits)."""
    return min(said, key=lambda one: _STRENGTH[one.statement.stance])
