"""Select the lines of a group that apply to a question: agents and longest match (RFC 9309, 2.2).

For the whole origin, a line about all paths covers everything except the paths that another
line decides differently.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from crawler import agents
from crawler.model import AppliedStatement, Question, Reading, Statement
from crawler.protocols.parsing.path_patterns import matches, normalise_path
from crawler.protocols.robots.extension_lines import ExtensionRule, ExtensionRules
from crawler.protocols.robots.groups import AgentRules
from crawler.vocab import Purpose, Stance


class Precedence(NamedTuple):
    """The way in which a protocol settles several lines of one group.

    With `whole_line`, the longest match decides alone, also on purposes that it does not
    mention; otherwise each purpose has its own longest match. With `allow_wins`, a permission
    decides among equal lines; otherwise all of them apply. `crawled` holds the stances that
    concern only paths that may be crawled.
    """

    whole_line: bool
    allow_wins: bool
    crawled: frozenset[Stance]


class _Audience(NamedTuple):
    """An agent, or `*`, with the groups that apply to it.

    `forms` is the spelling of its token that a group names, if any. `groups` holds positions
    of groups, and None for lines before the first group. `crawl` are its rules of access.
    `limited_to` limits what is said to it: `agents`, or empty for what covers the question.
    """

    token: str
    forms: frozenset[str]
    groups: frozenset[int | None]
    crawl: AgentRules
    limited_to: str


def statements_for(
    reading: Reading, question: Question, precedence: Precedence
) -> tuple[AppliedStatement, ...]:
    """Return the statements that apply to a question, those that count first.

    Without an agent, a statement for one agent is limited to `agents`.
    """
    rules = reading.rules
    if not isinstance(rules, ExtensionRules):
        return ()
    by_number: dict[int, AppliedStatement] = {}
    for audience in _audiences(rules, question.agent, reading.statements):
        for applied in _applicable(rules.lines, audience, question.path, precedence):
            by_number.setdefault(applied.statement.n, applied)
    return tuple(sorted(by_number.values(), key=lambda a: (not a.statement.counts, a.statement.n)))


def _audiences(
    rules: ExtensionRules, agent: str | None, statements: Iterable[Statement]
) -> Iterator[_Audience]:
    if agent not in (None, "*"):
        yield _audience(rules, agent, "")
        return
    yield _audience(rules, "*", "")
    tokens = dict.fromkeys(s.agent for s in statements if s.agent != "*")
    yield from (_audience(rules, token, "agents") for token in tokens)


def _audience(rules: ExtensionRules, token: str | None, limited_to: str) -> _Audience:
    """Find the groups of an agent: those that name it, otherwise those of `*` (RFC 9309, 2.2.1)."""
    robots, token = rules.robots, token or "*"
    forms = [form for form in _forms(token) if form != "*" and form in robots.by_token][:1]
    groups = robots.by_token.get(forms[0] if forms else "*", ())
    crawl = rules.crawl.rules_for(token)[0]
    return _Audience(token, frozenset(forms), frozenset((*groups, None)), crawl, limited_to)


@lru_cache(maxsize=4096)
def _forms(token: str) -> tuple[str, ...]:
    return (token.lower(), *agents.token_forms(token.rstrip("*")))


def _applicable(
    rules: tuple[ExtensionRule, ...], audience: _Audience, path: str | None, precedence: Precedence
) -> Iterator[AppliedStatement]:
    own = [_for_audience(rule, audience) for rule in rules if rule.group in audience.groups]
    if path is None:
        yield from _for_origin(own, audience, precedence)
        return
    normal = normalise_path(path)
    matching = [rule for rule in own if matches(rule.pattern, normal)]
    # RFC 9309, 2.2.2: /robots.txt may always be crawled.
    crawlable = normal == "/robots.txt" or _is_crawlable(audience, normal)
    for statement in _decide(matching, precedence):
        if crawlable or statement.stance not in precedence.crawled:
            yield AppliedStatement(statement=statement, limited_to=audience.limited_to)


def _for_audience(rule: ExtensionRule, audience: _Audience) -> ExtensionRule:
    """Return the line with only the statements for this agent or for `*`."""
    own = [s for s in rule.statements if s.agent == "*" or _is_for(s, audience)]
    return rule._replace(statements=tuple(own))


def _is_for(statement: Statement, audience: _Audience) -> bool:
    return not audience.forms.isdisjoint(_forms(statement.agent))


def _is_crawlable(audience: _Audience, path: str) -> bool:
    rule = audience.crawl.decide(path)
    return rule is None or rule.allow


def _decide(rules: list[ExtensionRule], precedence: Precedence) -> Iterator[Statement]:
    """Yield the statements of the longest matches, then all that are shown and do not count."""
    if precedence.whole_line:
        yield from _counting(_longest([rule for rule in rules if rule.is_effective]))
    else:
        yield from _decide_by_purpose(rules, precedence)
    yield from (s for rule in rules for s in rule.statements if not s.counts)


def _decide_by_purpose(rules: list[ExtensionRule], precedence: Precedence) -> Iterator[Statement]:
    for purpose in Purpose:
        longest = _longest([rule for rule in rules if _counting_on(rule, purpose)])
        statements = [s for s in _counting(longest) if s.purpose is purpose]
        permissions = [s for s in statements if s.stance is Stance.PERMITTED]
        yield from permissions if precedence.allow_wins and permissions else statements


def _longest(rules: list[ExtensionRule]) -> list[ExtensionRule]:
    octets = max((rule.pattern.octets for rule in rules), default=0)
    return [rule for rule in rules if rule.pattern.octets == octets]


def _counting(rules: list[ExtensionRule]) -> list[Statement]:
    return [s for rule in rules for s in rule.statements if s.counts]


def _counting_on(rule: ExtensionRule, purpose: Purpose | None) -> list[Statement]:
    return [s for s in rule.statements if s.counts and s.purpose is purpose]


def _for_origin(
    rules: list[ExtensionRule], audience: _Audience, precedence: Precedence
) -> Iterator[AppliedStatement]:
    """Yield what applies to all paths, then what applies to paths with lines for them."""
    universal = [rule for rule in rules if rule.pattern.universal]
    partial = [r for r in rules if not r.pattern.universal and _can_apply(r, audience, precedence)]
    refused = bool(precedence.crawled) and audience.crawl.refuses_all()
    for statement in _decide(universal, precedence):
        if not (refused and statement.stance in precedence.crawled):
            has_exception = any(_is_exception(rule, statement, precedence) for rule in partial)
            paths = "paths" if has_exception and statement.counts else ""
            yield AppliedStatement(statement=statement, limited_to=audience.limited_to or paths)
    for same_path in _by_path(partial):
        for statement in _decide(same_path, precedence):
            yield AppliedStatement(statement=statement, limited_to=audience.limited_to or "paths")


def _by_path(rules: list[ExtensionRule]) -> Iterable[list[ExtensionRule]]:
    by_path: dict[str, list[ExtensionRule]] = {}
    for rule in rules:
        by_path.setdefault(rule.pattern.text, []).append(rule)
    return by_path.values()


def _can_apply(rule: ExtensionRule, audience: _Audience, precedence: Precedence) -> bool:
    """Return whether the path of a line may be crawled, or some statement does not need that."""
    needs_crawling = {s.stance for s in rule.statements} <= precedence.crawled
    path = normalise_path(rule.pattern.text.rstrip("*$"))
    return not needs_crawling or _is_crawlable(audience, path)


def _is_exception(rule: ExtensionRule, statement: Statement, precedence: Precedence) -> bool:
    """Return whether a line about some paths decides them differently from `statement`.

    With `whole_line`, a line that does not mention the purpose leaves its paths undecided.
    """
    own = _counting_on(rule, statement.purpose)
    silent = precedence.whole_line and not own and rule.is_effective
    return silent or any(s.stance is not statement.stance for s in own)
