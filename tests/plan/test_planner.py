"""What is requested of an origin, in which order, and what is withheld for which reason.

Rules for editors: a test asserts only the requests of the resources that it is about, with
`requests(walk(...), Resource.X)`. Only `test_the_order_of_requests` lists all of them.
"""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import media, page
from crawler.model import Observation, Origin, Target
from crawler.plan import robots_gate
from crawler.plan.history import OriginHistory
from crawler.plan.planner import PlanOptions, has_ended, next_target
from crawler.plan.resources import PLANNED
from crawler.plan.robots_gate import POLICY_FILES
from crawler.vocab import Outcome, Resource
from tests.media_files import tdm

HTTPS = Origin(scheme="https", host="a.example", port=443, site="a.example")
HTTP = replace(HTTPS, scheme="http", port=80)
BARE = replace(HTTPS, assumed=True)
A, B, H = "https://a.example", "https://b.example", "http://a.example"
BOUND = 60


def answered(target, status=200, *headers, body=b"", outcome=Outcome.RESPONDED):
    """Return an observation as the fetcher would make it; a status of None is a failure."""
    return Observation(target=target, outcome=outcome, status=status, headers=headers, body=body)


def answer(target, given):
    """Read the short notation of the tables: a status, a body, a redirect, or an outcome."""
    match given:
        case Outcome():
            return answered(target, None, outcome=given)
        case int():
            return answered(target, given)
        case bytes():
            return answered(target, 200, ("Content-Type", "text/plain"), body=given)
        case (int() as status, str() as location):
            return answered(target, status, ("Location", location))
        case (Outcome() as outcome, bytes() as body):
            return replace(answered(target, 200, body=body, outcome=outcome), truncated=True)
        case (int() as status, *headers):
            return answered(target, status, *headers)


def walk(origin, answers, samples=(), options=None, *, otherwise=404):
    """Run a plan to its end and return the observations."""
    history = OriginHistory()
    while step := next_target(origin, samples, history, options or PlanOptions()):
        if isinstance(step, Target):
            step = replace(answer(step, answers.get(step.url, otherwise)), note=step.in_spite_of)
        history.add(step)
        assert len(history.observations) <= BOUND
    return history.observations


def line(observation):
    """Write an observation as one line; those without a request begin with a hyphen."""
    target, outcome, note = observation.target, observation.outcome, observation.note
    text = f"{target.resource} {target.hop} {target.url}"
    return f"- {text} {outcome}: {note}" if note else text


def requests(observations, *resources):
    """Return the lines of some resources, in order."""
    return [line(o) for o in observations if o.target.resource in resources]


def reasons(observations, *without):
    """Return why resources other than robots.txt are withheld; None stands for a request."""
    later = [o for o in observations if o.target.resource not in (Resource.ROBOTS_TXT, *without)]
    assert later
    assert all(bool(o.note) == (o.outcome is Outcome.WITHHELD) for o in later)
    return {o.note or None for o in later}


def test_the_order_of_requests():
    links = page.extract(b"<a href='/terms'>Terms</a>")
    tdmrep = json.dumps([{"location": "/", "tdm-reservation": 1, "tdm-policy": "/policy"}])
    robots = f"License: {A}/license\n".encode()
    bodies = {f"{A}/robots.txt": robots, f"{A}/.well-known/tdmrep.json": tdmrep.encode()}
    history, options = OriginHistory(), PlanOptions(media=1, terms=1, context=True)
    while step := next_target(HTTPS, ("/b.pdf", "/a"), history, options):
        observation = answer(step, bodies.get(step.url, 404))
        if step.resource is Resource.HOME:
            observation = replace(answered(step), extract=links)
        history.add(observation)
    order = [
        f"robots_txt 0 {A}/robots.txt",
        f"ai_txt 0 {A}/ai.txt",
        f"ai_txt_well_known 0 {A}/.well-known/ai.txt",
        f"tdmrep_json 0 {A}/.well-known/tdmrep.json",
        f"trust_txt 0 {A}/.well-known/trust.txt",
        f"trust_txt 0 {A}/trust.txt",
        f"home 0 {A}/",
        f"page 0 {A}/a",
        f"media 0 {A}/b.pdf",
        f"tdm_policy 0 {A}/policy",
        f"rsl_license 0 {A}/license",
        f"terms 0 {A}/terms",
        f"ads_txt 0 {A}/ads.txt",
        f"security_txt 0 {A}/.well-known/security.txt",
        f"llms_txt 0 {A}/llms.txt",
    ]
    # Resources that are not in the list may be anywhere: their own tests say where.
    listed = {Resource(text.partition(" ")[0]) for text in order}
    assert requests(history.observations, *listed) == order


def listed(count, answers=(), **options):
    """Run a plan for a list of URLs, of which the last ones are left when no more may be sent."""
    samples = tuple(f"/{n}.jpg" if n % 2 else f"/{n}" for n in range(count))
    given = PlanOptions(pages=count, listed=True, **options)
    return walk(HTTPS, dict(answers), samples, given)


