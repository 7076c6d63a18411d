"""Policy files and the rules of robots.txt: which rules withhold them, and what is recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.plan.planner import PlanOptions
from crawler.plan.robots_gate import POLICY_FILES
from crawler.vocab import Outcome, Resource
from tests.plan.test_planner import HTTPS, A, B, requests, walk

OPTION = "; --policy-files-always asks in spite of it"
TDMREP, HOME = Resource.TDMREP_JSON, Resource.HOME
PATHS = {
    Resource.AI_TXT: "/ai.txt",
    Resource.AI_TXT_WELL_KNOWN: "/.well-known/ai.txt",
    TDMREP: "/.well-known/tdmrep.json",
    Resource.TRUST_TXT: "/.well-known/trust.txt",
}


def ask(lines, options=None, **answers):
    """Return the observations of an origin whose robots.txt has these lines for everybody."""
    body = "\n".join(("User-agent: *", *lines, "")).encode()
    return walk(HTTPS, {f"{A}/robots.txt": body, **answers}, options=options)


def note_of(observations, resource):
    """Return outcome and note of the first observation of a resource."""
    first = next(o for o in observations if o.target.resource is resource)
    return first.outcome, first.note


# Patterns that match a policy file, the resource, and whether the file is requested.
OTHER = [
    ("/*.json$", TDMREP),
    ("/*.json", TDMREP),
    ("/*.js", TDMREP),
    ("/*.js*", TDMREP),
    ("*.json$", TDMREP),
    ("/*json", TDMREP),
    ("/*.", TDMREP),
    ("/*/", TDMREP),
    ("/*/*.json$", TDMREP),
    ("/*.*", TDMREP),
    ("*/*.json", TDMREP),
    ("/%2A.json$", None),
    ("/*.j%73on$", TDMREP),
    ("/*.txt$", Resource.AI_TXT),
    ("/*.txt", Resource.AI_TXT_WELL_KNOWN),
    ("/*t", Resource.TRUST_TXT),
    ("/*i.t", Resource.AI_TXT),
    ("/*-*", TDMREP),
]
NAMING = [
    ("/", TDMREP),
    ("/*", TDMREP),
    ("*", TDMREP),
    ("/**", TDMREP),
    ("/*$", TDMREP),
    ("**/", TDMREP),
    ("%2F", None),
    ("/.well-known/", TDMREP),
    ("/.well-known", Resource.TRUST_TXT),
    ("/.well", Resource.AI_TXT_WELL_KNOWN),
    ("/%2Ewell-known/*", TDMREP),
    ("/.", TDMREP),
    ("/.*", TDMREP),
    ("/.*.json$", TDMREP),
    ("/.well-known/*.json$", TDMREP),
    ("/.well-known/tdmrep.json$", TDMREP),
    ("/ai.txt", Resource.AI_TXT),
    ("/ai", Resource.AI_TXT),
    ("/a", Resource.AI_TXT),
    ("/a*.txt$", Resource.AI_TXT),
    ("/*tdmrep.json", TDMREP),
    ("*/.well-known/", TDMREP),
    ("/*/ai.txt", Resource.AI_TXT_WELL_KNOWN),
    ("/*trust.txt$", Resource.TRUST_TXT),
]


@pytest.mark.parametrize(("pattern", "resource"), [(p, r) for p, r in OTHER if r])
def test_d5_a_rule_for_other_files_withholds_no_policy_file(pattern, resource):
    got = ask(["Disallow: /x", f"Disallow: {pattern}"])
    line = f"{A}/robots.txt line 3 (Disallow: {pattern})"
    note = f"asked in spite of {line}: a rule for other files"
    assert note_of(got, resource) == (Outcome.RESPONDED, note)
    assert f"{A}{PATHS[resource]}" in {o.target.url for o in got}


@pytest.mark.parametrize(("pattern", "resource"), [(p, r) for p, r in NAMING if r])
def test_d5_a_rule_that_refuses_everything_or_names_the_file_withholds_it(pattern, resource):
    got = ask(["Disallow: /x", f"Disallow: {pattern}"])
    line = f"{A}/robots.txt line 3 (Disallow: {pattern})"
    note = f"{line} disallows this path for tdm-audit{OPTION}"
    assert note_of(got, resource) == (Outcome.WITHHELD, note)
    always = ask(["Disallow: /x", f"Disallow: {pattern}"], PlanOptions(policy_files_always=True))
    note = f"asked in spite of {line}: --policy-files-always"
    assert note_of(always, resource) == (Outcome.RESPONDED, note)


@pytest.mark.parametrize("pattern", [p for p, r in (*OTHER, *NAMING) if not r] + ["/x", "/*?", "$"])
def test_a_rule_that_matches_no_policy_file_is_not_recorded(pattern):
    got = ask([f"Disallow: {pattern}"])
    for resource in POLICY_FILES:
        assert note_of(got, resource) == (Outcome.RESPONDED, "")


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (("Disallow: /", "Disallow: /*.json$"), "line 2 (Disallow: /)"),
        (("Disallow: /*.json$", "Disallow: *"), "line 3 (Disallow: *)"),
        (("Disallow: /.well-known/", "Disallow: /*/*/*.json$*$"), "line 2"),
        (("Allow: /*.js$", "Disallow: /*.json", "Disallow: /"), "line 4 (Disallow: /)"),
    ],
)
def test_a_shorter_rule_may_refuse_the_file_all_the_same(lines, line):
    outcome, note = note_of(ask(lines), TDMREP)
    assert outcome is Outcome.WITHHELD
    assert note.startswith(f"{A}/robots.txt {line}")


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        (("Disallow: /", "Allow: /.well-known/", "Disallow: /*.json$"), ""),
        (
            ("Disallow: /", "Allow: /*.js", "Disallow: /*.json$"),
            f"asked in spite of {A}/robots.txt line 4 (Disallow: /*.json$): a rule for other files",
        ),
        (
            ("Disallow: /*.json$ # no feeds",),
            f"asked in spite of {A}/robots.txt line 2 (Disallow: /*.json$ # no feeds): "
            "a rule for other files",
        ),
    ],
)
def test_what_is_allowed_without_rules_for_other_files_is_asked(lines, note):
    assert note_of(ask(lines), TDMREP) == (Outcome.RESPONDED, note)


def test_the_rule_of_our_own_group_is_the_one_that_counts():
    robots = b"User-agent: *\nDisallow: /\n\nUser-agent: tdm-audit\nDisallow: /*.json$\n"
    got = walk(HTTPS, {f"{A}/robots.txt": robots})
    note = f"asked in spite of {A}/robots.txt line 5 (Disallow: /*.json$): a rule for other files"
    assert note_of(got, TDMREP) == (Outcome.RESPONDED, note)


@pytest.mark.parametrize("always", [False, True])
def test_a_page_is_withheld_by_any_rule(always):
    got = walk(
        HTTPS,
        {f"{A}/robots.txt": b"User-agent: *\nDisallow: /*.json$\n"},
        ("/data.json", "/ok"),
        PlanOptions(pages=2, policy_files_always=always),
    )
    assert requests(got, Resource.PAGE) == [
        f"- page 0 {A}/data.json withheld: {A}/robots.txt line 2 (Disallow: /*.json$) "
        "disallows this path for tdm-audit",
        f"page 0 {A}/ok",
    ]


def test_each_hop_of_a_policy_file_meets_the_gate_of_its_host():
    given = {
        f"{A}/robots.txt": b"User-agent: *\nDisallow: /*.txt$\n",
        f"{A}/ai.txt": (302, f"{B}/policies/ai.txt"),
        f"{B}/robots.txt": b"User-agent: *\nDisallow: /policies/\n",
    }
    got = [o for o in walk(HTTPS, given) if o.target.resource is Resource.AI_TXT]
    assert [(o.outcome, o.note) for o in got] == [
        (
            Outcome.RESPONDED,
            f"asked in spite of {A}/robots.txt line 2 (Disallow: /*.txt$): a rule for other files",
        ),
        (
            Outcome.WITHHELD,
            f"{B}/robots.txt line 2 (Disallow: /policies/) disallows this path for tdm-audit"
            f"{OPTION}",
        ),
    ]
    given[f"{B}/robots.txt"] = b""
    hop = [o for o in walk(HTTPS, given) if o.target.resource is Resource.AI_TXT][1]
    assert (hop.outcome, hop.note) == (Outcome.RESPONDED, "")


def test_both_places_of_trust_txt_are_policy_files():
    got = ask(["Disallow: /*.txt$"])
    urls = [o.target.url for o in got if o.target.resource is Resource.TRUST_TXT]
    assert urls == [f"{A}/.well-known/trust.txt", f"{A}/trust.txt"]


def test_a_line_of_any_length_and_octets_gives_a_note_that_can_be_stored():
    rule = b"Disallow: /*.json" + b"*\xff" * 3 + b"*" * 5000
    body = b"User-agent: *\n" + rule + b"\nDisallow: /*.json\n"
    got = walk(HTTPS, {f"{A}/robots.txt": body})
    _, note = note_of(got, TDMREP)
    assert note.encode("utf-8")
    assert len(note) < 400


@given(st.lists(st.sampled_from([p for p, _ in (*OTHER, *NAMING)]), max_size=4))
def test_a_policy_file_is_withheld_if_one_of_its_rules_alone_withholds_it(patterns):
    """Without Allow lines, rules for other files neither withhold a file nor free it."""
    got = ask([f"Disallow: {pattern}" for pattern in patterns])
    for resource in PATHS:
        alone = [note_of(ask([f"Disallow: {pattern}"]), resource)[0] for pattern in patterns]
        expected = Outcome.WITHHELD if Outcome.WITHHELD in alone else Outcome.RESPONDED
        assert note_of(got, resource)[0] is expected
