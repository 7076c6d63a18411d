"""robots.txt: the Robots Exclusion Protocol, RFC 9309.

The protocol is about access by an agent. A group for an agent that gathers training data, or
for a token that controls training, makes a statement for that agent. A group for `*` says
nothing about mining: its refusal is stored as a refusal of access.

Rules for editors: the planner asks `refusing_rule` before every request, so it must agree with
`statements_for` (a property test compares them).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from crawler import agents
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.path_patterns import normalise_path
from crawler.protocols.robots import groups, line_reader
from crawler.protocols.robots.document import read_file
from crawler.protocols.robots.groups import AgentRules, CrawlRule, Robots, read_groups, token_issues
from crawler.protocols.robots.line_reader import Lines, to_printable
from crawler.protocols.url_patterns import UrlPattern
from crawler.vocab import AgentClass, DeclaredBy, Presence, Purpose, Reads, Resource, Stance

NAME = "robots_txt"
VERSION = 3
TITLE = "robots.txt"
SPEC = "RFC 9309, https://www.rfc-editor.org/rfc/rfc9309"
FAMILY = "robots_txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()
RULES_ACCESS = True

_CLAUSE = "RFC 9309, 2.2.1 and 2.2.2"
#: The purpose that is reserved by refusing an agent of a class. Other classes reserve nothing.
PURPOSE_OF_CLASS = {
    **dict.fromkeys(agents.TRAINING, Purpose.GENAI_TRAIN),
    AgentClass.SEARCH: Purpose.SEARCH,
    AgentClass.USER: Purpose.AI_INPUT,
}
#: Classes whose statements are shown, as a sign of intent, and do not count: their agents are
#: retired, or their operators do not document a purpose.
_INACTIVE = frozenset({AgentClass.LEGACY, AgentClass.UNDOCUMENTED})
#: Statements kept of a file, which may be hostile.
_MAX_STATEMENTS = 2000


# Token in lower case (or `*`) and line number.
_Key = tuple[str, int | None]
# Agent (None for `*`), the rule that refuses it, and whether the statement counts.
_Refusal = tuple[agents.Agent | None, CrawlRule, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """The `Reading.rules` of robots.txt.

    `robots` is the lenient reading. `agents_by_rules` pairs every distinct set of rules with
    the catalogued agents that share it. `stored` holds the statements of the lenient reading;
    `strict_only` those that only the strict reading yields.
    """

    robots: Robots
    agents_by_rules: tuple[tuple[AgentRules, tuple[agents.Agent, ...]], ...]
    stored: dict[_Key, Statement]
    strict_only: tuple[Statement, ...]


def parse(document: Document, /) -> Reading:
    """Parse a robots.txt. Unreadable lines become issues, the others count (RFC 9309, 2.2).

    HTML is absent unless it holds agent and disallow lines. UTF-16 is malformed (2.3).
    """
    file = read_file(document.body)
    if file is None:
        return Reading(presence=Presence.MALFORMED, issues=(Issue(code="robots.not_utf8", line=1),))
    lines, issues = file.lines, list(file.issues)
    kinds = set(lines.kinds)
    if file.html:
        excerpt = to_printable("\n".join(lines.texts[:5])).strip()[:100]
        issues.append(Issue(code="robots.html_body", line=1, excerpt=excerpt))
        if not {line_reader.AGENT, line_reader.DISALLOW} <= kinds:
            return Reading(presence=Presence.ABSENT, issues=tuple(issues))
    else:
        issues += line_reader.line_issues(lines)
    if file.cut or document.truncated:
        issues.append(Issue(code="robots.truncated", excerpt=f"{len(lines)} lines were read"))
    rules, more = _rules(lines, file.robots)
    return Reading(
        presence=Presence.PRESENT if line_reader.is_robots(lines) else Presence.ABSENT,
        statements=(*rules.stored.values(), *rules.strict_only),
        issues=line_reader.limit_issues(issues + more),
        rules=rules,
    )


def refusing_rule(reading: Reading, agent: str, path: str) -> CrawlRule | None:
    """Return the rule that refuses a path to an agent, None if the path is allowed.

    `path` is path and query of a URL. RFC 9309, 2.2.2: `/robots.txt` is implicitly allowed, and
    without a matching rule a path is allowed.
    """
    rules = reading.rules
    path = normalise_path(path)
    if not isinstance(rules, _Rules) or path == "/robots.txt":
        return None
    rule = rules.robots.rules_for(agent)[0].decide(path)
    return None if rule is None or rule.allow else rule


def robots_of(reading: Reading) -> Robots | None:
    """Return the groups of the lenient reading, None for a reading without rules."""
    return reading.rules.robots if isinstance(reading.rules, _Rules) else None


def named_agents(reading: Reading, /) -> Iterable[str]:
    """Return the product tokens that have groups of their own, as written, never `*`."""
    robots = robots_of(reading)
    return groups.named_agents(robots) if robots else ()


def url_patterns(reading: Reading, /) -> Iterable[UrlPattern]:
    """Return the path patterns that answers depend on: those of the rules of all groups."""
    robots = robots_of(reading)
    return groups.url_patterns(robots) if robots else ()


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements that apply to a question, those that count first.

    Without an agent, a statement for one agent is limited to `agents`. With an agent, only what
    the agent must follow applies: its own groups, or the refusal of `*` (RFC 9309, 2.2.1).
    """
    rules = reading.rules
    if not isinstance(rules, _Rules):
        return ()
    if question.agent is not None:
        applicable = _for_agent(rules, question.agent, question.path)
    elif question.path is None:
        applicable = [AppliedStatement(s, _limit_of(s)) for s in rules.stored.values()]
    else:
        applicable = _for_path(rules, normalise_path(question.path))
    applicable.sort(key=lambda applied: (not applied.statement.counts, applied.statement.n))
    return tuple(applicable)


