"""Access of one agent to an origin: whether its robots.txt turns the agent away."""

from collections.abc import Iterator
from typing import NamedTuple

from crawler.evaluate.applicable import collect_applicable, missing
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import ResourceEvidence
from crawler.model import Question
from crawler.protocols.robots import robots_txt
from crawler.protocols.robots.groups import AgentRules
from crawler.rulesets import RuleSet
from crawler.vocab import Access, Purpose, Resource, State


class AgentAnswer(NamedTuple):
    """The access of an agent to an origin, and the state of each purpose as it is told."""

    access: Access
    states: dict[Purpose, State]


def answer_for(resources: tuple[ResourceEvidence, ...], agent: str, rules: RuleSet) -> AgentAnswer:
    """Return what an origin tells one agent."""
    findings = evaluate(resources, Question(agent=agent), rules)
    states = {finding.purpose: finding.state for finding in findings}
    return AgentAnswer(access_of(resources, agent, rules), states)


def access_of(resources: tuple[ResourceEvidence, ...], agent: str, rules: RuleSet) -> Access:
    """Return the access that robots.txt leaves to an agent (RFC 9309, 2.2).

    Whether an agent may fetch something is no question of purposes: a refusal of some paths makes
    no statement about mining. The rule set only says when evidence is too old.
    """
    is_partly_refused = False
    for own in _rules_of_agent(resources, agent):
        whole, refusing = own.refused_scope()
        if whole:
            return Access.REFUSED
        is_partly_refused = is_partly_refused or bool(refusing)
    if not _is_known(resources, agent, rules):
        return Access.UNKNOWN
    return Access.PARTLY if is_partly_refused else Access.ADMITTED


def _rules_of_agent(resources: tuple[ResourceEvidence, ...], agent: str) -> Iterator[AgentRules]:
    """Yield the rules that an agent must follow, from the robots.txt of the origin."""
    for evidence in resources:
        if evidence.resource is not Resource.ROBOTS_TXT:
            continue
        for _protocol, _key, reading in evidence.readings:
            robots = robots_txt.robots_of(reading)
            if robots is not None:
                yield robots.rules_for(agent)[0]


def _is_known(resources: tuple[ResourceEvidence, ...], agent: str, rules: RuleSet) -> bool:
    """Return whether the robots.txt of the origin was seen, or seen not to be there."""
    absent = missing(collect_applicable(resources, Question(agent=agent)).essential, rules)
    planned = [r for r in resources if r.resource is Resource.ROBOTS_TXT and r.is_final]
    return bool(planned) and not any(r.resource is Resource.ROBOTS_TXT for r in absent)
