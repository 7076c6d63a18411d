"""Parts shared by the carriers of RSL 1.0: reading a licence document, and answering from it.

RSL grants licences. `prohibits` is a reservation. A permission that costs money or is limited
is an offer on terms. A list of permissions does not license what it does not name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from crawler.model import AppliedStatement, Issue, Party, Question, Reading, Statement, numbered
from crawler.protocols.parsing import parties, path_patterns
from crawler.protocols.parsing.json_document import clean, excerpt, limit_issues
from crawler.protocols.parsing.xml_document import Node, Xml
from crawler.protocols.rsl import _licence
from crawler.protocols.rsl._licence import Content, Term, is_http_url, read_contents
from crawler.protocols.url_patterns import UrlPattern, selective
from crawler.vocab import DeclaredBy, Presence, Reads, Stance

FAMILY = _licence.FAMILY
SPEC = "https://rslstandard.org/rsl"
MEDIA_TYPE = "application/rsl+xml"

_MAX_ITEMS = 200  # statements, issues and links of one reading
_STRICTNESS = {Stance.RESERVED: 0, Stance.CONDITIONAL: 1, Stance.PERMITTED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copyright:
    """The rights holder that a document declares (RSL 1.0, element copyright).

    A field is empty where the document does not give it.
    """

    type: str = ""
    name: str = ""
    contact_email: str = ""
    contact_url: str = ""


class LicensedStatement(NamedTuple):
    """A statement with the path pattern of its `content`.

    `pattern` is None where the `content` covers whatever the document is attached to.
    """

    statement: Statement
    pattern: path_patterns.Pattern | None

    @property
    def octets(self) -> int:
        """Length of the pattern in octets, which measures how narrow the `content` is."""
        return self.pattern.octets if self.pattern else 0

    @property
    def universal(self) -> bool:
        """True where the `content` covers every path."""
        return self.pattern is None or self.pattern.universal

    @property
    def permits(self) -> bool:
        """True for a permission without terms."""
        return self.statement.stance is Stance.PERMITTED


class LicenseRules(NamedTuple):
    """The rules of an RSL reading (`Reading.rules`): its statements with their patterns."""

    statements: tuple[LicensedStatement, ...] = ()


def issue(code: str, text: str = "", line: int | None = None) -> Issue:
    """Return an issue `rsl.<code>` with an excerpt of `text`."""
    return Issue(code=f"{FAMILY}.{code}", line=line, excerpt=excerpt(text))


def read_links(links: Iterable[tuple[str, int, str]]) -> Reading:
    """Return the reading of links (URL, line, raw text) to documents.

    It is malformed where no link is usable. RSL 1.0, discovery: the URI is absolute and https;
    an http URI is followed and noted.
    """
    all_links = list(links)
    names = dict.fromkeys(clean(url) for url, _, _ in all_links if is_http_url(url))
    issues = []
    for url, line, raw in all_links:
        if not is_http_url(url):
            issues.append(issue("license.not_absolute", raw, line))
        elif url.lower().startswith("http:"):
            issues.append(issue("license.not_https", raw, line))
    presence = Presence.PRESENT if names else Presence.MALFORMED
    return Reading(
        presence=presence if all_links else Presence.ABSENT,
        issues=limit_issues(issues, FAMILY),
        names=tuple(names)[:_MAX_ITEMS],
    )


def read_document(xml: Xml, declared_by: DeclaredBy, place: str, first: int = 1) -> Reading:
    """Return the reading of a licence document.

    `first` is the line of the surrounding file on which the document begins; lines are counted
    from it. A document that does not conform to RSL 1.0 is shown and does not count.
    """
    root = xml.root
    if root is None:
        line = first - 1 + xml.line
        if xml.fault == "html":
            return Reading(presence=Presence.ABSENT, issues=(issue("soft_404", line=line),))
        error = issue(xml.fault, xml.message, line)
        return Reading(presence=Presence.MALFORMED, issues=(error,))
    if root.name.lower() != "rsl":
        code = "soft_404" if root.name.lower() == "html" else "other_format"
        return Reading(presence=Presence.ABSENT, issues=(issue(code, root.name, first),))
    issues: list[Issue] = []
    contents = read_contents(root, issues)
    statements = [
        _statement(content, term, declared_by, place, first)
        for content in contents
        for term in content.terms
    ]
    issues = [replace(each, line=(each.line or 1) + first - 1) for each in issues]
    # A document that departs in one `content` is malformed; its other contents still count.
    conforms = bool(contents) and all(content.strict for content in contents)
    presence = Presence.PRESENT if conforms else Presence.MALFORMED
    holder = _party(_copyright(root), presence)
    return make_reading(presence, statements, issues, parties=(holder,) if holder else ())


def _statement(
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


def make_reading(
    presence: Presence,
    statements: list[LicensedStatement],
    issues: list[Issue],
    names: tuple[str, ...] = (),
    parties: tuple[Party, ...] = (),
) -> Reading:
    """Return a reading of at most 200 statements; the strictest are kept first."""
    if len(statements) > _MAX_ITEMS:
        excess = len(statements) - _MAX_ITEMS
        issues = [*issues[: _MAX_ITEMS - 1], issue("more_statements", f"{excess} more")]
        statements = sorted(statements, key=_strictness)[:_MAX_ITEMS]
    in_order = numbered([licensed.statement for licensed in statements])
    rules = tuple(
        LicensedStatement(statement, licensed.pattern)
        for statement, licensed in zip(in_order, statements, strict=True)
    )
    return Reading(
        presence=presence,
        statements=in_order,
        issues=limit_issues(issues, FAMILY),
        names=names,
        parties=parties,
        rules=LicenseRules(rules),
    )


def _party(copyright: Copyright | None, presence: Presence) -> Party | None:
    """Return the rights holder as a party, identified by its contact page, else its mailbox."""
    if copyright is None:
        return None
    party = parties.make_party(
        f"{FAMILY}.copyright",
        "holder",
        parties.HIGH if presence is Presence.PRESENT else parties.MEDIUM,
        name=copyright.name,
        contact=(copyright.contact_url, copyright.contact_email),
        is_person=copyright.type.lower() == "person",
    )
    page = party.contact_page if party and parties.is_web_url(party.contact_page) else ""
    return party and replace(party, uid=page or party.mailbox)


def _copyright(root: Node) -> Copyright | None:
    """Return the first `copyright` element that is not empty (RSL 1.0, element copyright)."""
    contents = root.each("content")
    parents = [root, *contents, *(licence for c in contents for licence in c.each("license"))]
    for node in (child for parent in parents for child in parent.each("copyright")):
        attributes = {name.lower(): clean(value[:500]) for name, value in node.attributes.items()}
        copyright = Copyright(
            type=attributes.get("type", ""),
            name=clean(node.text[:500]),
            contact_email=attributes.get("contactemail", ""),
            contact_url=attributes.get("contacturl", ""),
        )
        if copyright != Copyright():
            return copyright
    return None


def rules_of(reading: Reading) -> LicenseRules:
    """Return the rules of a reading; none for a reading that has no RSL rules."""
    return reading.rules if isinstance(reading.rules, LicenseRules) else LicenseRules()


def url_patterns(reading: Reading, /) -> Iterator[UrlPattern]:
    """Yield the path patterns that answers depend on: those of the `content` elements."""
    yield from selective(
        licensed.pattern for licensed in rules_of(reading).statements if licensed.pattern
    )


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements that decide for a path, or for the whole origin.

    Statements that do not count come last.
    """
    applied: list[AppliedStatement] = []
    for counts in (True, False):
        statements = [
            licensed
            for licensed in rules_of(reading).statements
            if licensed.statement.counts is counts
        ]
        if question.path is None:
            applied += _for_origin(statements)
        else:
            applied += _for_path(statements, question.path)
    return tuple(applied)


