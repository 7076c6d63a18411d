"""TDMRep in a file: `/.well-known/tdmrep.json`, an array of rules for paths of the origin.

The first rule whose location matches decides ("the most specific match is the first in
sequence"). Strictly read, only a well-formed array of rules counts; what a sloppy file was
meant to say is kept beside it as lenient statements.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement, numbered
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, path_patterns
from crawler.protocols.parsing.json_document import Item, Object, clean, excerpt
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import LOCATION, POLICY, RESERVATION, Bit
from crawler.vocab import DeclaredBy, Presence, Resource, Stance

NAME = "tdmrep_file"
VERSION = 1
TITLE = "TDMRep file /.well-known/tdmrep.json"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 1
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.TDMREP_JSON})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "TDMRep, TDM File on the Origin Server"
_WELL_KNOWN = "/.well-known/tdmrep.json"
_URL = re.compile(r"https?://[^/?#]*([^#]*)", re.IGNORECASE)
# Pairs are compared to warn about their order; a longer file is no more ambiguous for it.
_COMPARED = 100
# The longest file a publisher would write by hand or script is far shorter.
_MOST = 20_000
_NO_RULE = ("rule.no_location", "rule.location")


class _LocationRule(NamedTuple):
    """A rule that says something: its statement and the pattern it is matched by."""

    statement: Statement
    pattern: path_patterns.Pattern


class _Field(NamedTuple):
    """What an object says under one property; `exact` unless the name or a repeat is off."""

    value: object
    present: bool
    exact: bool


def parse(document: Document, /) -> Reading:
    """Read a file; every good rule is kept and everything else is flagged."""
    text, quirk = json_document.decode(document.body)
    if nothing := json_document.no_json(document, text, "tdmrep"):
        return Reading(presence=Presence.ABSENT, issues=(nothing,))
    if document.truncated:
        return _malformed(Issue(code="tdmrep.truncated"))
    read = json_document.read_json(text, "tdmrep")
    issues = [Issue(code=f"tdmrep.{quirk}")] if quirk else []
    if "html" in document.media_type:
        issues.append(Issue(code="tdmrep.media_type", excerpt=excerpt(document.media_type)))
    if read.fault:
        issues.append(read.fault)
    if not read.items and read.fault:
        return _malformed(*issues)
    strict = read.array and not quirk and not read.fault
    items = read.items if read.array else _lone(read.items[0], issues)
    return _reading(_rules(items, strict, issues), strict, issues)


def _malformed(*issues: Issue) -> Reading:
    return Reading(presence=Presence.MALFORMED, issues=issues)


def _reading(rules: list[_LocationRule], strict: bool, issues: list[Issue]) -> Reading:
    statements = numbered([rule.statement for rule in rules])
    kept = tuple(_LocationRule(s, rule.pattern) for s, rule in zip(statements, rules, strict=True))
    issues.extend(_order(tuple(rule for rule in kept[:_COMPARED] if rule.statement.counts)))
    bad = not any(s.counts for s in statements) and bool(issues)
    return Reading(
        presence=Presence.MALFORMED if bad or not strict else Presence.PRESENT,
        statements=statements,
        issues=json_document.capped(issues, FAMILY),
        names=_values.names(statements),
        rules=kept,
    )


def _lone(item: Item, issues: list[Issue]) -> tuple[Item, ...]:
    """The rules that a document which is no array seems to hold.

    TDMRep, TDM File on the Origin Server: the brackets are mandatory, even for one rule.
    """
    issues.append(Issue(code="tdmrep.not_array", line=item.line, excerpt=excerpt(item.raw)))
    if not isinstance(item.value, Object) or _field(item.value, RESERVATION).present:
        return (item,)
    for name, value in item.value.members:
        if isinstance(value, list) and any(_states(entry) for entry in value):
            issues.append(_unknown(name, item.line))
            return tuple(Item(entry, item.line, item.raw) for entry in value)
    return (item,)


def _states(value: object) -> bool:
    return isinstance(value, Object) and _field(value, RESERVATION).present


def _unknown(name: str, line: int) -> Issue:
    return Issue(code="tdmrep.unknown_field", line=line, excerpt=excerpt(name))


def _rules(items: tuple[Item, ...], strict: bool, issues: list[Issue]) -> list[_LocationRule]:
    if len(items) > _MOST:
        issues.append(Issue(code="tdmrep.too_many_rules", excerpt=f"{len(items)} rules"))
    found = (_rule(n, item, strict, issues) for n, item in enumerate(items[:_MOST], start=1))
    return [rule for rule in found if rule is not None]


def _rule(n: int, item: Item, strict: bool, issues: list[Issue]) -> _LocationRule | None:
    """One rule, or None if it says nothing; all that is odd about it goes to `issues`."""
    if not isinstance(item.value, Object):
        issues.append(_issue("rule.not_object", item))
        return None
    location, value, policy = (_field(item.value, p) for p in (LOCATION, RESERVATION, POLICY))
    path, pattern, code = _located(location.value)
    bit = _values.bit(value.value) if value.present else Bit(None, "rule.no_reservation")
    issues.extend(_names_of(item.value, item.line))
    issues.extend(_complaints(item, code, bit, policy))
    if bit.value is None:
        return None
    made = _values.statement(
        "file",
        bit.value,
        _values.usable(policy.value),
        place=f"tdmrep.json rule {n} (line {item.line})",
        line=item.line,
        raw=item.raw,
        declared_by=DeclaredBy.ORIGIN_FILE,
        strict=strict and location.exact and value.exact and not (bit.code or code in _NO_RULE),
        path=path,
        clause=_CLAUSE,
    )
    return _LocationRule(made, pattern)


def _complaints(item: Item, code: str, bit: Bit, policy: _Field) -> Iterator[Issue]:
    """What is wrong with the values of a rule; a policy that has no effect is quoted."""
    if code:
        yield _issue(code, item)
    if bit.code:
        alone = isinstance(policy.value, str) and bit.code == "rule.no_reservation"
        yield _issue(bit.code, item, policy.value if alone else item.raw)
    if policy.present and _values.usable(policy.value) is None:
        yield _issue("policy.not_a_url", item, policy.value)


def _issue(code: str, item: Item, text: object = None) -> Issue:
    shown = text if isinstance(text, str) else item.raw
    return Issue(code=f"tdmrep.{code}", line=item.line, excerpt=excerpt(shown))


def _field(given: Object, name: str) -> _Field:
    """What an object says under a property, preferring the name as the report writes it."""
    values = given.all(name)
    loose = [value for key, value in given.members if _values.property_named(key) == name]
    if not loose:
        return _Field(None, False, True)
    taken = values or loose
    agree = all(isinstance(v, (str, int)) and v == taken[-1] for v in values)
    return _Field(taken[-1], True, bool(values) and agree)


def _names_of(given: Object, line: int) -> Iterator[Issue]:
    """Names that are not the report's, and names given twice."""
    seen: set[str] = set()
    for name, _ in given.members:
        meant = _values.property_named(name)
        if meant is None:
            yield _unknown(name, line)
        elif meant != name:
            yield Issue(code="tdmrep.legacy_key", line=line, excerpt=excerpt(name))
        if name in seen:
            yield Issue(code="tdmrep.duplicate_key", line=line, excerpt=excerpt(name))
        seen.add(name)


