"""TDMRep in a file: `/.well-known/tdmrep.json`, an array of rules for paths of the origin.

TDMRep, pattern matching: "the most specific match found MUST be used. The most specific match is
the first in sequence." Where the first match and the longest one differ, both apply, and the
stricter decides. In the strict reading, only a well-formed array of rules counts. What a malformed
file probably meant is kept as lenient statements.
"""

import html
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, loose_json, path_patterns
from crawler.protocols.parsing.json_document import Item, Object, clean, excerpt
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import LOCATION, POLICY, RESERVATION, Bit
from crawler.protocols.url_patterns import UrlPattern, selective
from crawler.vocab import DeclaredBy, Presence, Resource, Stance

NAME = "tdmrep_file"
VERSION = 4
TITLE = "TDMRep file /.well-known/tdmrep.json"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 1
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.TDMREP_JSON})
HEADERS: tuple[str, ...] = ()

#: What a permission is limited to that only one of two readings of the file has.
DISPUTED_PATHS = "disputed paths"
_CLAUSE = "TDMRep, TDM File on the Origin Server"
_WELL_KNOWN = "/.well-known/tdmrep.json"
_URL = re.compile(r"(?:https?:)?//[^/?#]*([^#]*)", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w-]+\.)+([a-z]{2,24})(?::\d+)?(/.*)?", re.IGNORECASE | re.DOTALL)
# Last labels of a bare name that are file extensions, so that it is no host.
_EXTENSIONS = frozenset("asp aspx gif htm html jpeg jpg js json md pdf php png txt xml zip".split())
# Signs of a regular expression: the report has only `*` and a final `$`.
_REGEX = re.compile(
    r"\A\^|\.[*+]|\\[./*?$dws-]|\(\?|\([^()]*[|*+][^()]*\)|\)[*+?]|\][*+?{]", re.IGNORECASE
)
_MAX_REGEX = 1000
# Locations that are nothing but a path, as most are.
_PLAIN_PATH = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9_/-]*)?")
_WRITTEN_PAIR = re.compile(
    r"""tdm[-_ ]?reservation["'\u201d]?\s*+[:=]\s*+["'\u201c]?([\w.]{1,20})""", re.IGNORECASE
)
_MAX_PAIRS = 100
# Media types of files that cannot be a broken tdmrep.json.
_OTHER_MEDIA = ("image/", "video/", "audio/", "font/")
# Rules compared for `order_ambiguity`: the comparison takes time with their square.
_MAX_COMPARED = 100
# Rules whose locations are also tried in pairs.
_MAX_PAIRED = 20
# Rules read of a file, which may be hostile.
_MAX_RULES = 20_000
# Issues with a location that keep the rule from the strict reading.
_LOCATION_FAULTS = ("rule.no_location", "rule.location")


class _LocationRule(NamedTuple):
    """A rule with a reservation value: its statement, and the pattern of its location.

    `is_exact` says that the rule itself is written as in the report. In a broken file its statement
    is lenient all the same. `universal` is that of the pattern.
    """

    statement: Statement
    pattern: path_patterns.Pattern
    is_exact: bool
    universal: bool


class _Member(NamedTuple):
    """The value of one property of a rule.

    `exact` says that the name is spelt as in the report and not repeated with another value.
    """

    value: object
    present: bool
    exact: bool


_ABSENT = _Member(None, False, True)
_IN_ORDER = (LOCATION, RESERVATION, POLICY)
_PROPERTIES = frozenset(_IN_ORDER)


