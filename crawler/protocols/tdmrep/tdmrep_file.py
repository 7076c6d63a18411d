"""TDMRep in a file: `/.well-known/tdmrep.json`, an array of rules for paths of the origin.

The first rule whose location matches decides (TDMRep, pattern matching: "the most specific match
is the first in sequence"). In the strict reading, only a well-formed array of rules counts. What
a malformed file probably meant is kept as lenient statements.
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
from crawler.protocols.url_patterns import UrlPattern, selective
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
# Rules compared for `order_ambiguity`: the comparison takes time with their square.
_MAX_COMPARED = 100
# Rules read of a file, which may be hostile.
_MAX_RULES = 20_000
# Issues with a location that keep the rule from the strict reading.
_LOCATION_FAULTS = ("rule.no_location", "rule.location")


class _LocationRule(NamedTuple):
    """A rule with a reservation value: its statement, and the pattern of its location."""

    statement: Statement
    pattern: path_patterns.Pattern


class _Member(NamedTuple):
    """The value of one property of a rule.

    `exact` says that the name is spelt as in the report and not repeated with another value.
    """

    value: object
    present: bool
    exact: bool


def parse(document: Document, /) -> Reading:
    """Parse a file. Every good rule is kept; everything else becomes an issue.

    HTML, an empty and a binary body are absent. A body that was cut off is malformed.
    """
    text, deviation = json_document.decode(document.body)
    if not_json := json_document.not_json_issue(document, text, "tdmrep"):
        return Reading(presence=Presence.ABSENT, issues=(not_json,))
    if document.truncated:
        return _malformed(Issue(code="tdmrep.truncated"))
    read = json_document.read_json(text, "tdmrep")
    issues = [Issue(code=f"tdmrep.{deviation}")] if deviation else []
    if "html" in document.media_type:
        issues.append(Issue(code="tdmrep.media_type", excerpt=excerpt(document.media_type)))
    if read.fault:
        issues.append(read.fault)
    if not read.items and read.fault:
        return _malformed(*issues)
    strict = read.array and not deviation and not read.fault
    items = read.items if read.array else _items_without_array(read.items[0], issues)
    return _reading(_rules(items, strict, issues), strict, issues)


def _malformed(*issues: Issue) -> Reading:
    return Reading(presence=Presence.MALFORMED, issues=issues)


def _reading(rules: list[_LocationRule], strict: bool, issues: list[Issue]) -> Reading:
    statements = numbered([rule.statement for rule in rules])
    kept = tuple(_LocationRule(s, rule.pattern) for s, rule in zip(statements, rules, strict=True))
    compared = tuple(rule for rule in kept[:_MAX_COMPARED] if rule.statement.counts)
    issues.extend(_order_issues(compared))
    bad = not any(s.counts for s in statements) and bool(issues)
    return Reading(
        presence=Presence.MALFORMED if bad or not strict else Presence.PRESENT,
        statements=statements,
        issues=json_document.limit_issues(issues, FAMILY),
        names=_values.policy_urls(statements),
        rules=kept,
    )


def _items_without_array(item: Item, issues: list[Issue]) -> tuple[Item, ...]:
    """Return the rules that a document which is not an array seems to hold.

    TDMRep, TDM File on the Origin Server: the brackets are mandatory, even for one rule.
    """
    issues.append(Issue(code="tdmrep.not_array", line=item.line, excerpt=excerpt(item.raw)))
    if not isinstance(item.value, Object) or _is_rule(item.value):
        return (item,)
    for name, value in item.value.members:
        if isinstance(value, list) and any(_is_rule(entry) for entry in value):
            issues.append(_unknown(name, item.line))
            return tuple(Item(entry, item.line, item.raw) for entry in value)
    return (item,)


def _is_rule(value: object) -> bool:
    return isinstance(value, Object) and _member(value, RESERVATION).present


def _unknown(name: str, line: int) -> Issue:
    return Issue(code="tdmrep.unknown_field", line=line, excerpt=excerpt(name))


def _rules(items: tuple[Item, ...], strict: bool, issues: list[Issue]) -> list[_LocationRule]:
    if len(items) > _MAX_RULES:
        issues.append(Issue(code="tdmrep.too_many_rules", excerpt=f"{len(items)} rules"))
    rules = (_rule(n, item, strict, issues) for n, item in enumerate(items[:_MAX_RULES], start=1))
    return [rule for rule in rules if rule is not None]


def _rule(n: int, item: Item, strict: bool, issues: list[Issue]) -> _LocationRule | None:
    """Return one rule, None if it has no valid or lenient value. Add its faults to `issues`."""
    if not isinstance(item.value, Object):
        issues.append(_issue("rule.not_object", item))
        return None
    location, value, policy = (_member(item.value, p) for p in (LOCATION, RESERVATION, POLICY))
    path, pattern, code = _parse_location(location.value)
    bit = _values.parse_bit(value.value) if value.present else Bit(None, "rule.no_reservation")
    issues.extend(_name_issues(item.value, item.line))
    issues.extend(_value_issues(item, code, bit, policy))
    if bit.value is None:
        return None
    is_exact = location.exact and value.exact and not (bit.code or code in _LOCATION_FAULTS)
    statement = _values.make_statement(
        carrier="file",
        value=bit.value,
        policy=_values.visitable_policy(policy.value),
        place=f"tdmrep.json rule {n} (line {item.line})",
        line=item.line,
        raw=item.raw,
        declared_by=DeclaredBy.ORIGIN_FILE,
        strict=strict and is_exact,
        path=path,
        clause=_CLAUSE,
    )
    return _LocationRule(statement, pattern)


def _value_issues(item: Item, code: str, bit: Bit, policy: _Member) -> Iterator[Issue]:
    """Yield the issues with the values of a rule. A policy without effect is quoted."""
    if code:
        yield _issue(code, item)
    if bit.code:
        alone = isinstance(policy.value, str) and bit.code == "rule.no_reservation"
        yield _issue(bit.code, item, policy.value if alone else item.raw)
    if policy.present and _values.visitable_policy(policy.value) is None:
        yield _issue("policy.not_a_url", item, policy.value)


def _issue(code: str, item: Item, text: object = None) -> Issue:
    quoted = text if isinstance(text, str) else item.raw
    return Issue(code=f"tdmrep.{code}", line=item.line, excerpt=excerpt(quoted))


def _member(rule: Object, name: str) -> _Member:
    """Return the value of a property. The spelling of the report goes before all others."""
    values = rule.all(name)
    loose = [value for key, value in rule.members if _values.property_named(key) == name]
    if not loose:
        return _Member(None, False, True)
    taken = values or loose
    agree = all(isinstance(v, (str, int)) and v == taken[-1] for v in values)
    return _Member(taken[-1], True, bool(values) and agree)


def _name_issues(rule: Object, line: int) -> Iterator[Issue]:
    """Yield issues for names that are not in the report, and for repeated names."""
    seen: set[str] = set()
    for name, _ in rule.members:
        meant = _values.property_named(name)
        if meant is None:
            yield _unknown(name, line)
        elif meant != name:
            yield Issue(code="tdmrep.legacy_key", line=line, excerpt=excerpt(name))
        if name in seen:
            yield Issue(code="tdmrep.duplicate_key", line=line, excerpt=excerpt(name))
        seen.add(name)


def _parse_location(location: object) -> tuple[str | None, path_patterns.Pattern, str]:
    """Return a location as written, its pattern, and the code of the issue with it.

    A missing location is read as `/`, and a URL as its path. Both are lenient readings.
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