def test_every_listed_url_is_requested_after_everything_else():
    found = requests(listed(4), *Resource)
    assert [text.rpartition("/")[2] for text in found[-4:]] == ["0", "1.jpg", "2", "3.jpg"]
    found = requests(listed(4, media=1), *Resource)
    assert sorted(text.partition(" ")[0] for text in found[-4:]) == ["media"] * 2 + ["page"] * 2


def test_listed_urls_that_may_not_be_requested_any_more_are_left():
    busy = requests(listed(4, {f"{A}/1.jpg": 429}), Resource.PAGE)
    assert busy == [f"page 0 {A}/0", f"page 0 {A}/1.jpg"]
    # What was begun is told: it is no URL that nobody asked.
    redirected = listed(4, {f"{A}/1.jpg": (302, f"{A}/moved"), f"{A}/moved": 429})
    assert requests(redirected, Resource.PAGE)[-2:] == [
        f"page 0 {A}/1.jpg", f"page 1 {A}/moved",
    ]  # fmt: skip


def test_a_chain_ends_with_its_last_answer():
    history, options, chain = OriginHistory(), PlanOptions(pages=1), (Resource.PAGE, f"{A}/x")
    ended = {}
    while step := next_target(HTTPS, ("/x",), history, options):
        moved = isinstance(step, Target) and step.url == chain[1]
        history.add(answer(step, (302, f"{A}/y") if moved else 404))
        if history.chain(chain):
            ended[step.url] = has_ended(chain, history, options)
    assert ended == {f"{A}/x": False, f"{A}/y": True}


def test_every_planned_resource_is_in_the_vocabulary_and_robots_txt_is_none():
    planned = {one.resource for one in PLANNED}
    assert planned < set(Resource)
    assert not planned & {Resource.ROBOTS_TXT, Resource.OTHER_ROBOTS_TXT}


@pytest.mark.parametrize(
    ("samples", "pages", "expected"),
    [
        pytest.param((f"{A}/x", f"{A}/y"), 1, ["/x"], id="as many as wanted"),
        pytest.param((f"{A}/x", f"{A}/y"), 5, ["/x", "/y"], id="no more than there are"),
        pytest.param((f"{A}/x",), 0, [], id="none wanted"),
        pytest.param((f"{A}/", A, f"{A}/#top"), 3, [], id="the home page is not a sample"),
        pytest.param((f"{A}/?p=1",), 3, ["/?p=1"], id="a query makes another page"),
        pytest.param((f"{A}/x#a", f"{A}/x#b", "/x"), 3, ["/x"], id="each once, no fragments"),
        pytest.param(("/x?y=//z",), 3, ["/x?y=//z"], id="a path alone"),
        pytest.param(("a.example/x",), 3, ["/x"], id="without a scheme"),
        pytest.param(("http://u:p@a.example:80/x",), 3, ["/x"], id="at the base that is asked"),
        pytest.param(("http://[::1", "mailto:a@b", f"{A}/x"), 3, ["/x"], id="garbage is skipped"),
        pytest.param(("https://a.example/ü/\udcff",), 3, ["/%C3%BC/%FF"], id="foreign octets"),
    ],
)
def test_samples(samples, pages, expected):
    got = requests(walk(HTTPS, {}, samples, PlanOptions(pages=pages)), Resource.PAGE)
    assert got == [f"page 0 {A}{path}" for path in expected]


FILES = (f"{A}/a.PDF?v=1", f"{A}/x", f"{A}/b.jpeg", f"{A}/c.epub", f"{A}/y.html")


@pytest.mark.parametrize(
    ("pages", "files", "expected"),
    [
        pytest.param(9, 0, "p/a.PDF?v=1 p/x p/b.jpeg p/c.epub p/y.html", id="pages like any other"),
        pytest.param(1, 2, "p/x m/a.PDF?v=1 m/b.jpeg", id="media after pages"),
        pytest.param(9, 9, "p/x p/y.html m/a.PDF?v=1 m/b.jpeg m/c.epub", id="all of both"),
        pytest.param(0, 1, "m/a.PDF?v=1", id="media alone"),
    ],
)
def test_media_files_are_told_by_their_suffix(pages, files, expected):
    got = walk(HTTPS, {}, FILES, PlanOptions(pages=pages, media=files))
    kinds = {"p": "page", "m": "media"}
    assert requests(got, Resource.PAGE, Resource.MEDIA) == [
        f"{kinds[one[0]]} 0 {A}{one[1:]}" for one in expected.split()
    ]


def test_a_policy_that_a_media_file_names_is_asked_for():
    packet = media.Packet(place="object 1 0", text=tdm(policy="/p.json"))
    extract = media.write(media.Media(kind="pdf", packets=(packet,)))
    history = OriginHistory()
    while step := next_target(HTTPS, ("/a.pdf",), history, PlanOptions(media=1)):
        is_media = step.resource is Resource.MEDIA
        history.add(replace(answered(step), extract=extract) if is_media else answered(step, 404))
    assert requests(history.observations, Resource.TDM_POLICY) == [f"tdm_policy 0 {A}/p.json"]


DENY = b"User-agent: *\nDisallow: /\n"
OWN = DENY + b"User-agent: TDM-Audit\nDisallow: /ai.txt\nDisallow: /.well-known/\n"
LINE = f"{A}/robots.txt line 2 (Disallow: /) disallows this path for tdm-audit"
OPTION = "; --policy-files-always asks in spite of it"


