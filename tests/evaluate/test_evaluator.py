"""The evaluator: states, precedence, conflicts, completeness; nothing weakens a reservation."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crawler import page, rulesets
from crawler.evaluate.applicable import missing
from crawler.evaluate.evaluator import evaluate, evaluate_rule_sets, state_of
from crawler.evaluate.records import Finding, ResourceEvidence
from crawler.model import AppliedStatement, Document, Question, Statement
from crawler.protocols import PROTOCOLS
from crawler.protocols.files import ai_txt
from crawler.protocols.parse import parse
from crawler.protocols.prose import page_text, robots_comments
from crawler.protocols.robots import ai_control, robots_txt
from crawler.protocols.robots_directives import x_robots_tag
from crawler.protocols.rsl import rsl, rsl_robots
from crawler.protocols.tdmrep import tdmrep_file, tdmrep_header, tdmrep_html
from crawler.vocab import ANCESTORS, CONTEXT, DeclaredBy, Presence, Purpose, Resource, Stance, State
from tests.strategies import UNTIMED

SIGNALS, INCLUSIVE, STRICT = (rulesets.load(name) for name in rulesets.NAMES)
AT = "2026-11-22T00:00:00.000Z"
PATHS = {
    Resource.ROBOTS_TXT: "/robots.txt",
    Resource.AI_TXT: "/ai.txt",
    Resource.TDMREP_JSON: "/.well-known/tdmrep.json",
    Resource.HOME: "/",
    Resource.PAGE: "/p",
}


def evidence(resource, *read, presence=Presence.PRESENT, path=None) -> ResourceEvidence:
    """A resource with what protocols read in it: pairs of protocol and document."""
    readings = tuple(
        (p, f"{p.NAME}-{n}", parse(p, Document(body=b))) for n, (p, b) in enumerate(read)
    )
    path = path or PATHS[resource]
    return ResourceEvidence(
        resource=resource,
        path=path,
        url=f"https://h{path}",
        presence=presence,
        observation=list(Resource).index(resource),
        observed_at=AT,
        readings=readings,
    )


def origin(
    robots=None, ai=None, tdmrep=None, home=(), page_=(), unseen=()
) -> tuple[ResourceEvidence, ...]:
    """An origin: bodies of its files (None: 404), headers and meta of its pages."""
    files = [
        (Resource.ROBOTS_TXT, robots_txt, robots),
        (Resource.AI_TXT, ai_txt, ai),
        (Resource.TDMREP_JSON, tdmrep_file, tdmrep),
    ]
    resources = [
        evidence(resource, *([(protocol, body.encode())] if body is not None else []))
        for resource, protocol, body in files
    ]
    resources += [evidence(Resource.HOME, *home), evidence(Resource.PAGE, *page_)]
    return tuple(
        evidence(s.resource, presence=Presence.UNSEEN) if s.resource in unseen else s
        for s in resources
    )


def header(value: str):
    return tdmrep_header, f"tdm-reservation: {value}\r\n".encode()


def meta(value: str):
    return tdmrep_html, page.extract(f'<meta name="tdm-reservation" content="{value}">'.encode())


def rule(location: str, value: object, policy: str | None = None) -> dict:
    found = {"location": location, "tdm-reservation": value}
    return found | ({"tdm-policy": policy} if policy else {})


def tdmrep(*rules: dict) -> str:
    return json.dumps(rules)


def findings(resources, rules=SIGNALS, **question) -> dict[Purpose, Finding]:
    return {f.purpose: f for f in evaluate(resources, Question(**question), rules)}


def states(resources, rules=SIGNALS, **question) -> tuple[str, ...]:
    """tdm, ai_train, genai_train, ai_input, search."""
    return tuple(f.state.value for f in findings(resources, rules, **question).values())


ALL = tdmrep(rule("/", 1))
NONE = tdmrep(rule("/", 0))
BAN = "User-agent: *\nDisallow: /"
BOT = "User-agent: GPTBot\nDisallow: /"
RES, CON, PAR, REF, PER, SIL, UNK = (s.value for s in State)

ORIGINS = [
    ("nothing at all", origin(), (SIL,) * 5),
    ("never asked", (), (UNK,) * 5),
    ("T01", origin(tdmrep=ALL), (RES, RES, RES, SIL, SIL)),
    ("terms", origin(tdmrep=tdmrep(rule("/", 1, "https://h/p"))), (CON, CON, CON, SIL, SIL)),
    (
        "T02: parts",
        origin(tdmrep=tdmrep(rule("/a/", 1), rule("/b/", 0))),
        (PAR, PAR, PAR, SIL, SIL),
    ),
    ("permitted parts only", origin(tdmrep=tdmrep(rule("/b/", 0))), (SIL,) * 5),
    ("T23", origin(tdmrep=NONE), (PER, SIL, SIL, SIL, SIL)),
    ("T08", origin(tdmrep=tdmrep(rule("/", 2))), (SIL,) * 5),
    ("T09", origin(tdmrep=tdmrep(rule("/", "1"))), (SIL,) * 5),
    ("U01", origin(robots=BOT), (SIL, SIL, PAR, SIL, SIL)),
    ("U03", origin(robots="User-agent: PerplexityBot\nDisallow: /"), (SIL, SIL, SIL, SIL, PAR)),
    ("a retired agent", origin(robots="User-agent: anthropic-ai\nDisallow: /"), (SIL,) * 5),
    ("U06", origin(robots="User-agent: GPTBot\nDisallow:"), (SIL,) * 5),
    ("refused", origin(robots=BAN), (REF,) * 5),
    ("refused, agents named too", origin(robots=f"{BAN}\n\n{BOT}"), (REF, REF, PAR, REF, REF)),
    ("refused in part", origin(robots="User-agent: *\nDisallow: /a"), (SIL,) * 5),
    ("A07", origin(ai="User-Agent: *\nDisallow: /\nDisallow: *"), (SIL, RES, RES, SIL, SIL)),
    (
        "ai.txt, images",
        origin(ai="User-Agent: *\nDisallow: *.jpg\nAllow: /"),
        (SIL, PAR, PAR, SIL, SIL),
    ),
    ("ai.txt, all allowed", origin(ai="User-Agent: *\nAllow: /"), (SIL, PER, SIL, SIL, SIL)),
    ("a header on a page", origin(page_=[header("1")]), (PAR, PAR, PAR, SIL, SIL)),
    ("b.2 1: file 1, header 0", origin(tdmrep=ALL, home=[header("0")]), (PAR, PAR, PAR, SIL, SIL)),
    (
        "T18: file 1, header yes",
        origin(tdmrep=ALL, home=[header("yes")]),
        (RES, RES, RES, SIL, SIL),
    ),
    ("file 0, header 1", origin(tdmrep=NONE, home=[header("1")]), (PAR, PAR, PAR, SIL, SIL)),
    ("file 0, header 0", origin(tdmrep=NONE, home=[header("0")]), (PER, SIL, SIL, SIL, SIL)),
    ("header 0, meta 1", origin(home=[header("0"), meta("1")]), (PAR, PAR, PAR, SIL, SIL)),
    ("header 1, meta 0", origin(home=[header("1"), meta("0")]), (SIL,) * 5),
    ("b.2 2: TDMRep 0, GPTBot refused", origin(tdmrep=NONE, robots=BOT), (PER, SIL, PAR, SIL, SIL)),
    ("b.2 10: robots.txt unseen", origin(unseen={Resource.ROBOTS_TXT}), (UNK,) * 5),
    ("a page unseen", origin(unseen={Resource.PAGE}), (UNK,) * 5),
    (
        "reserved, robots.txt unseen",
        origin(tdmrep=ALL, unseen={Resource.ROBOTS_TXT}),
        (RES, RES, RES, UNK, UNK),
    ),
    ("permitted, ai.txt unseen", origin(tdmrep=NONE, unseen={Resource.AI_TXT}), (UNK,) * 5),
    (
        "refused, the rest withheld",
        origin(robots=BAN, unseen={Resource.AI_TXT, Resource.HOME}),
        (REF,) * 5,
    ),
]


@pytest.mark.parametrize(
    ("resources", "expected"), [o[1:] for o in ORIGINS], ids=[o[0] for o in ORIGINS]
)
def test_state_of_an_origin(resources, expected):
    assert states(resources) == expected


FILE = tdmrep(rule("/a/", 1), rule("/b/", 0))
URLS = [
    ("T02 a", origin(tdmrep=FILE), {"path": "/a/x"}, RES),
    ("T02 b", origin(tdmrep=FILE), {"path": "/b/x"}, PER),
    ("T02 other", origin(tdmrep=FILE), {"path": "/x"}, SIL),
    ("T03", origin(tdmrep=FILE), {"path": "/A/x"}, SIL),
    ("T04", origin(tdmrep=tdmrep(rule("/", 1), rule("/open/", 0))), {"path": "/open/x"}, RES),
    ("T05", origin(tdmrep=tdmrep(rule("/open/", 0), rule("/", 1))), {"path": "/open/x"}, PER),
    ("T16", origin(tdmrep=ALL, page_=[header("0")]), {"path": "/p"}, PER),
    ("T16, another page", origin(tdmrep=ALL, page_=[header("0")]), {"path": "/q"}, RES),
    ("T17", origin(tdmrep=ALL, page_=[]), {"path": "/p"}, RES),
    ("T18", origin(tdmrep=ALL, page_=[header("yes")]), {"path": "/p"}, RES),
    ("header 0, meta 1", origin(page_=[header("0"), meta("1")]), {"path": "/p"}, RES),
    ("header 1, meta 0", origin(page_=[header("1"), meta("0")]), {"path": "/p"}, PER),
    ("T21: a page seen without", origin(home=[meta("1")]), {"path": "/p"}, SIL),
    ("a page not seen", origin(home=[meta("1")]), {"path": "/img.png"}, PAR),
    (
        "U04",
        origin(robots="User-agent: CCBot\nDisallow: /news/"),
        {"path": "/a", "agent": "CCBot"},
        SIL,
    ),
    ("refused this path", origin(robots="User-agent: *\nDisallow: /a"), {"path": "/a"}, REF),
    ("refused another", origin(robots="User-agent: *\nDisallow: /a"), {"path": "/b"}, SIL),
    ("the page failed", origin(unseen={Resource.PAGE}), {"path": "/p"}, UNK),
    ("another page failed", origin(unseen={Resource.HOME}), {"path": "/p"}, SIL),
    (
        "the page failed, another reserves itself",
        origin(home=[meta("1")], unseen={Resource.PAGE}),
        {"path": "/p"},
        UNK,
    ),
    (
        "the page is malformed, another reserves itself",
        (*origin(home=[meta("1")])[:-1], evidence(Resource.PAGE, presence=Presence.MALFORMED)),
        {"path": "/p"},
        SIL,
    ),
]


@pytest.mark.parametrize(
    ("resources", "question", "expected"), [u[1:] for u in URLS], ids=[u[0] for u in URLS]
)
def test_state_of_a_url(resources, question, expected):
    assert findings(resources, **question)[Purpose.TDM].state.value == expected


AGENTS = [
    ("refused whole", BOT, "GPTBot", RES),
    ("named, without case", BOT, "gptbot", RES),
    ("another agent", BOT, "CCBot", SIL),
    ("some paths", "User-agent: CCBot\nDisallow: /a", "CCBot", PAR),
    ("through the star", BAN, "CCBot", REF),
    ("its group permits it", f"{BAN}\n\nUser-agent: GPTBot\nAllow: /", "GPTBot", SIL),
]


@pytest.mark.parametrize(
    ("robots", "agent", "expected"), [a[1:] for a in AGENTS], ids=[a[0] for a in AGENTS]
)
def test_what_an_agent_is_told(robots, agent, expected):
    assert findings(origin(robots=robots), agent=agent)[Purpose.GENAI_TRAIN].state.value == expected


def test_rule_sets_differ_where_they_say():
    both = origin(robots=f"{BAN}\n\n{BOT}")
    assert states(both, STRICT) == (SIL,) * 5
    assert states(both, INCLUSIVE) == (RES,) * 5
    assert states(origin(tdmrep=ALL), STRICT) == (RES, RES, RES, SIL, SIL)


def test_what_does_not_count_under_a_rule_set_is_still_shown():
    (applicable,) = findings(origin(robots=BOT), STRICT)[Purpose.GENAI_TRAIN].considered
    assert applicable.excluded_because == "tier 3 does not count under strict"


CONFLICTS = [
    (
        "TDMRep 0 and ai.txt",
        origin(tdmrep=NONE, ai="User-Agent: *\nDisallow: /"),
        {"ai_train", "genai_train"},
    ),
    ("b.2 2", origin(tdmrep=NONE, robots=BOT), {"genai_train"}),
    ("carriers of TDMRep", origin(tdmrep=ALL, home=[header("0")]), set()),
    (
        "b.2 4: a crawler allowed is no permission",
        origin(tdmrep=ALL, robots="User-agent: GPTBot\nAllow: /"),
        set(),
    ),
    ("agreement", origin(tdmrep=ALL, ai="User-Agent: *\nDisallow: /"), set()),
]


@pytest.mark.parametrize(
    ("resources", "expected"), [c[1:] for c in CONFLICTS], ids=[c[0] for c in CONFLICTS]
)
def test_conflict(resources, expected):
    assert {p.value for p, f in findings(resources).items() if f.conflict} == expected


def test_the_stricter_decides_and_the_other_stays_visible():
    found = findings(origin(tdmrep=NONE, ai="User-Agent: *\nDisallow: /"))[Purpose.AI_TRAIN]
    assert found.deciding.protocol is ai_txt
    assert [h.protocol.NAME for h in found.considered] == ["ai_txt", "tdmrep_file"]


def test_a_superseded_statement_says_so():
    found = findings(origin(page_=[header("0"), meta("1")]), path="/p")[Purpose.TDM]
    assert [(h.protocol.NAME, h.excluded_because) for h in found.considered] == [
        ("tdmrep_html", ""),
        ("tdmrep_header", f"superseded by {tdmrep_html.TITLE} of /p"),
    ]


def test_the_nearest_carrier_is_named_as_superseding():
    resources = origin(tdmrep=ALL, page_=[header("1"), meta("0")])
    found = findings(resources, path="/p")[Purpose.TDM]
    by_html = f"superseded by {tdmrep_html.TITLE} of /p"
    assert [(h.protocol.NAME, h.excluded_because) for h in found.considered] == [
        ("tdmrep_html", ""),
        ("tdmrep_file", by_html),
        ("tdmrep_header", by_html),
    ]


def test_of_equal_states_the_most_explicit_statement_is_cited_first():
    """The tier comes before the order of protocols, by which the header would be first."""
    robots, field = b"User-agent: *\nDisallowAITraining: /\n", b"X-Robots-Tag: GPTBot: noai\r\n"
    resources = (
        evidence(Resource.ROBOTS_TXT, (ai_control, robots)),
        evidence(Resource.HOME, (x_robots_tag, field)),
    )
    found = findings(resources, path="/", agent="GPTBot")[Purpose.GENAI_TRAIN]
    assert [(h.protocol.NAME, h.statement.tier, h.statement.stance) for h in found.considered] == [
        ("ai_control", 2, Stance.RESERVED),
        ("x_robots_tag", 3, Stance.RESERVED),
    ]


DETAILS = [
    (
        "agents",
        origin(robots=f"{BOT}\n\nUser-agent: CCBot\nDisallow: /"),
        Purpose.GENAI_TRAIN,
        "agents: GPTBot, CCBot",
    ),
    ("paths", origin(tdmrep=FILE), Purpose.TDM, "paths: /a/"),
    (
        "file types",
        origin(ai="User-Agent: *\nDisallow: *.jpg\nDisallow: *.png"),
        Purpose.AI_TRAIN,
        "file types: jpg, png",
    ),
    ("pages", origin(page_=[header("1")]), Purpose.TDM, "1 of 2 pages seen: /p"),
    (
        "overridden",
        origin(tdmrep=ALL, home=[header("0")]),
        Purpose.TDM,
        "all but pages that say otherwise",
    ),
    ("unseen", origin(unseen={Resource.AI_TXT}), Purpose.TDM, "not seen: ai_txt"),
    ("never asked", (), Purpose.TDM, "not seen: origin never asked"),
    ("whole", origin(tdmrep=ALL), Purpose.TDM, ""),
]


@pytest.mark.parametrize(
    ("resources", "purpose", "expected"), [d[1:] for d in DETAILS], ids=[d[0] for d in DETAILS]
)
def test_detail(resources, purpose, expected):
    assert findings(resources)[purpose].detail == expected


def test_many_parts_are_counted_not_listed():
    agents = ["GPTBot", "CCBot", "ClaudeBot", "Google-Extended", "Applebot-Extended", "Bytespider"]
    agents += ["meta-externalagent", "FacebookBot", "Diffbot", "omgili"]
    robots = "".join(f"User-agent: {a}\n" for a in agents) + "Disallow: /"
    assert findings(origin(robots=robots))[Purpose.GENAI_TRAIN].detail.endswith("and 2 more")


def test_an_extra_robots_txt_or_policy_is_not_missed():
    gate = evidence(
        Resource.OTHER_ROBOTS_TXT, presence=Presence.UNSEEN, path="https://x/robots.txt"
    )
    policy = evidence(Resource.TDM_POLICY, presence=Presence.UNSEEN, path="https://x/policy")
    assert findings((*origin(), gate, policy))[Purpose.TDM].complete


LICENCE = "https://h/ccbot.xml"
PROHIBITS = (
    b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
    b'<prohibits type="usage">ai-train</prohibits></license></content></rsl>'
)


@pytest.mark.parametrize("resource", sorted(CONTEXT))
def test_a_context_file_that_was_not_seen_leaves_nothing_open(resource):
    seen = origin(robots="")
    unseen = evidence(resource, presence=Presence.UNSEEN, path=f"/{resource}")
    assert states((*seen, unseen)) == states(seen) == ("silent",) * 5
    assert all(f.complete for f in findings((*seen, unseen)).values())


def licensed(agents: str, presence=Presence.PRESENT) -> tuple[ResourceEvidence, ...]:
    """An origin whose robots.txt names a licence in the group of some agents."""
    robots = f"{agents}License: {LICENCE}\nDisallow:\n".encode()
    read = [(rsl, PROHIBITS)] if presence is Presence.PRESENT else []
    named = evidence(Resource.RSL_LICENSE, *read, presence=presence, path=LICENCE)
    return evidence(Resource.ROBOTS_TXT, (robots_txt, robots), (rsl_robots, robots)), named


TWO = "User-agent: CCBot\nUser-agent: GPTBot\n"
LICENSED = [
    ("asked for everybody", licensed(TWO), None, PAR, "agents: CCBot, GPTBot"),
    ("for one that is named", licensed(TWO), "gptbot", RES, ""),
    ("for one that is not", licensed(TWO), "ClaudeBot", SIL, ""),
    ("named for everybody", licensed(""), None, RES, ""),
    ("named for everybody, for one", licensed(""), "ClaudeBot", RES, ""),
    ("robots.txt not seen", licensed(TWO)[1:], None, UNK, "not seen: origin never asked"),
    ("unseen", licensed(TWO, Presence.UNSEEN), None, UNK, "not seen: rsl_license"),
    ("unseen, a named one", licensed(TWO, Presence.UNSEEN), "CCBot", UNK, "not seen: rsl_license"),
    ("unseen, one not meant", licensed(TWO, Presence.UNSEEN), "ClaudeBot", SIL, ""),
]


@pytest.mark.parametrize(
    ("resources", "agent", "state", "detail"),
    [x[1:] for x in LICENSED],
    ids=[x[0] for x in LICENSED],
)
def test_a_licence_speaks_to_the_agents_it_is_named_for(resources, agent, state, detail):
    found = findings(resources, agent=agent)[Purpose.AI_TRAIN]
    assert (found.state.value, found.detail) == (state, detail)


@pytest.mark.parametrize("stance", list(Stance))
def test_what_a_statement_makes_by_itself(stance):
    purpose = None if stance is Stance.REFUSED else Purpose.TDM
    statement = Statement(
        rule="x",
        stance=stance,
        purpose=purpose,
        tier=1,
        place="",
        raw="",
        clause="",
        declared_by=DeclaredBy.HEADER,
    )
    whole, partial = (
        state_of(AppliedStatement(statement=statement, limited_to=limit), SIGNALS)
        for limit in ("", "paths")
    )
    assert whole.value == stance.value
    reserves = stance in (Stance.RESERVED, Stance.CONDITIONAL)
    assert partial is (State.PARTIAL if reserves else None)


ROBOTS = st.sampled_from(
    [None, "", BAN, BOT, "User-agent: *\nDisallow: /a", "User-agent: CCBot\nDisallow: /x/"]
)
AI = st.sampled_from(
    [
        None,
        "User-Agent: *\nAllow: /",
        "User-Agent: *\nDisallow: *.jpg",
        "User-Agent: *\nDisallow: /",
    ]
)
TDMREP = st.sampled_from([None, NONE, ALL, FILE, "garbage", tdmrep(rule("/", 1, "https://h/p"))])
HEADERS = st.sampled_from(
    [(), (header("0"),), (header("1"),), (meta("1"),), (header("0"), meta("1"))]
)
UNSEEN = st.sets(st.sampled_from(list(PATHS)), max_size=2)
QUESTIONS = st.sampled_from(
    [
        {},
        {"path": "/p"},
        {"path": "/x/1.jpg"},
        {"agent": "CCBot"},
        {"path": "/x/1", "agent": "GPTBot"},
    ]
)
FACTS = st.fixed_dictionaries(
    {
        "robots": ROBOTS,
        "ai": AI,
        "tdmrep": TDMREP,
        "home": HEADERS,
        "page_": HEADERS,
        "unseen": UNSEEN,
    }
)
# A statement that reserves everything, in a file of a protocol that the origin did not use.
RESERVING = {
    "ai": "User-Agent: *\nDisallow: /",
    "tdmrep": ALL,
    "robots": f"{BOT}\n\nUser-agent: CCBot\nDisallow: /",
}


@UNTIMED
@given(
    facts=FACTS,
    added=st.sampled_from(list(RESERVING)),
    question=QUESTIONS,
    rules=st.sampled_from([SIGNALS, INCLUSIVE, STRICT]),
)
def test_a_reserving_statement_more_never_weakens_a_state(facts, added, question, rules):
    # Carriers of TDMRep supersede each other: that is the protocol's own precedence.
    assume(added != "tdmrep" or not (facts["home"] or facts["page_"]))
    before = origin(**(facts | {added: None}))
    after = origin(**(facts | {added: RESERVING[added]}))
    old, new = findings(before, rules, **question), findings(after, rules, **question)
    for purpose in Purpose:
        assert new[purpose].state.rank <= old[purpose].state.rank


@UNTIMED
@given(
    facts=FACTS,
    question=QUESTIONS,
)
def test_every_finding_can_be_followed(facts, question):
    found = findings(origin(**facts), **question)
    for purpose, finding in found.items():
        decided = finding.state not in (State.SILENT, State.UNKNOWN)
        first = [h for h in finding.considered[:1] if decided]
        assert [finding.deciding] == (first or [None])
        about = {h.statement.purpose for h in first}
        assert about <= {None, *ANCESTORS[purpose]}
        assert bool(first) == decided
        assert finding.complete or finding.missing


@UNTIMED
@given(facts=FACTS, question=QUESTIONS)
def test_a_reservation_of_mining_reserves_training(facts, question):
    found = findings(origin(**(facts | {"tdmrep": ALL})), **question)
    assume(found[Purpose.TDM].state is State.RESERVED)
    states = [found[p].state for p in (Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)]
    assert states == [State.RESERVED] * 2


def test_the_order_of_protocols_is_that_of_every_report():
    assert [p.NAME for p in PROTOCOLS][:2] == ["tdmrep_file", "tdmrep_header"]


COMMENT = b"# Text and data mining is prohibited.\nUser-agent: *\nAllow: /\n"
SCRAPING = b"# You may not scrape this site.\n"
MENTION = b"# About text and data mining.\n"
FOOT = page.extract(b"<p>x</p><footer>Text and data mining is prohibited.</footer>")
TERMS = page.extract(b"<title>Terms of use</title><p>Text and data mining is prohibited.")
MINING = (Purpose.TDM, Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)


def prose(robots=b"", home=None, terms=None) -> tuple[ResourceEvidence, ...]:
    found = [evidence(Resource.ROBOTS_TXT, (robots_comments, robots), (robots_txt, robots))]
    found += [evidence(Resource.HOME, (page_text, home))] if home else []
    found += [evidence(Resource.TERMS, (page_text, terms), path="/terms")] if terms else []
    return tuple(found)


@pytest.mark.parametrize(
    ("resources", "path", "expected", "detail"),
    [
        pytest.param(prose(COMMENT), None, State.RESERVED, "", id="N02"),
        pytest.param(prose(SCRAPING), None, State.RESERVED, "", id="N04"),
        pytest.param(prose(MENTION), None, State.SILENT, "", id="N05"),
        pytest.param(prose(terms=TERMS), None, State.RESERVED, "", id="N01"),
        pytest.param(prose(terms=TERMS), "/x", State.RESERVED, "", id="N01 for a URL"),
        pytest.param(prose(home=FOOT), None, State.PARTIAL, "1 of 1 pages seen: /", id="footer"),
        pytest.param(prose(home=FOOT), "/", State.RESERVED, "", id="footer of that page"),
        pytest.param(
            (*prose(home=FOOT), evidence(Resource.PAGE)), "/p", State.SILENT, "", id="another page"
        ),
    ],
)
def test_prose_counts_only_where_a_rule_set_says_so(resources, path, expected, detail):
    for rules in (SIGNALS, STRICT):
        found = evaluate(resources, Question(path=path), rules)
        assert {f.state for f in found} == {State.SILENT}
    found = evaluate(resources, Question(path=path), INCLUSIVE)
    assert [f.state for f in found] == [
        expected if f.purpose in MINING else State.SILENT for f in found
    ]
    cited = [f for f in found if f.deciding]
    assert len(cited) == (0 if expected is State.SILENT else len(MINING))
    for finding in cited:
        assert finding.detail.removeprefix("pages: ").endswith(detail)
        assert finding.deciding.candidate == 1
        assert finding.deciding.statement.n == 0
        named = next(s for s in resources if s is finding.deciding.evidence)
        candidates = [c for _, _, reading in named.readings for c in reading.candidates]
        assert finding.deciding.statement.raw == candidates[0].snippet


@UNTIMED
@given(robots=st.sampled_from((b"", COMMENT, SCRAPING, MENTION)), facts=st.booleans())
def test_prose_never_weakens_a_state(robots, facts):
    refused = b"User-agent: GPTBot\nDisallow: /\n" if facts else b"User-agent: *\nDisallow: /\n"
    for rules in (SIGNALS, INCLUSIVE, STRICT):
        before = evaluate(prose(refused), Question(), rules)
        after = evaluate(prose(refused + robots.split(b"\n")[0]), Question(), rules)
        for one, two in zip(before, after, strict=True):
            assert two.state.rank <= one.state.rank


EACH = {
    "nothing was asked": (),
    "nothing speaks": origin(robots="User-agent: *\nDisallow:\n"),
    "all agree": origin(tdmrep='[{"location": "/", "tdm-reservation": 1}]'),
    "strict leaves a tier out": origin(robots="User-agent: GPTBot\nDisallow: /\n"),
    "each treats a refusal differently": origin(robots="User-agent: *\nDisallow: /\n"),
    "inclusive counts prose": (
        evidence(
            Resource.ROBOTS_TXT,
            (robots_comments, b"# We reserve all rights of text and data mining.\n"),
        ),
    ),
}


@pytest.mark.parametrize("resources", EACH.values(), ids=EACH)
def test_rule_sets_that_are_asked_together_say_what_each_says_alone(resources):
    everything = (SIGNALS, INCLUSIVE, STRICT)
    collected, found = evaluate_rule_sets(resources, Question(), everything)
    seen = bool(collected.essential) and not missing(collected.essential, SIGNALS)
    assert seen == all(f.complete for f in found[0])
    # Effects are only told where all rule sets are asked.
    told = tuple(tuple(f._replace(effect=()) for f in each) for each in found)
    assert told == tuple(evaluate(resources, Question(), rules) for rules in everything)


def test_rule_sets_differ_on_what_is_asked_together():
    differ = {
        name: len(
            {
                tuple(f.state for f in found)
                for found in evaluate_rule_sets(s, Question(), (SIGNALS, INCLUSIVE, STRICT))[1]
            }
        )
        for name, s in EACH.items()
    }
    assert differ == {
        "nothing was asked": 1,
        "nothing speaks": 1,
        "all agree": 1,
        "strict leaves a tier out": 2,
        "each treats a refusal differently": 3,
        "inclusive counts prose": 2,
    }