def _is_permission(rule: _LocationRule) -> bool:
    return rule.statement.stance is Stance.PERMITTED


def _sample_path(pattern: path_patterns.Pattern) -> str:
    return pattern.text.removesuffix("$").replace("*", "")


def _order_issues(rules: tuple[_LocationRule, ...]) -> Iterator[Issue]:
    """Yield an issue for each rule that an earlier, shorter and different rule hides.

    The report says "most specific" and "first in sequence". The sequence decides here, and a
    reader that prefers the longest match would answer differently.
    """
    for index, later in enumerate(rules):
        for earlier in rules[:index]:
            if (
                _is_permission(earlier) != _is_permission(later)
                and earlier.pattern.octets < later.pattern.octets
                and path_patterns.matches(earlier.pattern, _sample_path(later.pattern))
            ):
                one, two = later.statement, earlier.statement
                text = f"{one.path}: {two.stance} by {two.path}; by longest match {one.stance}"
                yield Issue(code="tdmrep.order_ambiguity", line=one.line, excerpt=excerpt(text))
                break


def url_patterns(reading: Reading, /) -> Iterator[UrlPattern]:
    """Yield the path patterns that answers depend on: the locations of the rules."""
    yield from selective(rule.pattern for rule in _rules_of(reading))


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the first rule that matches a path; for the origin, every rule that ever applies.

    Lenient statements follow those that count: each reading has its own first match.
    """
    rules = _rules_of(reading)
    decide = _for_origin if question.path is None else _for_path
    return tuple(
        applied
        for counts in (True, False)
        for applied in decide([r for r in rules if r.statement.counts is counts], question)
    )


def _rules_of(reading: Reading) -> tuple[_LocationRule, ...]:
    return reading.rules if isinstance(reading.rules, tuple) else ()


def _for_path(rules: list[_LocationRule], question: Question) -> Iterator[AppliedStatement]:
    # Path and query are matched, as by Google's matching, which the report refers to.
    path = path_patterns.normalise_path(question.path or "")
    for rule in rules:
        if path_patterns.matches(rule.pattern, path):
            yield AppliedStatement(statement=rule.statement)
            return


def _for_origin(rules: list[_LocationRule], _question: Question) -> Iterator[AppliedStatement]:
    """Yield rules up to the first universal one, without those that an earlier prefix hides."""
    # Prefixes are grouped by length, so that thousands of rules need no pairwise comparison.
    prefixes: set[str] = set()
    lengths: set[int] = set()
    applied: list[_LocationRule] = []
    for rule in rules:
        text = rule.pattern.text
        if any(text[:length] in prefixes for length in lengths):
            continue
        if rule.pattern.universal:
            has_exception = any(_is_permission(one) != _is_permission(rule) for one in applied)
            limit = "paths" if has_exception else ""
            yield AppliedStatement(statement=rule.statement, limited_to=limit)
            return
        applied.append(rule)
        yield AppliedStatement(statement=rule.statement, limited_to="paths")
        if len(rule.pattern.parts) == 1 and not rule.pattern.anchored:
            prefixes.add(text)
            lengths.add(len(text))