def _located(location: object) -> tuple[str | None, path_patterns.Pattern, str]:
    """A location as written, the pattern it is matched by, and the issue with it.

    Without one, the rule could only have meant everything; a URL its path.
    """
    if not isinstance(location, str) or not location.strip():
        return None, path_patterns.compile_pattern("/"), "rule.no_location"
    location = clean(location)
    if location.startswith(("/", "*")):
        code = "rule.self_location" if location == _WELL_KNOWN else ""
        return location, path_patterns.compile_pattern(location), code
    url = _URL.match(location.strip())
    meant = "/" + (url[1] if url else location.strip()).lstrip("/")
    return location, path_patterns.compile_pattern(meant), "rule.location"


def _permits(rule: _LocationRule) -> bool:
    return rule.statement.stance is Stance.PERMITTED


def _sample(pattern: path_patterns.Pattern) -> str:
    return pattern.text.removesuffix("$").replace("*", "")


def _order(rules: tuple[_LocationRule, ...]) -> Iterator[Issue]:
    """Rules that a reader preferring the longest match would apply, and this order hides."""
    for at, later in enumerate(rules):
        for earlier in rules[:at]:
            if (
                _permits(earlier) != _permits(later)
                and earlier.pattern.octets < later.pattern.octets
                and path_patterns.matches(earlier.pattern, _sample(later.pattern))
            ):
                one, two = later.statement, earlier.statement
                text = f"{one.path}: {two.stance} by {two.path}; by longest match {one.stance}"
                yield Issue(code="tdmrep.order_ambiguity", line=one.line, excerpt=excerpt(text))
                break


def patterns_of(reading: Reading) -> tuple[path_patterns.Pattern, ...]:
    """The locations of the rules of a file, as they are matched."""
    rules: tuple[_LocationRule, ...] = reading.rules if isinstance(reading.rules, tuple) else ()
    return tuple(rule.pattern for rule in rules)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """The first rule that matches a path; for the origin, every rule that ever applies.

    Lenient statements follow the counting ones.
    """
    rules: tuple[_LocationRule, ...] = reading.rules if isinstance(reading.rules, tuple) else ()
    answer = _everywhere if question.path is None else _at
    return tuple(
        applied
        for counts in (True, False)
        for applied in answer([r for r in rules if r.statement.counts is counts], question)
    )


def _at(rules: list[_LocationRule], question: Question) -> Iterator[AppliedStatement]:
    path = path_patterns.normalise_path(question.path or "")
    for rule in rules:
        if path_patterns.matches(rule.pattern, path):
            yield AppliedStatement(statement=rule.statement)
            return


def _everywhere(rules: list[_LocationRule], _question: Question) -> Iterator[AppliedStatement]:
    """Rules up to the first universal one; later ones, and ones hidden by a prefix, never apply."""
    prefixes: set[str] = set()
    sizes: set[int] = set()
    spoken: list[_LocationRule] = []
    for rule in rules:
        text = rule.pattern.text
        if any(text[:size] in prefixes for size in sizes):
            continue
        if rule.pattern.universal:
            exceptions = any(_permits(other) != _permits(rule) for other in spoken)
            yield AppliedStatement(
                statement=rule.statement, limited_to="paths" if exceptions else ""
            )
            return
        spoken.append(rule)
        yield AppliedStatement(statement=rule.statement, limited_to="paths")
        if len(rule.pattern.parts) == 1 and not rule.pattern.anchored:
            prefixes.add(text)
            sizes.add(len(text))
