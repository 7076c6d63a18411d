"""robots.txt: the Robots Exclusion Protocol, RFC 9309.

It speaks about access by an agent. A group for an agent that gathers training data, or for a
token that controls training, is a statement for that agent; a group for `*` says nothing
about mining and is kept as a refusal of access.
"""

from dataclasses import dataclass
from itertools import islice

from crawler import agents
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.path_patterns import normalise_path
from crawler.protocols.robots import line_reader
from crawler.protocols.robots.document import read_file
from crawler.protocols.robots.groups import AgentRules, CrawlRule, Robots, read_groups, token_issues
from crawler.protocols.robots.line_reader import Lines, shown
from crawler.vocab import AgentClass, DeclaredBy, Presence, Purpose, Reads, Resource, Stance

NAME = "robots_txt"
VERSION = 1
TITLE = "robots.txt"
SPEC = "RFC 9309, https://www.rfc-editor.org/rfc/rfc9309"
FAMILY = "robots_txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "RFC 9309, 2.2.1 and 2.2.2"
#: What refusing an agent of a class is a statement about; other classes make none.
PURPOSE_OF_CLASS = {
    **dict.fromkeys(agents.TRAINING, Purpose.GENAI_TRAIN),
    AgentClass.SEARCH: Purpose.SEARCH,
    AgentClass.USER: Purpose.AI_INPUT,
}
#: Shown as statements, since they tell of an intent, but they decide nothing: nobody runs them
#: any more, or nobody has said what they are for.
_INACTIVE = frozenset({AgentClass.LEGACY, AgentClass.UNDOCUMENTED})
_PER_FILE = 2000