OPEN = None


@pytest.mark.parametrize(
    ("robots", "reason"),
    [
        pytest.param(DENY, LINE, id="disallow all"),
        pytest.param(b"User-agent: x\nDisallow: /\n", OPEN, id="another agent"),
        pytest.param(b"", OPEN, id="empty"),
        pytest.param(204, OPEN, id="204"),
        pytest.param(b"<!doctype html><p>hello", OPEN, id="html"),
        pytest.param((Outcome.TOO_LARGE, DENY), LINE, id="a prefix is parsed"),
        pytest.param(404, OPEN, id="404"),
        pytest.param(403, OPEN, id="403"),
        pytest.param(401, OPEN, id="401"),
        pytest.param(429, f"stopped after 429 at {A}/robots.txt", id="429 is patience, no absence"),
        pytest.param(500, f"{A}/robots.txt answered 500", id="500"),
        pytest.param(
            (503, ("Retry-After", "120")),
            f"stopped after 503 at {A}/robots.txt, Retry-After: 120",
            id="503 with Retry-After",
        ),
        pytest.param(301, f"{A}/robots.txt answered 301", id="redirect without Location"),
        pytest.param(304, f"{A}/robots.txt answered 304", id="304 unasked"),
        *[
            pytest.param(Outcome(outcome), f"stopped after {outcome} at {A}/robots.txt", id=outcome)
            for outcome in ("refused", "timed_out", "tls_failed", "not_found_host")
        ],
        *[
            pytest.param(Outcome(outcome), f"{A}/robots.txt was not read: {outcome}", id=outcome)
            for outcome in ("broken", "blocked_address")
        ],
    ],
)
def test_robots_txt_decides_about_everything_else(robots, reason):
    got = walk(HTTPS, {f"{A}/robots.txt": robots}, ("/x",), PlanOptions(context=True))
    assert requests(got, Resource.ROBOTS_TXT) == [f"robots_txt 0 {A}/robots.txt"]
    assert reasons(got, *POLICY_FILES) == {reason}
    with_option = f"{reason}{OPTION}" if reason == LINE else reason
    assert {o.note or None for o in got if o.target.resource in POLICY_FILES} == {with_option}


def test_our_own_group_replaces_the_star():
    got = walk(HTTPS, {f"{A}/robots.txt": OWN})
    refused = "disallows this path for tdm-audit; --policy-files-always asks in spite of it"
    assert requests(got, Resource.AI_TXT, Resource.TDMREP_JSON, Resource.HOME) == [
        f"- ai_txt 0 {A}/ai.txt withheld: {A}/robots.txt line 4 (Disallow: /ai.txt) {refused}",
        f"- tdmrep_json 0 {A}/.well-known/tdmrep.json withheld: "
        f"{A}/robots.txt line 5 (Disallow: /.well-known/) {refused}",
        f"home 0 {A}/",
    ]


@pytest.mark.parametrize(
    ("status", "reason"), [(404, OPEN), (403, OPEN), (429, f"{A}/robots.txt answered 429")]
)
def test_a_robots_txt_that_redirects_to_a_busy_host_is_not_absent(status, reason):
    """The busy host is stopped; ours is not, so that the gate itself must know 429."""
    given = {f"{A}/robots.txt": (301, f"{B}/robots.txt"), f"{B}/robots.txt": status}
    assert reasons(walk(HTTPS, given)) == {reason}


def test_a_parser_that_crashes_closes_the_gate(monkeypatch):
    def crash(document, /):
        raise RuntimeError(document)

    monkeypatch.setattr(robots_gate.robots_txt, "parse", crash)
    got = walk(HTTPS, {f"{A}/robots.txt": b"# crashes, and is in no cache\n"})
    assert reasons(got) == {f"{A}/robots.txt could not be parsed"}
    always = PlanOptions(policy_files_always=True)
    got = walk(HTTPS, {f"{A}/robots.txt": b"# crashes, and is in no cache\n"}, options=always)
    assert reasons(got) == {f"{A}/robots.txt could not be parsed"}


def ai_txt(*answers, and_=None):
    """Return the lines of the hops of ai.txt, when they are answered as given."""
    given = {f"{A}/robots.txt": 404, f"{A}/ai.txt": answers[0], **(and_ or {})}
    first, *hops = requests(walk(HTTPS, given), Resource.AI_TXT)
    assert first == f"ai_txt 0 {A}/ai.txt"
    return hops


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_hop_by_hop(status):
    assert ai_txt((status, "/b")) == [f"ai_txt 1 {A}/b"]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        pytest.param("b?c#d", f"ai_txt 1 {A}/b?c", id="relative, fragment dropped"),
        pytest.param("//a.example/b", f"ai_txt 1 {A}/b", id="without scheme"),
        pytest.param("https://u:p@a.example/b", f"ai_txt 1 {A}/b", id="credentials dropped"),
        pytest.param("/\udcfc", f"ai_txt 1 {A}/%FC", id="octets that are not UTF-8"),
        *[
            pytest.param(bad, f"- ai_txt 1 {A}/ai.txt broken: Location is no http URL: {bad}", id=n)
            for n, bad in {
                "empty": "",
                "mail": "mailto:a@b.example",
                "script": "javascript:alert(1)",
                "garbage": "http://[::1",
            }.items()
        ],
        pytest.param(
            "/ai.txt",
            f"- ai_txt 1 {A}/ai.txt redirect_limit: redirects in a loop",
            id="to itself",
        ),
    ],
)
def test_location(location, expected):
    assert ai_txt((302, location)) == [expected]


