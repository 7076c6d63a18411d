"""Statements by kind give the findings that statements one by one give."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.evaluate.applicable import collect_applicable
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.effects import effect_of
from crawler.evaluate.evaluator import (
    concerns,
    evaluate,
    evaluate_rule_sets,
    is_about,
    is_lenient_reservation,
    state_of,
)
from crawler.evaluate.kinds import StatementKinds
from crawler.evaluate.records import RESERVING
from crawler.model import Question
from crawler.protocols import PROTOCOLS
from crawler.vocab import Stance, State
from tests.evaluate.test_bounds import RULE_SETS, evidence_of_origins
from tests.sample_origins import SIGNALS, origin
from tests.strategies import UNTIMED

ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}


def excluded(applicable, rules):
    """Return why one statement takes no part under a rule set: the definition."""
    lenient = is_lenient_reservation(applicable) or (
        applicable.statement.stance is Stance.REFUSED
        and not applicable.statement.counts
        and applicable.statement.reads != "both"
    )
    if applicable.excluded_because and not (rules.lenient_counts_as == "reserved" and lenient):
        return applicable.excluded_because
    if applicable.candidate or applicable.statement.tier in rules.tiers:
        return ""
    return f"tier {applicable.statement.tier} does not count under {rules.id}"


def cited(applicable):
    """Return the key by which statements are cited."""
    h = applicable
    order = ORDER[h.protocol.NAME]
    return (bool(h.excluded_because), h.statement.tier, order, h.evidence.path, h.statement.n)


@settings(UNTIMED, max_examples=120)
@given(
    resources=evidence_of_origins(),
    rules=st.sampled_from(RULE_SETS),
    path=st.sampled_from((None, "/p", "/a/x.jpg")),
)
def test_findings_are_those_of_statements_one_by_one(resources, rules, path):
    collected = collect_applicable(resources, Question(path=path))
    prose = collected.prose if rules.textual_counts_as == "reserved" else ()
    statements = [
        h._replace(excluded_because=excluded(h, rules)) for h in (*collected.statements, *prose)
    ]
    for finding in evaluate(resources, Question(path=path), rules):
        purpose = finding.purpose
        about = [h for h in statements if is_about(h.statement, purpose, rules)]
        near = [h for h in statements if concerns(h.statement, purpose)]
        making = [
            (state.rank, cited(h), n, h)
            for n, h in enumerate(about)
            if not h.excluded_because and (state := state_of(h.applied, rules)) is not None
        ]
        if finding.deciding is not None:
            rank, _, _, deciding = min(making)
            assert (finding.state.rank, finding.deciding) == (rank, deciding)
        elif finding.state is not State.UNKNOWN:
            assert (finding.state, making) == (State.SILENT, [])
        shown = [h for h in statements if h in about or h in near]
        rest = [h for h in sorted(shown, key=cited) if h != finding.deciding]
        assert [h for h in finding.considered if h is not finding.deciding] == rest
        disagree = any(find_conflicts(h for h in near if not h.excluded_because))
        assert finding.conflict or not disagree
        assert disagree or finding.exceptions or not finding.conflict


@settings(UNTIMED, max_examples=60)
@given(resources=evidence_of_origins())
def test_effects_are_those_of_statements_one_by_one(resources):
    collected, found = evaluate_rule_sets(resources, Question(), RULE_SETS)
    for rules, findings in zip(RULE_SETS, found, strict=True):
        for f in findings:
            deciding = tuple(
                h
                for h in (*collected.statements, *collected.prose)
                if is_about(h.statement, f.purpose, rules)
                and not excluded(h, rules)
                and (not h.candidate or rules.textual_counts_as == "reserved")
                and state_of(h.applied, rules) is not None
            )
            each = StatementKinds(deciding)
            numbers = [kind.number for kind in each.kinds]
            assert f.effect == effect_of(f, numbers, each)


def rules_of(number):
    """Return a tdmrep.json of that many rules, of which every third permits."""
    rule = '{{"location": "/{}/", "tdm-reservation": {}}}'
    return "[" + ",".join(rule.format(n, int(n % 3 > 0)) for n in range(number)) + "]"


@pytest.mark.parametrize(("number", "stances"), [(3, 2), (500, 2)])
def test_a_large_file_has_few_kinds_of_statements(number, stances):
    collected = collect_applicable(origin(tdmrep=rules_of(number)), Question())
    assert (len(collected.statements), len(collected.kinds.kinds)) == (number, stances)
    (tdm, *_) = evaluate(origin(tdmrep=rules_of(number)), Question(), SIGNALS)
    assert len(tdm.considered) == number
    assert all(h.statement.stance in RESERVING for h in tdm.considered[:1])


def test_a_reason_gives_one_object_for_each_statement():
    collected = collect_applicable(origin(tdmrep=rules_of(9)), Question())
    for applicable, reason in product(collected.statements, ("", "tier 1 does not count")):
        once, again = (collected.kinds.with_reason(applicable, reason) for _ in range(2))
        assert once is again
        assert once.excluded_because == reason