# An agent's lower-case token (or `*`) and a line; the agent (or nobody), its rule, and whether
# the rule is addressed to it.
_Key = tuple[str, int | None]
_Refusal = tuple[agents.Agent | None, CrawlRule, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What answers questions: the lenient reading, the agents it names, and the statements.

    `audience` lists, for every distinct set of rules, the catalogued agents that share it.
    """

    robots: Robots
    audience: tuple[tuple[AgentRules, tuple[agents.Agent, ...]], ...]
    stored: dict[_Key, Statement]
    others: tuple[Statement, ...]


def parse(document: Document, /) -> Reading:
    """Read a robots.txt; lines that cannot be read become issues, the others count (2.2, 2.3).

    HTML is no robots.txt unless lines of one stand in it. UTF-16 is malformed.
    """
    file = read_file(document.body)
    if file is None:
        return Reading(presence=Presence.MALFORMED, issues=(Issue(code="robots.not_utf8", line=1),))
    lines, issues = file.lines, list(file.issues)
    kinds = set(lines.kinds)
    if file.html:
        excerpt = shown("\n".join(lines.texts[:5])).strip()[:100]
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
        statements=(*rules.stored.values(), *rules.others),
        issues=line_reader.limited(issues + more),
        rules=rules,
    )


def allows(reading: Reading, agent: str, path: str) -> bool:
    """Whether the lenient reading lets an agent ask for path and query (RFC 9309, 2.2.2).

    `/robots.txt` is implicitly allowed. A reading without rules allows everything.
    """
    return refusing_rule(reading, agent, path) is None


def refusing_rule(reading: Reading, agent: str, path: str) -> CrawlRule | None:
    """The line that keeps an agent from a path, None if nothing does."""
    rules = reading.rules
    path = normalise_path(path)
    if not isinstance(rules, _Rules) or path == "/robots.txt":
        return None
    rule = rules.robots.rules_for(agent)[0].decide(path)
    return None if rule is None or rule.allow else rule


def robots_of(reading: Reading) -> Robots | None:
    """The groups of a file as they are read leniently, None where there are none."""
    return reading.rules.robots if isinstance(reading.rules, _Rules) else None


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """The statements that speak to a question; those that do not count come last.

    Without an agent, a statement for one agent covers that agent only (`agents`). With one,
    only what that agent must follow speaks: its own group, or the refusal of `*`.
    """
    rules = reading.rules
    if not isinstance(rules, _Rules):
        return ()
    if question.agent is not None:
        found = _for_agent(rules, question.agent, question.path)
    elif question.path is None:
        found = [AppliedStatement(statement=s, limited_to=_part(s)) for s in rules.stored.values()]
    else:
        found = _for_path(rules, normalise_path(question.path))
    found.sort(key=lambda applied: (not applied.statement.counts, applied.statement.n))
    return tuple(found)


def _part(statement: Statement) -> str:
    return "" if statement.stance is Stance.REFUSED else "agents"


def _for_path(rules: _Rules, path: str) -> list[AppliedStatement]:
    """Who is refused one path. `/robots.txt` is refused to nobody (RFC 9309, 2.2.2)."""
    if path == "/robots.txt":
        return []
    found = []
    star = rules.robots.rules_for("*")[0].decide(path)
    if star is not None and not star.allow:
        found.append(AppliedStatement(statement=_stored(rules, None, star)))
    for shared, named in rules.audience:
        rule = shared.decide(path)
        if rule is not None and not rule.allow:
            found += [
                AppliedStatement(statement=_stored(rules, a, rule), limited_to="agents")
                for a in named
            ]
    return found


def _for_agent(rules: _Rules, token: str, path: str | None) -> list[AppliedStatement]:
    own, named = rules.robots.rules_for(token)
    agent = agents.find(token) if named else None
    if agent is None or agent.agent_class not in PURPOSE_OF_CLASS:
        agent = None
    if path is not None:
        path = normalise_path(path)
        rule = None if path == "/robots.txt" else own.decide(path)
        if rule is None or rule.allow:
            return []
        return [AppliedStatement(statement=_told(rules, agent, rule, whole=own.refuses_all()))]
    whole, refusing = own.reach()
    if whole:
        return [AppliedStatement(statement=_told(rules, agent, refusing[0], whole=True))]
    told = [_told(rules, agent, rule, whole=False) for rule in refusing]
    return [
        AppliedStatement(statement=s, limited_to="paths")
        for s in told
        if s.stance is not Stance.REFUSED
    ]


def _told(rules: _Rules, agent: agents.Agent | None, rule: CrawlRule, *, whole: bool) -> Statement:
    """What a refusal says to an agent: about its purpose, or about access if it is everybody's."""
    everybody = not whole and _for_everybody(rules.robots, rule)
    return _stored(rules, None if everybody else agent, rule)


def _stored(rules: _Rules, agent: agents.Agent | None, rule: CrawlRule) -> Statement:
    """The stored statement of an agent and a rule, or one made for this answer alone."""
    key = (agent.token.lower() if agent else "*", rule.number)
    found = rules.stored.get(key)
    if found is not None:
        return found
    counts = not (agent and _for_everybody(rules.robots, rule))
    return _statement(rules.robots, agent, rule, 0, Reads.BOTH, counts=counts)


def _rules(lines: Lines, robots: Robots) -> tuple[_Rules, list[Issue]]:
    """Both readings of the lines, merged into one set of statements.

    The lenient reading decides; what only the strict one says is shown, and does not count.
    """
    named = _named(robots)
    said = _refusals(robots, named)
    literal, strict = said, robots
    if any(lines.departures):
        strict = read_groups(lines, strict=True)
        literal = _refusals(strict, _named(strict))
    issues = list(token_issues(robots))
    if len(said) > _PER_FILE:
        text = f"{len(said)} statements, {_PER_FILE} kept"
        issues.append(Issue(code="robots.many_rules", excerpt=text))
    stored = {}
    for n, (key, (agent, rule, counts)) in enumerate(islice(said.items(), _PER_FILE), start=1):
        reads = Reads.BOTH if key in literal else Reads.LENIENT
        stored[key] = _statement(robots, agent, rule, n, reads, counts=counts)
    only = [pair for key, pair in literal.items() if key not in said][:_PER_FILE]
    others = tuple(
        _statement(strict, agent, rule, n, Reads.STRICT, counts=False)
        for n, (agent, rule, _) in enumerate(only, start=len(stored) + 1)
    )
    rules = _Rules(robots=robots, audience=_audience(robots, named), stored=stored, others=others)
    return rules, issues


def _refusals(robots: Robots, named: tuple[agents.Agent, ...]) -> dict[_Key, _Refusal]:
    """Who is refused by which rule: one rule for whom all is refused, else one for each path."""
    found: dict[_Key, _Refusal] = {}
    everybody = robots.rules_for("*")[0]
    if everybody.refuses_all():
        rule = everybody.reach()[1][0]
        found["*", rule.number] = (None, rule, True)
    for own, those in _audience(robots, named):
        whole, refusing = own.reach()
        for agent in those:
            for rule in refusing[:1] if whole else refusing:
                key = agent.token.lower(), rule.number
                found[key] = (agent, rule, whole or not _for_everybody(robots, rule))
    return found


def _for_everybody(robots: Robots, rule: CrawlRule) -> bool:
    """Whether a rule stands in a group that names `*` too: it singles nobody out.

    Widespread templates list agents above `*` and refuse all of them the shop's search.
    """
    return any(robots.lines.values[n - 1] == "*" for n in robots.groups[rule.group].agents)


def _named(robots: Robots) -> tuple[agents.Agent, ...]:
    """The catalogued agents that a reading names, each once, in the order of their groups."""
    found = {a.token: a for form in robots.by_token if (a := agents.find(form)) is not None}
    return tuple(a for a in found.values() if a.agent_class is not AgentClass.AGENT)


def _audience(
    robots: Robots, named: tuple[agents.Agent, ...]
) -> tuple[tuple[AgentRules, tuple[agents.Agent, ...]], ...]:
    shared: dict[AgentRules, list[agents.Agent]] = {}
    for agent in named:
        shared.setdefault(robots.rules_for(agent.token)[0], []).append(agent)
    return tuple((own, tuple(those)) for own, those in shared.items() if own.rules)


def _statement(
    robots: Robots,
    agent: agents.Agent | None,
    rule: CrawlRule,
    n: int,
    reads: Reads,
    *,
    counts: bool,
) -> Statement:
    """A refusal of an agent whose operator says what it is for: a statement about that, tier 3.

    Without an agent it is a refusal of access with no word about mining, tier 4.
    """
    if agent is None:
        kind = "refused" if rule.pattern.universal else "refused_path"
        name, stance, purpose, tier = f"robots.access.{kind}", Stance.REFUSED, None, 4
    else:
        name, stance, tier = f"robots.agent.{agent.agent_class}", Stance.RESERVED, 3
        purpose = PURPOSE_OF_CLASS.get(agent.agent_class, Purpose.GENAI_TRAIN)
    return Statement(
        rule=name,
        stance=stance,
        purpose=purpose,
        tier=tier,
        place=f"robots.txt line {rule.number}",
        raw=_raw(robots, agent, rule),
        clause=_CLAUSE,
        declared_by=DeclaredBy.ORIGIN_FILE,
        line=rule.number,
        agent=agent.token if agent else "*",
        path=shown(rule.value),
        reads=reads,
        counts=counts and not (agent and agent.agent_class in _INACTIVE),
        n=n,
    )


def _raw(robots: Robots, agent: agents.Agent | None, rule: CrawlRule) -> str:
    named = robots.agent_line(agent.token.lower() if agent else "*", rule.group)
    text = robots.lines.texts[rule.number - 1].strip(" \t")
    return shown(f"{named.strip()}\n{text}" if named else text)[:500]
