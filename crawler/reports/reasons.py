"""Reasons why a statement that was considered did not decide, as text."""

from crawler.evaluate.evaluator import is_about, state_of
from crawler.evaluate.records import ApplicableStatement, Finding
from crawler.model import Statement
from crawler.rulesets import RuleSet
from crawler.vocab import Reads

_READERS = {
    Reads.LENIENT: "not counted: only lenient readers understand it so",
    Reads.STRICT: "not counted: only strict readers understand it so",
    Reads.BOTH: "not counted: it is shown, and by the rules of its protocol decides nothing",
}
_INACTIVE = {
    "robots.agent.legacy": "not counted: an agent of that name is no longer used",
    "robots.agent.undocumented": "not counted: nobody says what an agent of that name is for",
}
_PARTS = {
    "agents": "named agents",
    "paths": "some paths",
    "file types": "some file types",
    "pages": "single pages",
}


def why_not(applicable: ApplicableStatement, finding: Finding, rules: RuleSet) -> str:
    """Return why a statement that was considered in a finding does not decide it."""
    if not is_about(applicable.statement, finding.purpose, rules):
        return f"makes no state for {finding.purpose}: a permission is of its own purpose only"
    if not applicable.statement.counts:
        return _uncounted(applicable.statement)
    if applicable.excluded_because:
        return applicable.excluded_because
    state = state_of(applicable.applied, rules)
    if state is None:
        part = _PARTS.get(applicable.applied.limited_to, applicable.applied.limited_to)
        return f"settles nothing: it permits for {part} only"
    if finding.deciding is None:
        return f"{state} is not enough while something planned is unseen"
    if state is not finding.state:
        return f"weaker: {state} does not lift {finding.state}"
    return _equal(applicable, finding.deciding)


def _uncounted(statement: Statement) -> str:
    if statement.reads is not Reads.BOTH:
        return _READERS[statement.reads]
    if statement.rule in _INACTIVE:
        return _INACTIVE[statement.rule]
    if statement.rule.startswith("robots.agent."):
        return "not counted: the line is for everybody as well, and singles nobody out"
    return _READERS[Reads.BOTH]


def _equal(applicable: ApplicableStatement, by: ApplicableStatement) -> str:
    """Return why another statement with the same state comes first."""
    if applicable.statement.tier != by.statement.tier:
        tiers = f"tier {applicable.statement.tier} after tier {by.statement.tier}"
        return f"agrees, and is less explicit ({tiers})"
    return "agrees, and comes after the one that decided"
