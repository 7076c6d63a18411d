"""Properties of findings: bounds hold, hiding frees nothing, equal evidence has equal answers."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crawler.evaluate.evaluation_cache import EvaluationCache
from crawler.evaluate.evaluator import COVERING, evaluate
from crawler.evaluate.records import LastFailure
from crawler.model import Question, Reading
from crawler.protocols.tdmrep import tdmrep_header
from crawler.vocab import Outcome, Presence, Purpose, State
from tests import strategies as files
from tests.sample_origins import (
    HOST,
    INCLUSIVE,
    NOTHING,
    SIGNALS,
    STRICT,
    Answer,
    findings,
    html,
    origin,
)
from tests.strategies import UNTIMED

RULE_SETS = (STRICT, SIGNALS, INCLUSIVE)
WHOLE = frozenset({State.RESERVED, State.CONDITIONAL})
RESERVING = WHOLE | {State.PARTIAL}
AT_MOST = RESERVING | {State.UNKNOWN}
LICENCE = f"{HOST}/license.xml"
QUESTIONS = st.sampled_from(
    [{}, {"path": "/p"}, {"path": "/a/x.jpg"}, {"agent": "CCBot"}, {"path": "/a", "agent": "X"}]
)
PARTS = st.fixed_dictionaries(
    {
        "robots": files.ROBOTS.map(str),
        "ai": files.AI_TXT,
        "tdmrep": files.TDMREP,
        "trust": st.sampled_from(("", "datatrainingallowed=no\n", "datatrainingallowed=yes\n")),
        "home": st.builds(lambda fields: html("", *fields), files.HEADERS),
        "page": st.builds(lambda fields: html("", *fields), files.HEADERS),
        "licence": st.none() | files.RSL,
    }
)
UNSEEN = (
    NOTHING,
    Answer(status=403),
    Answer(status=503),
    Answer(status=None, outcome=Outcome.WITHHELD),
)
# What a JSON file, a header or a robots.txt of signals becomes by a small mistake.
MISSPELT = {
    "a string": ("tdmrep", lambda text: text.replace(": 1", ': "1"')),
    "a byte order mark": ("tdmrep", lambda text: "\ufeff" + text),
    "no array": ("tdmrep", lambda text: text.removeprefix("[").removesuffix("]")),
    "a comma too many": ("tdmrep", lambda text: text.removesuffix("]") + ",]"),
    "broken off": ("tdmrep", lambda text: text[:-2]),
    "UTF-16": ("robots", lambda text: f"License: {LICENCE}\n{text}".encode("utf-16")),
}


def built(parts: dict[str, object]):
    """Return the origin of some parts; without a licence, robots.txt names none."""
    licence = parts["licence"]
    robots = parts["robots"]
    if licence is not None and isinstance(robots, str):
        robots = f"License: {LICENCE}\n{robots}"
    answer = Answer(body=licence or "", kind="application/rsl+xml")
    return origin(
        robots=robots,
        ai=parts["ai"],
        tdmrep=parts["tdmrep"],
        trust=parts["trust"],
        home=parts["home"],
        pages={"/p": parts["page"]},
        licences={} if licence is None else {LICENCE: answer},
    )


FAILURES = st.none() | st.builds(
    LastFailure, st.booleans(), st.sampled_from((0.0, 3.0, 30.5)), st.sampled_from(("x", "y"))
)
HIDDEN = Reading(presence=Presence.UNSEEN)


@st.composite
def evidence_of_origins(draw):
    """Draw an origin with stale, refused, expired, hidden, malformed and redirected resources."""
    parts = draw(PARTS)
    if draw(st.booleans()):
        name, change = MISSPELT[draw(st.sampled_from(sorted(MISSPELT)))]
        parts |= {name: change(parts[name])}
    resources = []
    for one in built(parts):
        kind = draw(st.sampled_from(("kept", "kept", "kept", "failed", "unseen", "crashed")))
        if kind == "failed":
            resources.append(one._replace(last_failure=draw(FAILURES)))
        elif kind == "unseen":
            resources.append(one._replace(presence=Presence.UNSEEN, readings=()))
        elif kind == "crashed":
            crashed = tuple((protocol, key, HIDDEN) for protocol, key, _ in one.readings)
            resources.append(one._replace(readings=crashed))
        else:
            resources.append(one)
    for fields in draw(st.lists(files.HEADERS, max_size=1)):
        (*_, hop) = origin(pages={"/p": html("", *fields)})
        of_headers = tuple(r for r in hop.readings if r[0].HEADERS)
        resources.append(hop._replace(readings=of_headers, is_final=False))
    return tuple(resources)


def states(resources, rules, question):
    return {p: f.state for p, f in findings(resources, rules, **question).items()}


@settings(UNTIMED, max_examples=150)
@given(resources=evidence_of_origins(), question=QUESTIONS)
def test_the_bounds_are_bounds_for_any_evidence(resources, question):
    narrow, shown, wide = (states(resources, rules, question) for rules in RULE_SETS)
    for purpose in Purpose:
        assert shown[purpose] in RESERVING or narrow[purpose] not in WHOLE
        assert shown[purpose] in RESERVING or narrow[purpose] not in RESERVING
        assert wide[purpose] in AT_MOST or shown[purpose] not in RESERVING


@settings(UNTIMED, max_examples=150)
@given(parts=PARTS, question=QUESTIONS, data=st.data())
def test_hiding_a_resource_never_frees(parts, question, data):
    resources = built(parts)
    before = states(resources, SIGNALS, question)
    assume(RESERVING & set(before.values()))
    place = data.draw(st.integers(0, len(resources) - 1))
    hidden = resources[place]
    unseen = Reading(presence=Presence.UNSEEN)
    crashed = tuple((protocol, key, unseen) for protocol, key, _ in hidden.readings)
    changed = data.draw(
        st.sampled_from(
            (
                hidden._replace(presence=Presence.UNSEEN, readings=()),
                hidden._replace(readings=crashed or ((tdmrep_header, "", unseen),)),
            )
        )
    )
    after = (*resources[:place], changed, *resources[place + 1 :])
    # A page that was requested is no substitute for another one: asked about itself, it is.
    shown, wide = (states(after, rules, question) for rules in (SIGNALS, INCLUSIVE))
    for purpose, state in before.items():
        if state in RESERVING:
            assert wide[purpose] in AT_MOST
            assert shown[purpose] not in (State.SILENT, State.PERMITTED)


@settings(UNTIMED, max_examples=100)
@given(parts=PARTS, answer=st.sampled_from(UNSEEN), data=st.data(), question=QUESTIONS)
def test_an_answer_that_failed_never_frees(parts, answer, data, question):
    name = data.draw(st.sampled_from(("robots", "ai", "tdmrep", "trust", "home", "page")))
    before = states(built(parts), SIGNALS, question)
    after = built(parts | {name: answer})
    wide = states(after, INCLUSIVE, question)
    for purpose, state in before.items():
        assert state not in RESERVING or wide[purpose] in AT_MOST


@settings(UNTIMED, max_examples=150)
@given(parts=PARTS, mistake=st.sampled_from(sorted(MISSPELT)), question=QUESTIONS)
def test_a_misspelt_file_stays_below_the_upper_bound(parts, mistake, question):
    name, change = MISSPELT[mistake]
    before = states(built(parts), SIGNALS, question)
    after = built(parts | {name: change(parts[name])})
    found, wide = (findings(after, rules, **question) for rules in (SIGNALS, INCLUSIVE))
    for purpose, state in before.items():
        if state in RESERVING:
            assert wide[purpose].state in AT_MOST
            # It is never plain silence by default either: it is marked.
            assert found[purpose].state in AT_MOST | {State.REFUSED} or found[purpose].malformed


@settings(UNTIMED, max_examples=150)
@given(
    lines=files.ROBOTS,
    own=st.lists(
        st.sampled_from(
            ("Allow: /", "Disallow:", "Disallow: /", "Content-Signal: ai-train=yes", "Disallow: /a")
        ),
        min_size=1,
        max_size=3,
    ),
    rules=st.sampled_from(RULE_SETS),
)
def test_a_group_of_one_agent_strengthens_nothing_for_everybody_else(lines, own, rules):
    """Whoever follows the group for everybody is told the same as before."""
    # A rule ends the agent lines above it; without one, both agents would share a group.
    lines = f"{lines}\nDisallow:"
    more = "\n".join(["", "User-agent: examplebot-of-no-catalogue", *own, ""])
    before, after = (
        findings(origin(robots=f"{text}\n"), rules) for text in (lines, f"{lines}\n{more}")
    )
    others = {"agent": "another-bot-of-no-catalogue"}
    for purpose in Purpose:
        assert after[purpose].state.rank >= before[purpose].state.rank
        assert set(before[purpose].exceptions) <= set(after[purpose].exceptions)
    told = [states(origin(robots=f"{t}\n"), rules, others) for t in (lines, f"{lines}\n{more}")]
    assert told[0] == told[1]


@settings(UNTIMED, max_examples=150)
@given(resources=evidence_of_origins(), rules=st.sampled_from(RULE_SETS))
def test_a_claim_about_everybody_holds_for_every_agent_that_is_no_exception(resources, rules):
    for_all = findings(resources, rules)
    for token in ("GPTBot", "CCBot", "Bingbot", "Nobody", "Google-Extended", "never-named"):
        of_agent = findings(resources, rules, agent=token)
        reserved_for_it = any(f.state in COVERING for f in of_agent.values())
        for purpose, finding in for_all.items():
            excepted = token.lower() in {one.lower() for one in finding.exceptions}
            if finding.state in COVERING and not excepted:
                assert of_agent[purpose].state in COVERING or reserved_for_it
            assert not excepted or of_agent[purpose].state not in COVERING


def without_sources(found):
    """Return what two evaluations of equal evidence must agree on."""
    return [
        (f.rules, f.purpose, f.state, f.conflict, f.complete, f.detail, f.exceptions, f.malformed,
         f.stale, f.deciding is None)
        for f in found
    ]  # fmt: skip


CACHE = EvaluationCache(RULE_SETS, SIGNALS)


@settings(UNTIMED, max_examples=150)
@given(first=evidence_of_origins(), second=evidence_of_origins())
def test_evidence_judged_through_the_cache_is_judged_as_if_alone(first, second):
    for resources in (first, second, first):
        alone = [f for rules in RULE_SETS for f in evaluate(resources, Question(), rules)]
        cached = CACHE.evaluation_of(resources)
        assert without_sources(cached.findings) == without_sources(alone)
        for one, other in zip(cached.findings, alone, strict=True):
            if other.deciding is not None:
                place = one.deciding.evidence
                assert resources[place] is other.deciding.evidence
