"""The effect of what is behind a finding, which `evaluate.history` compares over time.

The order of lines, comments, case and spelling are no part of it.
"""

from collections.abc import Iterable
from functools import partial

from crawler.evaluate.kinds import StatementKinds
from crawler.evaluate.records import ApplicableStatement, Effect, EffectTerm, Finding
from crawler.vocab import Stance, State

# The plain texts: `value` of a member is slow, and effects may have tens of thousands of terms.
_STANCES = {stance: stance.value for stance in Stance}


def effect_of(finding: Finding, deciding: Iterable[int], kinds: StatementKinds) -> Effect:
    """Return the effect of a finding, from the statements that make a state about its purpose.

    `deciding` are the numbers of their kinds. What is unknown has no effect: it rests on what was
    not seen.
    """
    if finding.state is State.UNKNOWN:
        return ()
    make = partial(_effect_of_statements, kinds.statements_of(deciding))
    effect = kinds.once("effect", deciding, make)
    if not finding.exceptions:
        return effect
    # Product tokens have no case (RFC 9309, 2.2.1).
    excepted = {EffectTerm("", "excepted", agent.lower()) for agent in finding.exceptions}
    return tuple(sorted({*effect, *excepted}))


def _effect_of_statements(deciding: tuple[ApplicableStatement, ...]) -> Effect:
    return tuple(sorted(set(map(_term_of, deciding))))


def _term_of(applicable: ApplicableStatement) -> EffectTerm:
    statement = applicable.statement
    return EffectTerm(
        protocol=applicable.protocol.NAME,
        stance=_STANCES[statement.stance],
        agent=statement.agent.lower(),
        path=statement.path or "",
        media=(statement.media or "").lower(),
        policy=statement.policy or "",
        use=statement.use,
    )