@pytest.mark.parametrize("status", [300, 304, 200])
def test_other_statuses_with_a_location_are_answers(status):
    assert ai_txt((status, "/b")) == []


def test_five_redirects_are_followed_and_the_sixth_is_recorded():
    hops = {f"{A}/{n}": (302, f"/{n + 1}") for n in range(1, 9)}
    assert ai_txt((302, "/1"), and_=hops) == [
        *[f"ai_txt {n} {A}/{n}" for n in range(1, 6)],
        f"- ai_txt 6 {A}/6 redirect_limit: more than 5 redirects",
    ]


def test_a_loop_of_two_redirects_ends_when_it_closes():
    assert ai_txt((302, "/b"), and_={f"{A}/b": (302, "/ai.txt")}) == [
        f"ai_txt 1 {A}/b",
        f"- ai_txt 2 {A}/ai.txt redirect_limit: redirects in a loop",
    ]


def test_robots_txt_behind_redirects_is_the_gate_of_the_asker():
    given = {
        f"{A}/robots.txt": (301, "https://b.example/robots.txt"),
        "https://b.example/robots.txt": (301, "https://c.example/other"),
        "https://c.example/other": DENY,
    }
    got = walk(HTTPS, given)
    assert requests(got, Resource.ROBOTS_TXT) == [
        f"robots_txt 0 {A}/robots.txt",
        "robots_txt 1 https://b.example/robots.txt",
        "robots_txt 2 https://c.example/other",
    ]
    assert reasons(got) == {LINE, LINE + OPTION}


def test_robots_txt_that_redirects_nowhere_closes_the_gate():
    given = {f"{A}/robots.txt": (301, "ftp://a.example/")}
    assert reasons(walk(HTTPS, given)) == {f"{A}/robots.txt was not read: broken"}


TO_B = {f"{A}/robots.txt": 404, f"{A}/ai.txt": (302, f"{B}/1"), f"{A}/": (302, f"{B}/2")}
LEAVING = (Resource.AI_TXT, Resource.OTHER_ROBOTS_TXT, Resource.HOME)


def test_leaving_the_origin_asks_the_other_gate_once():
    got = walk(HTTPS, {**TO_B, f"{B}/robots.txt": b"User-agent: *\nDisallow: /2\n"})
    assert requests(got, *LEAVING) == [
        f"ai_txt 0 {A}/ai.txt",
        f"other_robots_txt 0 {B}/robots.txt",
        f"ai_txt 1 {B}/1",
        f"home 0 {A}/",
        f"- home 1 {B}/2 withheld: {LINE.replace(A, B).replace('/)', '/2)')}",
    ]


def test_the_other_gate_may_redirect_and_counts_for_every_host_on_the_way():
    given = {
        **TO_B,
        f"{A}/": (302, "https://c.example/"),
        f"{B}/robots.txt": (301, "https://c.example/robots.txt"),
        "https://c.example/robots.txt": DENY,
    }
    why = f"{B}/robots.txt line 2 (Disallow: /) disallows this path for tdm-audit"
    got = walk(HTTPS, given)
    assert requests(got, *LEAVING) == [
        f"ai_txt 0 {A}/ai.txt",
        f"other_robots_txt 0 {B}/robots.txt",
        "other_robots_txt 1 https://c.example/robots.txt",
        f"- ai_txt 1 {B}/1 withheld: {why}{OPTION}",
        f"home 0 {A}/",
        f"- home 1 https://c.example/ withheld: {why}",
    ]


def test_a_host_that_our_robots_txt_led_to_is_not_asked_again():
    given = {
        "http://a.example/robots.txt": (301, f"{A}/robots.txt"),
        f"{A}/robots.txt": b"",
        "http://a.example/ai.txt": (301, f"{A}/ai.txt"),
    }
    assert requests(walk(HTTP, given), Resource.ROBOTS_TXT, Resource.AI_TXT) == [
        "robots_txt 0 http://a.example/robots.txt",
        f"robots_txt 1 {A}/robots.txt",
        "ai_txt 0 http://a.example/ai.txt",
        f"ai_txt 1 {A}/ai.txt",
    ]


def test_another_host_that_fails_does_not_stop_the_origin():
    dead = Outcome.TIMED_OUT
    got = walk(HTTPS, {**TO_B, f"{B}/robots.txt": dead})
    assert requests(got, *LEAVING) == [
        f"ai_txt 0 {A}/ai.txt",
        f"other_robots_txt 0 {B}/robots.txt",
        f"- ai_txt 1 {B}/1 withheld: stopped after timed_out at {B}/robots.txt",
        f"home 0 {A}/",
        f"- home 1 {B}/2 withheld: stopped after timed_out at {B}/robots.txt",
    ]


