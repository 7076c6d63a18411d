"""Which lines of a group speak to a question: agents and longest match as in RFC 9309, 2.2.

For the whole origin a line about everything speaks for all of it, but for the paths that
another line takes out.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from crawler import agents
from crawler.model import AppliedStatement, Question, Reading, Statement
from crawler.protocols.parsing.path_patterns import matches, normalise_path
from crawler.protocols.robots.extension_lines import ExtensionRule, ExtensionRules
from crawler.protocols.robots.groups import AgentRules, Robots
from crawler.vocab import Purpose, Stance


class Precedence(NamedTuple):
    """How a protocol settles lines of one group.

    `whole_line`: the longest match speaks alone, also on what it does not mention; otherwise
    each purpose has its own longest match. `allow_wins`: of equal lines a permission decides;
    otherwise all of them speak. `crawled`: stances that concern crawlable paths only.
    """

    whole_line: bool
    allow_wins: bool
    crawled: frozenset[Stance]


class _Audience(NamedTuple):
    """Somebody who follows groups: a token, the groups it names, and its crawl rules."""

    token: str
    forms: frozenset[str]
    groups: frozenset[int | None]
    crawl: AgentRules
    part: str


def statements_for(
    reading: Reading, question: Question, precedence: Precedence
) -> tuple[AppliedStatement, ...]:
    """The statements that speak to a question, those that count first.

    Without an agent, what is said to one agent alone covers `agents` only.
    """
    rules = reading.rules
    if not isinstance(rules, ExtensionRules):
        return ()
    found: dict[int, AppliedStatement] = {}
    for audience in _audiences(rules, question.agent, reading.statements):
        for applied in _applicable_rules(rules.lines, audience, question.path, precedence):
            found.setdefault(applied.statement.n, applied)
    return tuple(sorted(found.values(), key=lambda v: (not v.statement.counts, v.statement.n)))


def _audiences(
    rules: ExtensionRules, agent: str | None, statements: Iterable[Statement]
) -> Iterator[_Audience]:
    if agent not in (None, "*"):
        yield _audience(rules.robots, agent, "")
        return
    yield _audience(rules.robots, "*", "")
    named = dict.fromkeys(s.agent for s in statements if s.agent != "*")
    yield from (_audience(rules.robots, token, "agents") for token in named)


def _audience(robots: Robots, token: str | None, part: str) -> _Audience:
    """RFC 9309, 2.2.1: who has groups of its own follows those, everybody else those of `*`."""
    token = token or "*"
    forms = [form for form in _forms(token) if form != "*" and form in robots.by_token][:1]
    groups = robots.by_token.get(forms[0] if forms else "*", ())
    crawl = robots.rules_for(token)[0]
    return _Audience(token, frozenset(forms), frozenset((*groups, None)), crawl, part)


@lru_cache(maxsize=4096)
def _forms(token: str) -> tuple[str, ...]:
    return (token.lower(), *agents.candidates(token.rstrip("*")))


def _applicable_rules(
    rules: tuple[ExtensionRule, ...], audience: _Audience, path: str | None, precedence: Precedence
) -> Iterator[AppliedStatement]:
    mine = [_for_audience(rule, audience) for rule in rules if rule.group in audience.groups]
    if path is None:
        yield from _everywhere(mine, audience, precedence)
        return
    normal = normalise_path(path)
    matching = [rule for rule in mine if matches(rule.pattern, normal)]
    crawled = normal == "/robots.txt" or _crawlable(audience, normal)
    for statement in _decide(matching, precedence):
        if crawled or statement.stance not in precedence.crawled:
            yield AppliedStatement(statement=statement, limited_to=audience.part)


def _for_audience(rule: ExtensionRule, audience: _Audience) -> ExtensionRule:
    """The line with what it says to this audience: in its own name, or in that of `*`."""
    own = [s for s in rule.statements if s.agent == "*" or _is_for(s, audience)]
    return rule._replace(statements=tuple(own))


def _is_for(statement: Statement, audience: _Audience) -> bool:
    return not audience.forms.isdisjoint(_forms(statement.agent))


def _crawlable(audience: _Audience, path: str) -> bool:
    rule = audience.crawl.decide(path)
    return rule is None or rule.allow


def _decide(rules: list[ExtensionRule], precedence: Precedence) -> Iterator[Statement]:
    """What the longest matches say; what does not count is shown, whatever the match."""
    if precedence.whole_line:
        yield from _counting(_longest([rule for rule in rules if rule.is_in_force]))
    else:
        yield from _by_purpose(rules, precedence)
    yield from (s for rule in rules for s in rule.statements if not s.counts)


def _by_purpose(rules: list[ExtensionRule], precedence: Precedence) -> Iterator[Statement]:
    for purpose in Purpose:
        speaking = [rule for rule in rules if _on(rule, purpose)]
        said = [s for s in _counting(_longest(speaking)) if s.purpose is purpose]
        allowed = [s for s in said if s.stance is Stance.PERMITTED]
        yield from allowed if precedence.allow_wins and allowed else said


def _longest(rules: list[ExtensionRule]) -> list[ExtensionRule]:
    most = max((rule.pattern.octets for rule in rules), default=0)
    return [rule for rule in rules if rule.pattern.octets == most]


def _counting(rules: list[ExtensionRule]) -> list[Statement]:
    return [s for rule in rules for s in rule.statements if s.counts]


def _on(rule: ExtensionRule, purpose: Purpose | None) -> list[Statement]:
    return [s for s in rule.statements if s.counts and s.purpose is purpose]


def _everywhere(
    rules: list[ExtensionRule], audience: _Audience, precedence: Precedence
) -> Iterator[AppliedStatement]:
    """What is said about everything, and about the paths that have lines of their own."""
    special = [r for r in rules if not r.pattern.universal and _of_use(r, audience, precedence)]
    refused = bool(precedence.crawled) and audience.crawl.refuses_all()
    for statement in _decide([r for r in rules if r.pattern.universal], precedence):
        if not (refused and statement.stance in precedence.crawled):
            excepted = any(_differs(rule, statement, precedence) for rule in special)
            limit = "paths" if excepted and statement.counts else ""
            yield AppliedStatement(statement=statement, limited_to=audience.part or limit)
    for rules_of_path in _same_path(special):
        for statement in _decide(rules_of_path, precedence):
            yield AppliedStatement(statement=statement, limited_to=audience.part or "paths")


def _same_path(rules: list[ExtensionRule]) -> Iterable[list[ExtensionRule]]:
    same: dict[str, list[ExtensionRule]] = {}
    for rule in rules:
        same.setdefault(rule.pattern.text, []).append(rule)
    return same.values()


def _of_use(rule: ExtensionRule, audience: _Audience, precedence: Precedence) -> bool:
    """Whether the path of a line may be crawled, where that matters to all that it says."""
    concerned = {s.stance for s in rule.statements} <= precedence.crawled
    path = normalise_path(rule.pattern.text.rstrip("*$"))
    return not concerned or _crawlable(audience, path)


def _differs(rule: ExtensionRule, statement: Statement, precedence: Precedence) -> bool:
    """Whether a line about some paths takes them out of what is said about everything."""
    said = _on(rule, statement.purpose)
    silent = precedence.whole_line and not said and rule.is_in_force
    return silent or any(s.stance is not statement.stance for s in said)