def _for_path(statements: list[LicensedStatement], path: str) -> Iterator[AppliedStatement]:
    """Yield the statement of the narrowest `content` for each purpose; the strictest of equals.

    RSL 1.0, element content: the narrower `content` beats the broader.
    """
    normal = path_patterns.normalise_path(path)
    matching = [
        licensed
        for licensed in statements
        if not licensed.pattern or path_patterns.matches(licensed.pattern, normal)
    ]
    narrowest = max((licensed.octets for licensed in matching), default=0)
    for group in _by_purpose(matching):
        longest = max(licensed.octets for licensed in group)
        decisive = _strictest([licensed for licensed in group if licensed.octets == longest])
        # A narrower content replaces every permission of a broader one, also for purposes that
        # it does not name. A reservation stays where the narrower content is silent.
        if not decisive.permits or longest == narrowest:
            yield AppliedStatement(statement=decisive.statement)


def _for_origin(statements: list[LicensedStatement]) -> Iterator[AppliedStatement]:
    """Yield for each purpose the universal statement, then those limited to paths."""
    for group in _by_purpose(statements):
        universal = [licensed for licensed in group if licensed.universal]
        contents: dict[str, list[LicensedStatement]] = {}
        for licensed in group:
            if licensed.pattern and not licensed.universal:
                contents.setdefault(licensed.pattern.text, []).append(licensed)
        narrower = [_strictest(same_content) for same_content in contents.values()]
        if universal:
            decisive = _strictest(universal)
            has_exception = any(other.permits is not decisive.permits for other in narrower)
            yield AppliedStatement(
                statement=decisive.statement, limited_to="paths" if has_exception else ""
            )
        yield from (
            AppliedStatement(statement=licensed.statement, limited_to="paths")
            for licensed in narrower
        )


def _by_purpose(statements: list[LicensedStatement]) -> list[list[LicensedStatement]]:
    """Group statements by purpose, in the order of their first statement."""
    groups: dict[object, list[LicensedStatement]] = {}
    for licensed in statements:
        groups.setdefault(licensed.statement.purpose, []).append(licensed)
    return list(groups.values())


def _strictness(licensed: LicensedStatement) -> int:
    """Return the sort key of a statement: reserved first, permitted last."""
    return _STRICTNESS[licensed.statement.stance]


def _strictest(statements: list[LicensedStatement]) -> LicensedStatement:
    """Return the strictest statement: `prohibits` beats `permits` (RSL 1.0, prohibits)."""
    return min(statements, key=_strictness)