@pytest.mark.parametrize("outcome", ["refused", "timed_out", "tls_failed", "not_found_host"])
def test_one_network_failure_stops_the_origin(outcome):
    why = f"stopped after {outcome} at {A}/ai.txt"
    got = walk(HTTPS, {f"{A}/ai.txt": Outcome(outcome)}, (f"{A}/x",))
    assert requests(got, Resource.AI_TXT) == [f"ai_txt 0 {A}/ai.txt"]
    assert reasons(got, Resource.AI_TXT) == {why}


def test_a_broken_answer_gets_a_second_try():
    files = (Resource.AI_TXT, Resource.TDMREP_JSON)
    given = {f"{A}/ai.txt": Outcome.BROKEN, f"{A}/.well-known/tdmrep.json": Outcome.BROKEN}
    why = f"stopped after broken at {A}/.well-known/tdmrep.json"
    got = walk(HTTPS, given)
    assert requests(got, *files) == [
        f"ai_txt 0 {A}/ai.txt",
        f"tdmrep_json 0 {A}/.well-known/tdmrep.json",
    ]
    assert reasons(got, *files, Resource.AI_TXT_WELL_KNOWN) == {why}


def test_a_location_that_is_no_url_is_not_a_network_failure():
    given = {f"{A}/ai.txt": (302, "about:blank"), f"{A}/.well-known/tdmrep.json": (302, "a:b")}
    assert requests(walk(HTTPS, given), Resource.HOME) == [f"home 0 {A}/"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_host_is_left_alone(status):
    got = walk(HTTPS, {f"{A}/ai.txt": status})
    assert reasons(got, Resource.AI_TXT) == {f"stopped after {status} at {A}/ai.txt"}


@pytest.mark.parametrize("outcome", ["refused", "timed_out", "tls_failed", "broken"])
def test_a_bare_host_is_asked_by_http_when_https_gives_no_answer(outcome):
    got = walk(BARE, {f"{A}/robots.txt": Outcome(outcome)}, (f"{A}/x?y", "a.example/z"))
    first, *others = (o.target.url for o in got)
    assert first == f"{A}/robots.txt"
    assert all(url.startswith(f"{H}/") for url in others)
    assert requests(got, Resource.ROBOTS_TXT, Resource.HOME, Resource.PAGE) == [
        f"robots_txt 0 {A}/robots.txt",
        f"robots_txt 0 {H}/robots.txt",
        f"home 0 {H}/",
        f"page 0 {H}/x?y",
    ]


@pytest.mark.parametrize("outcome", ["not_found_host", "blocked_address"])
def test_a_bare_host_that_is_not_there_is_not_there_by_http(outcome):
    got = walk(BARE, {f"{A}/robots.txt": Outcome(outcome)})
    assert [o for o in got if o.target.url.startswith(H)] == []


def test_a_bare_host_with_a_port_keeps_it():
    bare = replace(BARE, port=8443)
    got = walk(bare, {"https://a.example:8443/robots.txt": Outcome.REFUSED})
    assert requests(got, Resource.ROBOTS_TXT)[1:] == [
        "robots_txt 0 http://a.example:8443/robots.txt"
    ]


def test_a_host_with_a_written_scheme_is_asked_by_that_alone():
    got = walk(HTTPS, {f"{A}/robots.txt": Outcome.REFUSED})
    assert [o for o in got if o.target.url.startswith(H)] == []


def test_a_bare_host_that_points_back_to_dead_https_is_not_asked_there_again():
    given = {f"{A}/robots.txt": Outcome.REFUSED, f"{H}/robots.txt": (301, f"{A}/robots.txt")}
    got = walk(BARE, given)
    assert requests(got, Resource.ROBOTS_TXT) == [
        f"robots_txt 0 {A}/robots.txt",
        f"robots_txt 0 {H}/robots.txt",
        f"- robots_txt 1 {A}/robots.txt withheld: stopped after refused at {A}/robots.txt",
    ]


def test_two_pages_that_lead_to_one_ask_it_once():
    given = {f"{A}/x": (302, "/login"), f"{A}/y": (302, "/login"), f"{A}/login": b"in"}
    got = walk(HTTPS, given, ("/x", "/y"), PlanOptions(pages=2))
    assert requests(got, Resource.PAGE) == [
        f"page 0 {A}/x",
        f"page 1 {A}/login",
        f"page 0 {A}/y",
        f"- page 1 {A}/login responded: asked once, for {A}/x",
    ]


def test_requests_to_an_origin_are_counted():
    pages = range(12)
    given = {f"{A}/{n}": (302, f"https://h{n}.example/0") for n in pages}
    for n in pages:
        given[f"https://h{n}.example/robots.txt"] = (302, f"https://r{n}.example/robots.txt")
        given[f"https://h{n}.example/0"] = (302, "/1")
    got = walk(HTTPS, given, tuple(f"/{n}" for n in pages), PlanOptions(pages=12))
    assert sum(not o.note for o in got) == 52
    last = requests(got, Resource.PAGE)[-1]
    assert last == f"- page 0 {A}/11 withheld: stopped after 52 requests"


TDMREP = f"{A}/.well-known/tdmrep.json"


def tdmrep_file(*policies):
    """Return the body of a tdmrep.json that reserves paths, with a policy for each."""
    rules = [
        {"location": f"/{n}/", "tdm-reservation": 1, "tdm-policy": policy}
        for n, policy in enumerate(policies)
    ]
    return json.dumps(rules).encode()


def naming_file(*policies):
    """Return the answer of the tdmrep.json of the origin."""
    return {TDMREP: tdmrep_file(*policies)}


def policy_headers(url):
    """Return the answer of a page that reserves, with a policy."""
    return (200, ("TDM-Reservation", "1"), ("TDM-Policy", url))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(naming_file(f"{A}/p"), [f"tdm_policy 0 {A}/p"], id="absolute"),
        pytest.param(
            naming_file("p", "/q#x"),
            [f"tdm_policy 0 {A}/.well-known/p", f"tdm_policy 0 {A}/q"],
            id="relative to the file",
        ),
        pytest.param(
            naming_file("/1", "/2", "/1", "/3", "/4"),
            [f"tdm_policy 0 {A}/{n}" for n in (1, 2, 3)],
            id="three of them, each once",
        ),
        pytest.param(
            naming_file("ftp://a.example/", "http://[::1", "/" + "x" * 5000),
            [],
            id="not to be asked",
        ),
        pytest.param(
            {**naming_file("/1", "/2"), f"{A}/": policy_headers("/2")},
            [f"tdm_policy 0 {A}/1", f"tdm_policy 0 {A}/2"],
            id="in two places, each once",
        ),
        pytest.param(
            {**naming_file("/1"), f"{A}/": policy_headers("/2")},
            [f"tdm_policy 0 {A}/1", f"tdm_policy 0 {A}/2"],
            id="in a header of the page",
        ),
        pytest.param(
            {**naming_file("/1"), f"{A}/1": policy_headers("/2")},
            [f"tdm_policy 0 {A}/1"],
            id="a policy names no further ones",
        ),
        pytest.param(
            {TDMREP: (302, f"{B}/p/t.json"), f"{B}/p/t.json": tdmrep_file("own")},
            [f"other_robots_txt 0 {B}/robots.txt", f"tdm_policy 0 {B}/p/own"],
            id="relative to where the file was found",
        ),
        pytest.param(
            {**naming_file(f"{B}/p"), f"{B}/robots.txt": DENY},
            [
                f"other_robots_txt 0 {B}/robots.txt",
                f"- tdm_policy 0 {B}/p withheld: "
                f"{B}/robots.txt line 2 (Disallow: /) disallows this path for tdm-audit",
            ],
            id="elsewhere, behind another gate",
        ),
        pytest.param({TDMREP: 204}, [], id="nothing there"),
        *[
            pytest.param(
                {f"{A}/": (status, *policy_headers("/2")[1:])},
                [f"tdm_policy 0 {A}/2"],
                id=f"D2 a header of {status}",
            )
            for status in (204, 401, 403, 404, 410, 451, 500)
        ],
        pytest.param(
            {f"{A}/": (302, ("Location", f"{B}/p/x"), *policy_headers("own")[1:])},
            [f"other_robots_txt 0 {B}/robots.txt", f"tdm_policy 0 {A}/own"],
            id="D1 a header of a redirect, relative to what redirects",
        ),
        pytest.param(
            {f"{A}/": (302, "/p/x"), f"{A}/p/x": (503, *policy_headers("own")[1:])},
            [f"- tdm_policy 0 {A}/p/own withheld: stopped after 503 at {A}/p/x"],
            id="D2 a header of a busy host, which is left alone",
        ),
        pytest.param(
            {TDMREP: (403, ("TDM-Reservation", "1"), ("TDM-Policy", "/2"))},
            [],
            id="a header of a file that header fields do not speak of",
        ),
    ],
)
def test_policies_that_are_named_are_asked(given, expected):
    got = walk(HTTPS, given)
    assert requests(got, Resource.TDM_POLICY, Resource.OTHER_ROBOTS_TXT) == expected


