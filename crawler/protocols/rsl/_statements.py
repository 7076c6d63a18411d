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
from crawler.protocols.rsl._asset import Asset, Relation
from crawler.protocols.rsl._licence import Content, Term, is_http_url, read_contents
from crawler.protocols.rsl._offers import offers
from crawler.protocols.url_patterns import UrlPattern, selective
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Stance

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
    line: int = 0


class LicensedStatement(NamedTuple):
    """A statement with the path pattern of its `content`.

    `pattern` is None where the `content` covers whatever the document is attached to, and
    `asset` where it is about the asking origin. `narrowness` and `implied` are those of the term.
    """

    statement: Statement
    pattern: path_patterns.Pattern | None
    asset: Asset | None = None
    narrowness: int = 0
    implied: bool = False

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


def read_links(links: Iterable[tuple[str, int, str]], *, follows_relative: bool = False) -> Reading:
    """Return the reading of links (URL, line, raw text) to documents.

    It is malformed where no link is usable, and a part is unread where one is not. RSL 1.0,
    discovery: the URI is absolute and https; an http URI is followed and noted. A relative one is
    noted, and followed on request.
    """
    all_links = list(links)
    usable = [url for url, _, _ in all_links if is_http_url(url) or (follows_relative and url)]
    names = dict.fromkeys(map(clean, usable))
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
        has_unread=len(usable) < len(all_links),
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
    conforms = bool(contents) and all(each.strict and each.is_whole for each in contents)
    presence = Presence.PRESENT if conforms else Presence.MALFORMED
    named = parties.unique_parties([_party(_copyright(root), presence), *offers(root)])
    return make_reading(presence, statements, issues, parties=named)


def _statement(
    content: Content, term: Term, declared_by: DeclaredBy, place: str, first: int
) -> LicensedStatement:
    line = term.line + first - 1
    is_strict = content.strict and term.strict
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
        reads=Reads.BOTH if is_strict else Reads.LENIENT,
        counts=is_strict,
    )
    pattern = None if content.path is None else path_patterns.compile_pattern(content.path)
    return LicensedStatement(statement, pattern, content.asset, term.narrowness, term.implied)


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
        licensed._replace(statement=statement)
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
        is_person={"person": True, "organization": False}.get(copyright.type.lower()),
        place=f"copyright, line {copyright.line}",
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
            return replace(copyright, line=node.line)
    return None


def rules_of(reading: Reading) -> LicenseRules:
    """Return the rules of a reading; none for a reading that has no RSL rules."""
    return reading.rules if isinstance(reading.rules, LicenseRules) else LicenseRules()


def url_patterns(reading: Reading, /) -> Iterator[UrlPattern]:
    """Yield the path patterns that answers depend on: those of the `content` elements."""
    yield from selective(
        licensed.pattern for licensed in rules_of(reading).statements if licensed.pattern
    )