def parse(document: Document, /) -> Reading:
    """Parse a file. Every good rule is kept; everything else becomes an issue.

    HTML and an empty body are absent, unless rules can be read in them. A body that was cut off
    or is broken is malformed, and one that nothing decodes is unseen.
    """
    text, deviation = json_document.decode(document.body)
    if not_json := json_document.not_json_issue(document, text, "tdmrep"):
        return _not_json(document, text, not_json)
    if document.truncated:
        return _salvaged(text, [Issue(code="tdmrep.truncated")])
    read = json_document.read_json(text, "tdmrep")
    issues = [Issue(code=f"tdmrep.{deviation}")] if deviation else []
    if "html" in document.media_type:
        issues.append(Issue(code="tdmrep.media_type", excerpt=excerpt(document.media_type)))
    if read.fault:
        issues.append(read.fault)
    if not read.items and read.fault:
        return _salvaged(text, issues)
    strict = read.array and not deviation and not read.fault
    items = read.items if read.array else _items_without_array(read.items[0], issues)
    items += tuple(_items_after(text, read.end))
    return _reading(*_rules(items, strict, issues), strict, issues)


def _not_json(document: Document, text: str, issue: Issue) -> Reading:
    """Build the reading of a body that is no JSON at all."""
    if issue.code == "tdmrep.binary" and not document.media_type.startswith(_OTHER_MEDIA):
        return Reading(presence=Presence.UNSEEN, issues=(issue,))
    if issue.code == "tdmrep.soft_404" and _WRITTEN_PAIR.search(unescaped := html.unescape(text)):
        return _salvaged(unescaped, [issue])
    return Reading(presence=Presence.ABSENT, issues=(issue,))


def _salvaged(text: str, issues: list[Issue]) -> Reading:
    """Build the reading of a broken file: malformed, with all that can be read as lenient."""
    items = tuple(loose_json.loose_items(text))
    if len(items) == 1:
        items = _items_without_array(items[0], [])
    rules, has_unread = _rules(items, False, [])
    if not rules:
        rules, has_unread = _rules(tuple(_written_pairs(text)), False, [])
    return _reading(rules, has_unread, False, issues)


def _written_pairs(text: str) -> Iterator[Item]:
    """Yield a rule for everything for each reservation that a broken text still shows."""
    for match in islice(_WRITTEN_PAIR.finditer(text), _MAX_PAIRS):
        line = text.count("\n", 0, match.start()) + 1
        yield Item(Object(((RESERVATION, match[1]),)), line, match[0])