ROBOTS = f"{A}/robots.txt"
TRUST = f"{A}/.well-known/trust.txt"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({TRUST: 404}, [f"trust_txt 0 {A}/trust.txt"], id="J05 404"),
        pytest.param({TRUST: 410}, [f"trust_txt 0 {A}/trust.txt"], id="J05 410"),
        pytest.param({TRUST: b"datatrainingallowed=no"}, [], id="there"),
        pytest.param({TRUST: b"<!doctype html>"}, [], id="html"),
        pytest.param({TRUST: 403}, [], id="unseen"),
        pytest.param({TRUST: 500}, [], id="failing"),
        pytest.param(
            {TRUST: (301, "/t")},
            [f"trust_txt 1 {A}/t", f"trust_txt 0 {A}/trust.txt"],
            id="absent behind a redirect",
        ),
        pytest.param(
            {TRUST: (301, "/t"), f"{A}/t": b"control=x"},
            [f"trust_txt 1 {A}/t"],
            id="there behind a redirect",
        ),
        pytest.param(
            {TRUST: (301, "/trust.txt")},
            [
                f"trust_txt 1 {A}/trust.txt",
                f"- trust_txt 0 {A}/trust.txt responded: asked once, for {TRUST}",
            ],
            id="one leads to the other",
        ),
    ],
)
def test_trust_txt_at_the_root_is_asked_where_the_well_known_one_is_absent(given, expected):
    assert requests(walk(HTTPS, given), Resource.TRUST_TXT) == [f"trust_txt 0 {TRUST}", *expected]