def _limit_of(statement: Statement) -> str:
    return "" if statement.stance is Stance.REFUSED else "agents"


def _for_path(rules: _Rules, path: str) -> list[AppliedStatement]:
    """Return the refusals of one normalised path, to `*` and to each catalogued agent."""
    if path == "/robots.txt":  # implicitly allowed (RFC 9309, 2.2.2)
        return []
    applicable = []
    star = rules.robots.rules_for("*")[0].decide(path)
    if star is not None and not star.allow:
        applicable.append(AppliedStatement(_stored_or_new(rules, None, star)))
    for shared, named in rules.agents_by_rules:
        rule = shared.decide(path)
        if rule is not None and not rule.allow:
            applicable += [
                AppliedStatement(_stored_or_new(rules, agent, rule), "agents") for agent in named
            ]
    return applicable


def _for_agent(rules: _Rules, token: str, path: str | None) -> list[AppliedStatement]:
    own, is_named = rules.robots.rules_for(token)
    agent = agents.find(token) if is_named else None
    if agent is None or agent.agent_class not in PURPOSE_OF_CLASS:
        agent = None
    if path is not None:
        path = normalise_path(path)
        rule = None if path == "/robots.txt" else own.decide(path)
        if rule is None or rule.allow:
            return []
        return [AppliedStatement(_refusal_for(rules, agent, rule, whole=own.refuses_all()))]
    whole, refusing = own.refused_scope()
    if whole:
        return [AppliedStatement(_refusal_for(rules, agent, refusing[0], whole=True))]
    # A refusal of access to some paths says nothing about the whole origin.
    refusals = [_refusal_for(rules, agent, rule, whole=False) for rule in refusing]
    return [AppliedStatement(s, "paths") for s in refusals if s.stance is not Stance.REFUSED]


def _refusal_for(
    rules: _Rules, agent: agents.Agent | None, rule: CrawlRule, *, whole: bool
) -> Statement:
    """Return the statement for an agent; a refusal of access if the rule is for `*` as well."""
    for_everybody = not whole and _names_star(rules.robots, rule)
    return _stored_or_new(rules, None if for_everybody else agent, rule)


def _stored_or_new(rules: _Rules, agent: agents.Agent | None, rule: CrawlRule) -> Statement:
    """Return the stored statement of an agent and a rule, or make one with `n` = 0."""
    key = (agent.token.lower() if agent else "*", rule.number)
    stored = rules.stored.get(key)
    if stored is not None:
        return stored
    counts = not (agent and _names_star(rules.robots, rule))
    return _statement(rules.robots, agent, rule, 0, Reads.BOTH, counts=counts)