def names_hosts(reading: Reading, /) -> bool:
    """Return whether answers depend on the host of the origin asked about (RSL 1.0, 3.3).

    This is the optional hook of `interface`.
    """
    return any(licensed.asset is not None for licensed in rules_of(reading).statements)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements that decide for a path, or for the whole origin.

    Statements that do not count come last. What is about another host is left out.
    """
    concerning = list(_concerning(rules_of(reading).statements, question.origin))
    applied: list[AppliedStatement] = []
    for counts in (True, False):
        statements = [licensed for licensed in concerning if licensed.statement.counts is counts]
        if question.path is None:
            applied += _for_origin(statements)
        else:
            applied += _for_path(statements, question.path)
    return tuple(applied)


def _concerning(
    statements: Iterable[LicensedStatement], origin: str
) -> Iterator[LicensedStatement]:
    """Yield the statements about an origin.

    `www.` alone makes another host (RFC 6454, 4), though people mean both: such a statement is
    shown and does not count.
    """
    for licensed in statements:
        relation = licensed.asset.relation_to(origin) if licensed.asset else Relation.SAME
        if relation is Relation.SAME:
            yield licensed
        elif relation is Relation.NEAR:
            near = replace(licensed.statement, counts=False, reads=Reads.LENIENT)
            yield licensed._replace(statement=near)


def _for_path(statements: list[LicensedStatement], path: str) -> Iterator[AppliedStatement]:
    """Yield the deciding statement for each purpose.

    RSL 1.0, 3.1.1: every `content` that matches is evaluated, in no order.
    """
    normal = path_patterns.normalise_path(path)
    matching = [
        licensed
        for licensed in statements
        if not licensed.pattern or path_patterns.matches(licensed.pattern, normal)
    ]
    decisive = {purpose: _decisive(group) for purpose, group in _by_purpose(matching).items()}
    for licensed in decisive.values():
        yield AppliedStatement(statement=_without_training(licensed, decisive))


def _for_origin(statements: list[LicensedStatement]) -> Iterator[AppliedStatement]:
    """Yield for each purpose the universal statement, then those limited to paths."""
    groups = _by_purpose(statements)
    universal: dict[Purpose | None, LicensedStatement] = {}
    narrower: dict[Purpose | None, list[LicensedStatement]] = {}
    for purpose, group in groups.items():
        everywhere = [licensed for licensed in group if licensed.universal]
        if everywhere:
            universal[purpose] = _decisive(everywhere)
        contents: dict[str, list[LicensedStatement]] = {}
        for licensed in group:
            if licensed.pattern and not licensed.universal:
                contents.setdefault(licensed.pattern.text, []).append(licensed)
        narrower[purpose] = [
            decisive
            for same_content in contents.values()
            if (decisive := _decisive(same_content)) and not _is_idle(decisive, universal)
        ]
    for purpose in groups:
        parts = list(narrower[purpose])
        if purpose in universal:
            decisive = universal[purpose]
            others = parts
            if purpose is Purpose.TDM and not decisive.permits:
                # Mining that is reserved contains training: a permission of it is an exception.
                others = [*parts, *(p for p in narrower.get(Purpose.AI_TRAIN, ()) if p.permits)]
            has_exception = any(other.permits is not decisive.permits for other in others)
            yield AppliedStatement(
                statement=_without_training(decisive, universal),
                limited_to="paths" if has_exception else "",
            )
        yield from (
            AppliedStatement(statement=licensed.statement, limited_to="paths") for licensed in parts
        )


def _is_idle(
    licensed: LicensedStatement, universal: dict[Purpose | None, LicensedStatement]
) -> bool:
    """Return whether a closed list for some paths adds nothing to a broader reservation."""
    broader = universal.get(licensed.statement.purpose)
    return licensed.implied and broader is not None and not broader.permits


def _without_training(
    licensed: LicensedStatement, decisive: dict[Purpose | None, LicensedStatement]
) -> Statement:
    """Return a statement; one that reserves mining says so if training is permitted.

    The narrower class of use decides (RSL 1.0, 3.1.2), so mining is then reserved in part.
    """
    training = decisive.get(Purpose.AI_TRAIN)
    statement = licensed.statement
    is_all_mining = statement.purpose is Purpose.TDM and not licensed.permits
    if is_all_mining and training is not None and training.permits:
        return replace(statement, use="other than ai-train")
    return statement


def _by_purpose(
    statements: list[LicensedStatement],
) -> dict[Purpose | None, list[LicensedStatement]]:
    """Group statements by purpose, in the order of their first statement."""
    groups: dict[Purpose | None, list[LicensedStatement]] = {}
    for licensed in statements:
        groups.setdefault(licensed.statement.purpose, []).append(licensed)
    return groups


def _decisive(statements: list[LicensedStatement]) -> LicensedStatement:
    """Return the statement that decides among those about one purpose and one URL.

    The narrower path decides, then the narrower class of use (RSL 1.0, 3.1.1 and 3.1.2); within
    one scope `prohibits` beats `permits`. What a closed list does not name replaces broader
    permissions only: it never frees what a broader `content` reserves.
    """
    express = [licensed for licensed in statements if not licensed.implied]
    implied = [licensed for licensed in statements if licensed.implied]
    decisive = min(express, key=_scope, default=None)
    unlicensed = min(implied, key=_scope, default=None)
    if decisive is None or (
        unlicensed is not None and decisive.permits and unlicensed.octets > decisive.octets
    ):
        assert unlicensed is not None
        return unlicensed
    return decisive


def _scope(licensed: LicensedStatement) -> tuple[int, int, int]:
    """Return the sort key of a statement: the narrowest scope first, in it the strictest."""
    return -licensed.octets, -licensed.narrowness, _strictness(licensed)


def _strictness(licensed: LicensedStatement) -> int:
    """Return the sort key of a statement: reserved first, permitted last."""
    return _STRICTNESS[licensed.statement.stance]