LINKED = (Resource.TDM_POLICY, Resource.RSL_LICENSE, Resource.OTHER_ROBOTS_TXT)
RSL_LINK = ("Link", f'<{A}/b.xml>; rel="license"; type="application/rsl+xml"')


def robots_naming(*urls):
    return {f"{A}/robots.txt": "".join(f"License: {url}\n" for url in urls).encode()}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(robots_naming(f"{A}/a.xml"), [f"rsl_license 0 {A}/a.xml"], id="robots.txt"),
        pytest.param(robots_naming("/license.xml"), [], id="L06"),
        pytest.param(
            {f"{A}/": (200, ("Link", '</b.xml>; rel="license"; type="application/rsl+xml"'))},
            [],
            id="a relative URL in a header",
        ),
        pytest.param(
            {f"{A}/": (200, RSL_LINK)}, [f"rsl_license 0 {A}/b.xml"], id="a header of the page"
        ),
        *[
            pytest.param(
                {f"{A}/": (status, RSL_LINK)}, [f"rsl_license 0 {A}/b.xml"], id=f"D2 {status}"
            )
            for status in (401, 402, 403, 404, 451)
        ],
        pytest.param(
            {f"{A}/": (307, ("Location", f"{A}/x"), RSL_LINK)},
            [f"rsl_license 0 {A}/b.xml"],
            id="D1 a redirect",
        ),
        pytest.param(
            {f"{A}/": (Outcome.TOO_LARGE, b""), f"{A}/x": (402, RSL_LINK)},
            [f"rsl_license 0 {A}/b.xml"],
            id="D2 402 for a sampled page",
        ),
        pytest.param(
            {f"{A}/": (403, ("Link", '</b.xml>; rel="license"; type="application/rsl+xml"'))},
            [],
            id="D2 a relative URL in a header of an error",
        ),
        pytest.param(
            {f"{A}/": f'<link rel=license type="application/rsl+xml" href="{A}/c">'.encode()},
            [],
            id="a page is read from its extract",
        ),
        pytest.param(
            {**robots_naming(f"{A}/b.xml", f"{A}/a.xml"), f"{A}/": (200, RSL_LINK)},
            [f"rsl_license 0 {A}/b.xml", f"rsl_license 0 {A}/a.xml"],
            id="in two places, each once",
        ),
        pytest.param(
            robots_naming(*(f"{A}/{n}" for n in range(5))),
            [f"rsl_license 0 {A}/{n}" for n in range(3)],
            id="three of them",
        ),
        pytest.param(
            {**robots_naming(f"{B}/a.xml"), f"{B}/robots.txt": DENY},
            [
                f"other_robots_txt 0 {B}/robots.txt",
                f"- rsl_license 0 {B}/a.xml withheld: "
                f"{B}/robots.txt line 2 (Disallow: /) disallows this path for tdm-audit",
            ],
            id="elsewhere, behind another gate",
        ),
        pytest.param(
            {**robots_naming(f"{B}/a.xml"), f"{B}/robots.txt": robots_naming(f"{B}/b")[ROBOTS]},
            [f"other_robots_txt 0 {B}/robots.txt", f"rsl_license 0 {B}/a.xml"],
            id="the robots.txt of the other host names nothing for us",
        ),
        pytest.param(
            {
                **robots_naming(f"{A}/a.xml"),
                f"{A}/.well-known/tdmrep.json": b'[{"location": "/", "tdm-reservation": 1,'
                b' "tdm-policy": "/p"}]',
            },
            [f"tdm_policy 0 {A}/p", f"rsl_license 0 {A}/a.xml"],
            id="after the policies",
        ),
    ],
)
def test_licence_documents_that_are_named_are_asked(given, expected):
    got = walk(HTTPS, given, ("/x",))
    assert requests(got, *LINKED) == expected


@pytest.mark.parametrize(
    ("home", "href", "expected"),
    [
        pytest.param("/", "/license.xml", [f"rsl_license 0 {A}/license.xml"], id="D3 a path"),
        pytest.param("/en/", "l.xml", [f"rsl_license 0 {A}/en/l.xml"], id="D3 beside the page"),
        pytest.param("/en/x", "../l.xml#a", [f"rsl_license 0 {A}/l.xml"], id="D3 above"),
        pytest.param(
            "/",
            "//b.example/l.xml",
            [f"other_robots_txt 0 {B}/robots.txt", f"rsl_license 0 {B}/l.xml"],
            id="D3 without scheme",
        ),
        pytest.param("/", f"{A}/l.xml", [f"rsl_license 0 {A}/l.xml"], id="absolute"),
        pytest.param("/", "javascript:void(0)", [], id="D3 a script"),
        pytest.param("/", "mailto:a@b.example", [], id="D3 mail"),
        pytest.param("/", "#licence", [], id="D3 the page itself"),
        pytest.param("/", "", [], id="D3 empty"),
        pytest.param("/", "http://[::1", [], id="D3 no URL"),
    ],
)
def test_a_relative_licence_link_of_a_page_is_resolved_against_the_page(home, href, expected):
    tag = f'<link rel="license" type="application/rsl+xml" href="{href}">'
    history = OriginHistory()
    while step := next_target(HTTPS, (), history, PlanOptions()):
        if isinstance(step, Observation):
            history.add(step)
        elif step.resource is not Resource.HOME:
            history.add(answered(step, 404))
        elif step.url != A + home:
            history.add(answered(step, 302, ("Location", home)))
        else:
            history.add(replace(answered(step), extract=page.extract(tag.encode())))
    assert requests(history.observations, *LINKED) == expected