def _rules(lines: Lines, robots: Robots) -> tuple[_Rules, list[Issue]]:
    """Merge both readings of the lines into one set of statements.

    The lenient reading decides. What only the strict one yields is shown and does not count.
    """
    named = _named_agents(robots)
    lenient = _refusals(robots, named)
    literal, strict = lenient, robots
    # Without deviations both readings are equal, so the file is not grouped twice.
    if any(lines.deviations):
        strict = read_groups(lines, strict=True)
        literal = _refusals(strict, _named_agents(strict))
    issues = list(token_issues(robots))
    if len(lenient) > _MAX_STATEMENTS:
        text = f"{len(lenient)} statements, {_MAX_STATEMENTS} kept"
        issues.append(Issue(code="robots.many_rules", excerpt=text))
    stored = {}
    kept = islice(lenient.items(), _MAX_STATEMENTS)
    for n, (key, (agent, rule, counts)) in enumerate(kept, start=1):
        reads = Reads.BOTH if key in literal else Reads.LENIENT
        stored[key] = _statement(robots, agent, rule, n, reads, counts=counts)
    only = [refusal for key, refusal in literal.items() if key not in lenient][:_MAX_STATEMENTS]
    strict_only = tuple(
        _statement(strict, agent, rule, n, Reads.STRICT, counts=False)
        for n, (agent, rule, _) in enumerate(only, start=len(stored) + 1)
    )
    rules = _Rules(
        robots=robots,
        agents_by_rules=_agents_by_rules(robots, named),
        stored=stored,
        strict_only=strict_only,
    )
    return rules, issues


def _refusals(robots: Robots, named: tuple[agents.Agent, ...]) -> dict[_Key, _Refusal]:
    """Return one refusal for each agent that is refused everything, else one for each path."""
    refusals: dict[_Key, _Refusal] = {}
    star = robots.rules_for("*")[0]
    if star.refuses_all():
        rule = star.refused_scope()[1][0]
        refusals["*", rule.number] = (None, rule, True)
    for own, sharing in _agents_by_rules(robots, named):
        whole, refusing = own.refused_scope()
        for agent in sharing:
            for rule in refusing[:1] if whole else refusing:
                key = agent.token.lower(), rule.number
                refusals[key] = (agent, rule, whole or not _names_star(robots, rule))
    return refusals


def _names_star(robots: Robots, rule: CrawlRule) -> bool:
    """Return whether the group of a rule names `*` too, so that it singles out no agent.

    Widespread templates list agents above `*` and refuse all of them the shop's search.
    """
    return any(robots.lines.values[n - 1] == "*" for n in robots.groups[rule.group].agents)


def _named_agents(robots: Robots) -> tuple[agents.Agent, ...]:
    """Return the catalogued agents that a file names, each once, in the order of their groups."""
    by_token = {a.token: a for form in robots.by_token if (a := agents.find(form)) is not None}
    return tuple(a for a in by_token.values() if a.agent_class is not AgentClass.AGENT)


def _agents_by_rules(
    robots: Robots, named: tuple[agents.Agent, ...]
) -> tuple[tuple[AgentRules, tuple[agents.Agent, ...]], ...]:
    # Long lists of agents share a few groups: their rules are evaluated once for each list.
    by_rules: dict[AgentRules, list[agents.Agent]] = {}
    for agent in named:
        by_rules.setdefault(robots.rules_for(agent.token)[0], []).append(agent)
    return tuple((own, tuple(sharing)) for own, sharing in by_rules.items() if own.rules)


def _statement(
    robots: Robots,
    agent: agents.Agent | None,
    rule: CrawlRule,
    n: int,
    reads: Reads,
    *,
    counts: bool,
) -> Statement:
    """Make the statement of a refusal.

    For an agent, it reserves the purpose of its class (tier 3). Without an agent, it refuses
    access and says nothing about mining (tier 4).
    """
    is_inactive = agent is not None and agent.agent_class in _INACTIVE
    if agent is None:
        kind = "refused" if rule.pattern.universal else "refused_path"
        name, stance, purpose, tier = f"robots.access.{kind}", Stance.REFUSED, None, 4
    else:
        name, stance, tier = f"robots.agent.{agent.agent_class}", Stance.RESERVED, 3
        purpose = PURPOSE_OF_CLASS.get(agent.agent_class, Purpose.GENAI_TRAIN)
    agent_line = robots.agent_line(agent.token.lower() if agent else "*", rule.group)
    return Statement(
        rule=name,
        stance=stance,
        purpose=purpose,
        tier=tier,
        place=f"robots.txt line {rule.number}",
        raw=_quote(robots, agent_line, rule),
        clause=_CLAUSE,
        declared_by=DeclaredBy.ORIGIN_FILE,
        line=rule.number,
        agent=agent.token if agent else "*",
        path=to_printable(rule.value),
        # A rule for a crawler that is gone does not count, however its token is read.
        reads=Reads.BOTH if is_inactive else reads,
        counts=counts and not is_inactive,
        n=n,
        agent_line=agent_line,
    )


def _quote(robots: Robots, agent_line: int | None, rule: CrawlRule) -> str:
    text = robots.lines.texts[rule.number - 1].strip(" \t")
    if agent_line is not None:
        text = f"{robots.lines.texts[agent_line - 1].strip()}\n{text}"
    return to_printable(text)[:500]
