"""The effect of what is behind a finding, which `evaluate.history` compares over time.

The order of lines, comments, case and spelling are no part of it.
"""

from collections.abc import Iterable

from crawler.evaluate.records import ApplicableStatement, Effect, EffectTerm, Finding
from crawler.vocab import State


def effect_of(finding: Finding, deciding: Iterable[ApplicableStatement]) -> Effect:
    """Return the effect of a finding, from the statements that make a state about its purpose.

    What is unknown has none: it rests on what was not seen.
    """
    if finding.state is State.UNKNOWN:
        return ()
    terms = {_term_of(applicable) for applicable in deciding}
    # Product tokens have no case (RFC 9309, 2.2.1).
    terms.update(EffectTerm("", "excepted", agent.lower()) for agent in finding.exceptions)
    return tuple(sorted(terms))


def _term_of(applicable: ApplicableStatement) -> EffectTerm:
    statement = applicable.statement
    return EffectTerm(
        protocol=applicable.protocol.NAME,
        stance=statement.stance.value,
        agent=statement.agent.lower(),
        path=statement.path or "",
        media=(statement.media or "").lower(),
        policy=statement.policy or "",
        use=statement.use,
    )