CONTEXT = [
    f"ads_txt 0 {A}/ads.txt",
    f"security_txt 0 {A}/.well-known/security.txt",
    f"llms_txt 0 {A}/llms.txt",
]
CONTEXT_FILES = [Resource(text.partition(" ")[0]) for text in CONTEXT]


def test_context_files_are_asked_only_where_they_are_wanted():
    wanted = walk(HTTPS, {}, options=PlanOptions(context=True))
    assert requests(wanted, *CONTEXT_FILES) == CONTEXT
    assert requests(walk(HTTPS, {}), *CONTEXT_FILES) == []


def test_robots_txt_keeps_us_from_context_files_too():
    robots = {f"{A}/robots.txt": b"User-agent: *\nDisallow: /ads.txt\n"}
    got = walk(HTTPS, robots, options=PlanOptions(context=True))
    assert requests(got, *CONTEXT_FILES) == [
        f"- ads_txt 0 {A}/ads.txt withheld: {LINE.replace('/)', '/ads.txt)')}",
        *CONTEXT[1:],
    ]


URLS = [A, B, H]
PATHS = ["/robots.txt", "/ai.txt", "/", "/x", "/y", "/z", "/.well-known/tdmrep.json", "/trust.txt"]
RAW_LOCATIONS = st.one_of(
    st.builds(str.__add__, st.sampled_from(URLS), st.sampled_from(PATHS)), st.text(max_size=20)
)
BODIES = st.sampled_from(
    [
        b"",
        DENY,
        OWN,
        b"<html>",
        b'[{"location":"/","tdm-reservation":1}]',
        b"License: https://b.example/l",
    ]
)
ANSWERS = st.one_of(
    st.sampled_from(list(Outcome)),
    st.sampled_from([200, 204, 301, 302, 404, 429, 500, 503]),
    BODIES,
    st.tuples(st.sampled_from([301, 302, 307]), RAW_LOCATIONS),
    st.tuples(st.sampled_from([301, 302, 307]), RAW_LOCATIONS),
)


@settings(max_examples=150)
@given(
    data=st.data(),
    origin=st.sampled_from([HTTPS, HTTP, BARE]),
    samples=st.lists(RAW_LOCATIONS, max_size=4).map(tuple),
    always=st.booleans(),
)
def test_any_answers_end_soon_and_nothing_is_asked_twice(data, origin, samples, always):
    options = PlanOptions(pages=3, policy_files_always=always)
    seen, asked = [], []
    while step := next_target(origin, samples, OriginHistory(seen), options):
        if isinstance(step, Target):
            asked.append((step.resource, step.url))
            step = answer(step, data.draw(ANSWERS))
        seen.append(step)
        assert len(seen) <= BOUND
    assert len(asked) == len(set(asked))
    assert seen[0].target.resource is Resource.ROBOTS_TXT
    keys = [(o.target.resource, o.target.asked, o.target.hop) for o in seen]
    assert len(keys) == len(set(keys))


LINKING = b"<a href='/impressum'>Imprint</a><a href='/terms'>Terms</a><a href='//b.example/agb'>"


def read_with_terms(terms: int) -> list[str]:
    """Return what is requested for terms, of a site whose pages of terms link to others."""
    history, options = OriginHistory(), PlanOptions(pages=0, terms=terms)
    while step := next_target(HTTPS, (), history, options):
        page_there = step.resource in (Resource.HOME, Resource.TERMS)
        extract = page.extract(LINKING) if page_there else b""
        history.add(replace(answered(step, 200 if page_there else 404), extract=extract))
    return [
        f"{o.target.resource} {o.target.url}"
        for o in history.observations
        if o.target.resource in (Resource.TERMS, Resource.OTHER_ROBOTS_TXT)
    ]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        pytest.param(0, [], id="none are asked for"),
        pytest.param(1, [f"terms {A}/terms"], id="the one most worth it"),
        pytest.param(
            9,
            [
                f"terms {A}/terms",
                "other_robots_txt https://b.example/robots.txt",
                "terms https://b.example/agb",
                f"terms {A}/impressum",
            ],
            id="all, and none that terms link to",
        ),
        pytest.param(-1, [], id="fewer than none"),
    ],
)
def test_pages_of_terms_that_the_home_page_links_to(terms, expected):
    assert read_with_terms(terms) == expected