def _reading(
    rules: list[_LocationRule], has_unread: bool, strict: bool, issues: list[Issue]
) -> Reading:
    statements = tuple([rule.statement for rule in rules])
    compared = tuple(rule for rule in rules[:_MAX_COMPARED] if rule.statement.counts)
    issues.extend(_order_issues(compared))
    bad = not any(s.counts for s in statements) and bool(issues)
    return Reading(
        presence=Presence.MALFORMED if bad or not strict else Presence.PRESENT,
        statements=statements,
        issues=json_document.limit_issues(issues, FAMILY),
        names=_values.policy_urls(statements),
        rules=tuple(rules),
        has_unread=has_unread,
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


def _items_after(text: str, end: int) -> Iterator[Item]:
    """Yield the rules that follow the value of a text, as where the brackets are missing.

    Such a text is no JSON, so that all its rules are lenient.
    """
    line = text.count("\n", 0, end)
    for item in loose_json.loose_items(text[end:]):
        for rule in _items_without_array(item, []):
            if _is_rule(rule.value):
                yield rule._replace(line=rule.line + line)


def _is_rule(value: object) -> bool:
    return isinstance(value, Object) and _member(value, RESERVATION).present


def _unknown(name: str, line: int) -> Issue:
    return Issue(code="tdmrep.unknown_field", line=line, excerpt=excerpt(name))


def _rules(
    items: tuple[Item, ...], strict: bool, issues: list[Issue]
) -> tuple[list[_LocationRule], bool]:
    """Return the rules of all items, and whether any item gave none or was not read."""
    has_unread = len(items) > _MAX_RULES
    if has_unread:
        issues.append(Issue(code="tdmrep.too_many_rules", excerpt=f"{len(items)} rules"))
    rules: list[_LocationRule] = []
    for n, item in enumerate(items[:_MAX_RULES], start=1):
        own = list(_rule(n, item, strict, issues, first=len(rules) + 1))
        has_unread = has_unread or not own
        rules += own
    return rules, has_unread


def _rule(
    n: int, item: Item, strict: bool, issues: list[Issue], *, first: int
) -> Iterator[_LocationRule]:
    """Yield one rule, none if it has no valid or lenient value. Add its faults to `issues`.

    A location that looks like a regular expression yields a second, lenient rule. `first` is the
    number of the first statement.
    """
    if not isinstance(item.value, Object):
        issues.append(_issue("rule.not_object", item))
        return
    location, value, policy = _members(item.value)
    path, patterns, code = _parse_location(location.value)
    bit = _values.parse_bit(value.value) if value.present else Bit(None, "rule.no_reservation")
    issues.extend(_name_issues(item.value, item.line))
    issues.extend(_value_issues(item, code, bit, policy))
    if bit.value is None:
        return
    is_exact = location.exact and value.exact and not (bit.code or code in _LOCATION_FAULTS)
    for number, (pattern, is_literal) in enumerate(patterns, start=first):
        statement = _values.make_statement(
            carrier="file",
            value=bit.value,
            policy=_values.visitable_policy(policy.value),
            place=f"tdmrep.json rule {n} (line {item.line})",
            line=item.line,
            raw=item.raw,
            declared_by=DeclaredBy.ORIGIN_FILE,
            strict=strict and is_exact and is_literal,
            path=path,
            clause=_CLAUSE,
            n=number,
        )
        yield _LocationRule(statement, pattern, is_exact and is_literal, pattern.universal)


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


def _members(rule: Object) -> tuple[_Member, _Member, _Member]:
    """Return location, reservation and policy of a rule."""
    values = dict(rule.members)
    # Most rules are spelt as in the report, and files can have tens of thousands of them.
    if len(values) == len(rule.members) and _PROPERTIES.issuperset(values):
        location, value, policy = (_plain_member(values, name) for name in _IN_ORDER)
    else:
        location, value, policy = (_member(rule, name) for name in _IN_ORDER)
    return location, value, policy


def _plain_member(values: dict[str, object], name: str) -> _Member:
    """Return what `_member` does, for a rule with known names, each once."""
    if name not in values:
        return _ABSENT
    value = values[name]
    return _Member(value, True, isinstance(value, (str, int)))


def _member(rule: Object, name: str) -> _Member:
    """Return the value of a property. The spelling of the report goes before all others.

    A reservation goes before other values of the property, so that no duplicate hides it.
    """
    values = rule.all(name)
    loose = [value for key, value in rule.members if _values.property_named(key) == name]
    if not loose:
        return _ABSENT
    taken = (values or loose)[-1]
    agree = all(isinstance(v, (str, int)) and v == taken for v in values)
    if name == RESERVATION and _values.parse_bit(taken).value != 1:
        reserving = next((v for v in loose if _values.parse_bit(v).value == 1), None)
        if reserving is not None:
            return _Member(reserving, True, False)
    return _Member(taken, True, bool(values) and agree)


def _name_issues(rule: Object, line: int) -> Iterator[Issue]:
    """Yield issues for names that are not in the report, and for repeated names."""
    seen: set[str] = set()
    for name, _ in rule.members:
        meant = name if name in _PROPERTIES else _values.property_named(name)
        if meant is None:
            yield _unknown(name, line)
        elif meant != name:
            yield Issue(code="tdmrep.legacy_key", line=line, excerpt=excerpt(name))
        if name in seen:
            yield Issue(code="tdmrep.duplicate_key", line=line, excerpt=excerpt(name))
        seen.add(name)


# Path as written, its patterns, each with whether it is the literal one, and an issue code.
_Location = tuple[str | None, tuple[tuple[path_patterns.Pattern, bool], ...], str]


def _parse_location(location: object) -> _Location:
    """Return a location as written, its patterns, and the code of the issue with it.

    A missing location is read as `/`, a URL as its path, and a regular expression as the
    pattern that it resembles. All of these are lenient readings.
    """
    if not isinstance(location, str) or not location.strip():
        return None, _patterns((), "/"), "rule.no_location"
    if _PLAIN_PATH.fullmatch(location):
        return location, _patterns((location,)), ""
    written = clean(location)
    text = _path_of(written.strip())
    literal = (written,) if written.startswith(("/", "*")) and text == written else ()
    if meant := _without_regex(text):
        return written, _patterns(literal, meant), "rule.regex"
    if literal:
        code = "rule.self_location" if written == _WELL_KNOWN else ""
        return written, _patterns(literal), code
    meant = text if text.startswith("*") else "/" + text.lstrip("/")
    return written, _patterns((), meant), "rule.location"


def _patterns(
    literal: tuple[str, ...], *meant: str
) -> tuple[tuple[path_patterns.Pattern, bool], ...]:
    written = [(path_patterns.compile_pattern(text), True) for text in literal]
    return (*written, *((path_patterns.compile_pattern(text), False) for text in meant))


def _path_of(text: str) -> str:
    """Return the path of a location that names a scheme or a host, any other one unchanged."""
    if url := _URL.match(text):
        return url[1] or "/"
    host = _HOST.fullmatch(text)
    if host and (host[2] or host[1].lower() not in _EXTENSIONS):
        return host[2] or "/"
    return text


def _without_regex(text: str) -> str:
    """Return the path pattern that a regular expression resembles; empty if it is none.

    A WordPress plugin writes `/.*` for `/*`. Groups and classes become `*`, so that the pattern
    covers at least what was meant.
    """
    if len(text) > _MAX_REGEX or not _REGEX.search(text):
        return ""
    text = re.sub(r"\A(?:\(\?[a-z]+\))?\^?", "", text)
    text = re.sub(r"\\[dwsDWS][*+?]?", "*", text)
    text = re.sub(r"\[[^\[\]]*\](?:[*+?]|\{[\d,]*\})?", "*", text)
    for _ in range(3):
        text = re.sub(r"\([^()]*\)[*+?]?", "*", text)
    text = re.sub(r"\.[*+]\??|/\?(?=\$?\Z)", "*", text)
    text = re.sub(r"\\(.)", r"\1", text)
    text = re.sub(r"\*{2,}", "*", text)
    return text if text.startswith(("/", "*")) else f"/{text}"


def _is_permission(rule: _LocationRule) -> bool:
    return rule.statement.stance is Stance.PERMITTED


def _sample_path(pattern: path_patterns.Pattern) -> str:
    return pattern.text.removesuffix("$").replace("*", "")


def _order_issues(rules: tuple[_LocationRule, ...]) -> Iterator[Issue]:
    """Yield an issue for each rule that an earlier, shorter and different rule hides.

    The report says "most specific" and "first in sequence". A reader of one kind answers
    differently from a reader of the other; the stricter answer decides.
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
    """Return the first and the longest match for a path; for the origin, all that ever apply.

    Rules that are not written as in the report follow the others: each reading has its own
    matches. A misspelt permission so hides no reservation, in a broken file as in a good one.
    """
    rules = _rules_of(reading)
    decide = _for_origin if question.path is None else _for_path
    return tuple(
        applied
        for is_exact in (True, False)
        for applied in decide([r for r in rules if r.is_exact is is_exact], question)
    )


def _rules_of(reading: Reading) -> tuple[_LocationRule, ...]:
    return reading.rules if isinstance(reading.rules, tuple) else ()


def _for_path(rules: list[_LocationRule], question: Question) -> Iterator[AppliedStatement]:
    # Path and query are matched, as by Google's matching, which the report refers to.
    path = path_patterns.normalise_path(question.path or "")
    matching = [rule for rule in rules if path_patterns.matches(rule.pattern, path)]
    yield from (AppliedStatement(statement=rule.statement) for rule in _decide(matching))


def _decide(matching: list[_LocationRule]) -> list[_LocationRule]:
    """Return the first of some matching rules, and the longest if it says something else."""
    if not matching:
        return []
    first, longest = matching[0], max(matching, key=lambda rule: rule.pattern.octets)
    one, other = first.statement, longest.statement
    same = (one.stance, one.policy) == (other.stance, other.policy)
    return [first] if same else [first, longest]


def _for_origin(rules: list[_LocationRule], _question: Question) -> Iterator[AppliedStatement]:
    """Yield in order the rules that decide about any path, by sequence or by length.

    A rule for everything covers the origin, unless some path is decided differently. A permission
    for paths is disputed where the other reading reserves one of them: that is a conflict.
    """
    base = _decide([rule for rule in rules if rule.universal])
    visible, longest = _visible(rules), _longest(rules)
    applying = visible | longest
    partial = [r for r in rules if not r.universal and r.statement.n in applying]
    if all(_is_permission(rule) for rule in base):
        has_exception = not all(_is_permission(rule) for rule in partial)
    else:
        # The stricter decides, so a path is permitted only if both readings permit it. Whether
        # the rules that do so meet at one path is not computed: that claims less, never more.
        open_rules = [rule for rule in partial if _is_permission(rule)]
        by_sequence = [base[0], *(r for r in open_rules if r.statement.n in visible)]
        by_length = [base[-1], *(r for r in open_rules if r.statement.n in longest)]
        has_exception = all(any(map(_is_permission, each)) for each in (by_sequence, by_length))
    limit = "paths" if has_exception else ""
    chosen = {rule.statement.n: "paths" for rule in partial}
    chosen |= {rule.statement.n: limit for rule in base}
    disputed = _disputed([rule for rule in rules if rule.statement.n in chosen][:_MAX_COMPARED])
    chosen |= {n: DISPUTED_PATHS for n in disputed if chosen[n]}
    for rule in rules:
        if rule.statement.n in chosen:
            yield AppliedStatement(rule.statement, limited_to=chosen[rule.statement.n])


def _disputed(rules: list[_LocationRule]) -> set[int]:
    """Return the numbers of permissions that only one reading has for some path.

    The paths tried are those of the locations, and of two locations in one if they are few.
    """
    if len({_is_permission(rule) for rule in rules}) < 2:
        return set()
    samples = [_sample_path(rule.pattern) for rule in rules]
    if len(rules) <= _MAX_PAIRED:
        # `/docs/` and `*.pdf` meet at `/docs/.pdf`.
        samples += [one + other.lstrip("/") for one in samples for other in samples]
    found: set[int] = set()
    for path in dict.fromkeys(samples):
        both = _decide([rule for rule in rules if path_patterns.matches(rule.pattern, path)])
        if len(set(map(_is_permission, both))) == 2:
            found.update(rule.statement.n for rule in both if _is_permission(rule))
    return found


def _visible(rules: list[_LocationRule]) -> set[int]:
    """Return the numbers of rules that are the first match of some path.

    They are those before the first universal rule that no earlier prefix hides.
    """
    # Prefixes are grouped by length, so that thousands of rules need no pairwise comparison.
    prefixes: set[str] = set()
    lengths: set[int] = set()
    visible: set[int] = set()
    for rule in rules:
        text = rule.pattern.text
        if any(text[:length] in prefixes for length in lengths):
            continue
        visible.add(rule.statement.n)
        if rule.universal:
            break
        if len(rule.pattern.parts) == 1 and not rule.pattern.anchored:
            prefixes.add(text)
            lengths.add(len(text))
    return visible


def _longest(rules: list[_LocationRule]) -> set[int]:
    """Return the numbers of rules that are the longest match of some path.

    Of rules that cover the same paths, as `/a` and `/a*` do, only the longest is, or the first
    of equal length; a rule that is no longer than the one for everything is not.
    """
    best: dict[str, _LocationRule] = {}
    for rule in rules:
        pattern = rule.pattern
        covered = pattern.text if pattern.anchored else pattern.text.rstrip("*")
        covered = "" if rule.universal else covered
        held = best.setdefault(covered, rule)
        if pattern.octets > held.pattern.octets:
            best[covered] = rule
    everything = best.get("")
    return {
        rule.statement.n
        for rule in best.values()
        if everything is None
        or (-rule.pattern.octets, rule.statement.n)
        <= (-everything.pattern.octets, everything.statement.n)
    }
