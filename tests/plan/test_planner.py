"""What is asked of an origin, in which order, and what is withheld with which words."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import media, page
from crawler.model import Observation, Origin, Reading, Target
from crawler.plan import linked_documents, planner
from crawler.plan.history import OriginHistory
from crawler.plan.planner import PlanOptions, next_target
from crawler.protocols.interface import Carrier
from crawler.vocab import Outcome, Presence, Resource
from tests.media_files import tdm

HTTPS = Origin(scheme="https", host="a.example", port=443, site="a.example")
HTTP = replace(HTTPS, scheme="http", port=80)
BARE = replace(HTTPS, assumed=True)
A = "https://a.example"
BOUND = 60


def answered(target, status=200, *headers, body=b"", outcome=Outcome.RESPONDED):
    """An observation as the fetcher would make it; a status of None is a failure."""
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
        case (int() as status, tuple() as header):
            return answered(target, status, header)
        case (Outcome() as outcome, bytes() as body):
            return replace(answered(target, 200, body=body, outcome=outcome), truncated=True)


def walk(origin, answers, samples=(), options=None, *, otherwise=404):
    """Run a plan to its end; one line for each observation."""
    seen, lines = OriginHistory(), []
    while step := next_target(origin, samples, seen, options or PlanOptions()):
        if isinstance(step, Target):
            seen.add(answer(step, answers.get(step.url, otherwise)))
            lines.append(f"{step.resource} {step.hop} {step.url}")
        else:
            seen.add(step)
            t = step.target
            lines.append(f"- {t.resource} {t.hop} {t.url} {step.outcome}: {step.note}")
        assert len(seen.all) <= BOUND
    return lines


def robots_allow(*origins):
    return {f"{origin}/robots.txt": 404 for origin in origins}


ORDER = [
    f"robots_txt 0 {A}/robots.txt",
    f"ai_txt 0 {A}/ai.txt",
    f"tdmrep_json 0 {A}/.well-known/tdmrep.json",
    f"trust_txt 0 {A}/.well-known/trust.txt",
    f"trust_txt 0 {A}/trust.txt",
    f"home 0 {A}/",
]
HOME = ORDER[-1]


def withheld(why, origin=A, *, without=(), pages=()):
    """The lines of everything but robots.txt, withheld."""
    files = {
        "ai_txt": f"{origin}/ai.txt",
        "tdmrep_json": f"{origin}/.well-known/tdmrep.json",
        "trust_txt": f"{origin}/.well-known/trust.txt",
        "home": f"{origin}/",
    }
    lines = [f"- {n} 0 {u} withheld: {why}" for n, u in files.items() if n not in without]
    return lines + [f"- page 0 {u} withheld: {why}" for u in pages]


def test_order_of_an_origin_that_has_nothing():
    assert walk(HTTPS, {}) == ORDER


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
    got = walk(HTTPS, {}, samples, PlanOptions(pages=pages))
    assert got == ORDER + [f"page 0 {A}{path}" for path in expected]


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
    assert got == ORDER + [f"{kinds[one[0]]} 0 {A}{one[1:]}" for one in expected.split()]


def test_a_policy_that_a_media_file_names_is_asked_for():
    packet = media.Packet(place="object 1 0", text=tdm(policy="/p.json"))
    extract = media.write(media.Media(kind="pdf", packets=(packet,)))
    target = Target(resource=Resource.MEDIA, asked=f"{A}/a.pdf", url=f"{A}/a.pdf")
    seen = tuple(
        answered(Target(resource=Resource(kind), asked=url, url=url), 404)
        for kind, _, url in (line.split(" ") for line in ORDER)
    )
    file = replace(answered(target), extract=extract)
    options = PlanOptions(media=1)
    step = next_target(HTTPS, ("/a.pdf",), OriginHistory((*seen, file)), options)
    assert (step.resource, step.url) == (Resource.TDM_POLICY, f"{A}/p.json")


DENY = b"User-agent: *\nDisallow: /\n"
OWN = DENY + b"User-agent: TDM-Audit\nDisallow: /ai.txt\nDisallow: /.well-known/\n"
LINE = f"{A}/robots.txt line 2 disallows this path for tdm-audit"


@pytest.mark.parametrize(
    ("robots", "expected"),
    [
        pytest.param(DENY, withheld(LINE), id="disallow all"),
        pytest.param(b"User-agent: x\nDisallow: /\n", ORDER[1:], id="another agent"),
        pytest.param(b"", ORDER[1:], id="empty"),
        pytest.param(204, ORDER[1:], id="204"),
        pytest.param(b"<!doctype html><p>hello", ORDER[1:], id="html"),
        pytest.param(
            OWN,
            [
                f"- ai_txt 0 {A}/ai.txt withheld: {LINE.replace('2', '4')}",
                f"- tdmrep_json 0 {A}/.well-known/tdmrep.json withheld: {LINE.replace('2', '5')}",
                f"- trust_txt 0 {A}/.well-known/trust.txt withheld: {LINE.replace('2', '5')}",
                f"home 0 {A}/",
            ],
            id="our own group replaces the star",
        ),
        pytest.param((Outcome.TOO_LARGE, DENY), withheld(LINE), id="a prefix is parsed"),
        pytest.param(404, ORDER[1:], id="404"),
        pytest.param(403, ORDER[1:], id="403"),
        pytest.param(401, ORDER[1:], id="401"),
        pytest.param(
            429, withheld(f"stopped after 429 at {A}/robots.txt"), id="429 is patience, not absence"
        ),
        pytest.param(500, withheld(f"{A}/robots.txt answered 500"), id="500"),
        pytest.param(
            (503, ("Retry-After", "120")),
            withheld(f"stopped after 503 at {A}/robots.txt, Retry-After: 120"),
            id="503 with Retry-After",
        ),
        pytest.param(301, withheld(f"{A}/robots.txt answered 301"), id="redirect without Location"),
        pytest.param(304, withheld(f"{A}/robots.txt answered 304"), id="304 unasked"),
        *[
            pytest.param(
                outcome, withheld(f"stopped after {outcome} at {A}/robots.txt"), id=outcome
            )
            for outcome in ("refused", "timed_out", "tls_failed", "not_found_host")
        ],
        *[
            pytest.param(outcome, withheld(f"{A}/robots.txt was not read: {outcome}"), id=outcome)
            for outcome in ("broken", "blocked_address")
        ],
    ],
)
def test_gate(robots, expected):
    robots = Outcome(robots) if isinstance(robots, str) else robots
    assert walk(HTTPS, {f"{A}/robots.txt": robots}) == ORDER[:1] + expected


def test_policy_files_may_be_asked_in_spite_of_a_line():
    options = PlanOptions(policy_files_always=True)
    got = walk(HTTPS, {f"{A}/robots.txt": DENY}, options=options)
    assert got == ORDER[:3] + withheld(LINE, without=("ai_txt", "tdmrep_json"))


def test_policy_files_are_not_asked_in_spite_of_an_unreadable_gate():
    options = PlanOptions(policy_files_always=True)
    got = walk(HTTPS, {f"{A}/robots.txt": 500}, options=options)
    assert got == ORDER[:1] + withheld(f"{A}/robots.txt answered 500")


def test_a_parser_that_crashes_closes_the_gate(monkeypatch):
    def crash(document, /):
        raise RuntimeError(document)

    monkeypatch.setattr(planner.robots_txt, "parse", crash)
    got = walk(HTTPS, {f"{A}/robots.txt": b"# crashes, and is in no cache\n"})
    assert got == ORDER[:1] + withheld(f"{A}/robots.txt could not be parsed")


def ai_txt(*answers, **others):
    """Lines of the ai.txt chain only, when its hops are answered as given."""
    given = {f"{A}/robots.txt": 404, f"{A}/ai.txt": answers[0], **others.get("and_", {})}
    lines = walk(HTTPS, given)
    start = next(n for n, line in enumerate(lines) if "ai_txt" in line)
    return lines[start + 1 : next(n for n, line in enumerate(lines) if "tdmrep_json 0" in line)]


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


def test_robots_txt_behind_redirects_is_the_gate_of_the_asker():
    given = {
        f"{A}/robots.txt": (301, "https://b.example/robots.txt"),
        "https://b.example/robots.txt": (301, "https://c.example/other"),
        "https://c.example/other": DENY,
    }
    assert walk(HTTPS, given) == [
        ORDER[0],
        "robots_txt 1 https://b.example/robots.txt",
        "robots_txt 2 https://c.example/other",
        *withheld(LINE),
    ]


def test_robots_txt_that_redirects_nowhere_closes_the_gate():
    given = {f"{A}/robots.txt": (301, "ftp://a.example/")}
    why = f"{A}/robots.txt was not read: broken"
    assert walk(HTTPS, given)[2:] == withheld(why)


B = "https://b.example"
TO_B = {f"{A}/robots.txt": 404, f"{A}/ai.txt": (302, f"{B}/1"), f"{A}/": (302, f"{B}/2")}


def test_leaving_the_origin_asks_the_other_gate_once():
    assert walk(HTTPS, {**TO_B, f"{B}/robots.txt": b"User-agent: *\nDisallow: /2\n"}) == [
        *ORDER[:2],
        f"other_robots_txt 0 {B}/robots.txt",
        f"ai_txt 1 {B}/1",
        *ORDER[2:],
        f"- home 1 {B}/2 withheld: {B}/robots.txt line 2 disallows this path for tdm-audit",
    ]


def test_the_other_gate_may_redirect_and_counts_for_every_host_on_the_way():
    given = {
        **TO_B,
        f"{A}/": (302, "https://c.example/"),
        f"{B}/robots.txt": (301, "https://c.example/robots.txt"),
        "https://c.example/robots.txt": DENY,
    }
    why = f"{B}/robots.txt line 2 disallows this path for tdm-audit"
    assert walk(HTTPS, given) == [
        *ORDER[:2],
        f"other_robots_txt 0 {B}/robots.txt",
        "other_robots_txt 1 https://c.example/robots.txt",
        f"- ai_txt 1 {B}/1 withheld: {why}",
        *ORDER[2:],
        f"- home 1 https://c.example/ withheld: {why}",
    ]


def test_a_host_that_our_robots_txt_led_to_is_not_asked_again():
    given = {
        "http://a.example/robots.txt": (301, f"{A}/robots.txt"),
        f"{A}/robots.txt": b"",
        "http://a.example/ai.txt": (301, f"{A}/ai.txt"),
    }
    assert walk(HTTP, given)[:4] == [
        "robots_txt 0 http://a.example/robots.txt",
        f"robots_txt 1 {A}/robots.txt",
        "ai_txt 0 http://a.example/ai.txt",
        f"ai_txt 1 {A}/ai.txt",
    ]


def test_another_host_that_fails_does_not_stop_the_origin():
    dead = Outcome.TIMED_OUT
    assert walk(HTTPS, {**TO_B, f"{B}/robots.txt": dead}) == [
        *ORDER[:2],
        f"other_robots_txt 0 {B}/robots.txt",
        f"- ai_txt 1 {B}/1 withheld: stopped after timed_out at {B}/robots.txt",
        *ORDER[2:],
        f"- home 1 {B}/2 withheld: stopped after timed_out at {B}/robots.txt",
    ]


@pytest.mark.parametrize("outcome", ["refused", "timed_out", "tls_failed", "not_found_host"])
def test_one_network_failure_stops_the_origin(outcome):
    why = f"stopped after {outcome} at {A}/ai.txt"
    got = walk(HTTPS, {f"{A}/ai.txt": Outcome(outcome)}, (f"{A}/x",))
    assert got == ORDER[:2] + withheld(why, without=("ai_txt",), pages=[f"{A}/x"])


def test_a_broken_answer_gets_a_second_try():
    given = {f"{A}/ai.txt": Outcome.BROKEN, f"{A}/.well-known/tdmrep.json": Outcome.BROKEN}
    why = f"stopped after broken at {A}/.well-known/tdmrep.json"
    got = walk(HTTPS, given)
    assert got == ORDER[:3] + withheld(why, without=("ai_txt", "tdmrep_json"))


def test_a_location_that_is_no_url_is_not_a_network_failure():
    given = {f"{A}/ai.txt": (302, "about:blank"), f"{A}/.well-known/tdmrep.json": (302, "a:b")}
    assert f"home 0 {A}/" in walk(HTTPS, given)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_host_is_left_alone(status):
    got = walk(HTTPS, {f"{A}/ai.txt": status})
    assert got == ORDER[:2] + withheld(f"stopped after {status} at {A}/ai.txt", without=("ai_txt",))


H = "http://a.example"


@pytest.mark.parametrize("outcome", ["refused", "timed_out", "tls_failed", "broken"])
def test_a_bare_host_is_asked_by_http_when_https_gives_no_answer(outcome):
    got = walk(BARE, {f"{A}/robots.txt": Outcome(outcome)}, (f"{A}/x?y", "a.example/z"))
    assert got == [
        ORDER[0],
        f"robots_txt 0 {H}/robots.txt",
        f"ai_txt 0 {H}/ai.txt",
        f"tdmrep_json 0 {H}/.well-known/tdmrep.json",
        f"trust_txt 0 {H}/.well-known/trust.txt",
        f"trust_txt 0 {H}/trust.txt",
        f"home 0 {H}/",
        f"page 0 {H}/x?y",
    ]


@pytest.mark.parametrize("outcome", ["not_found_host", "blocked_address"])
def test_a_bare_host_that_is_not_there_is_not_there_by_http(outcome):
    got = walk(BARE, {f"{A}/robots.txt": Outcome(outcome)})
    assert [line for line in got if H in line] == []


def test_a_bare_host_with_a_port_keeps_it():
    bare = replace(BARE, port=8443)
    got = walk(bare, {"https://a.example:8443/robots.txt": Outcome.REFUSED})
    assert got[1] == "robots_txt 0 http://a.example:8443/robots.txt"


def test_a_host_with_a_written_scheme_is_asked_by_that_alone():
    got = walk(HTTPS, {f"{A}/robots.txt": Outcome.REFUSED})
    assert [line for line in got if H in line] == []


def test_a_bare_host_that_points_back_to_dead_https_is_not_asked_there_again():
    given = {f"{A}/robots.txt": Outcome.REFUSED, f"{H}/robots.txt": (301, f"{A}/robots.txt")}
    got = walk(BARE, given)
    assert got[:3] == [
        ORDER[0],
        f"robots_txt 0 {H}/robots.txt",
        f"- robots_txt 1 {A}/robots.txt withheld: stopped after refused at {A}/robots.txt",
    ]


def test_two_pages_that_lead_to_one_ask_it_once():
    given = {f"{A}/x": (302, "/login"), f"{A}/y": (302, "/login"), f"{A}/login": b"in"}
    got = walk(HTTPS, given, ("/x", "/y"), PlanOptions(pages=2))
    assert got[len(ORDER) :] == [
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
    assert sum(not line.startswith("-") for line in got) == 52
    assert got[-1] == f"- page 0 {A}/11 withheld: stopped after 52 requests"


class Naming:
    """A protocol that names every line of a policy file."""

    NAME = "tdmrep_lines"
    FAMILY = "tdmrep"
    CARRIER = Carrier.BODY
    RESOURCES = frozenset({Resource.TDMREP_JSON, Resource.HOME, Resource.TDM_POLICY})

    @staticmethod
    def parse(document, /):
        return Reading(presence=Presence.PRESENT, names=tuple(document.body.decode().split()))


@pytest.fixture
def naming(monkeypatch):
    monkeypatch.setattr(
        linked_documents, "_CARRIERS", {"tdmrep": (Naming,), "rsl": (), "terms": ()}
    )
    monkeypatch.setattr(
        linked_documents, "_BY_NAME", {"robots_txt": planner.robots_txt, Naming.NAME: Naming}
    )


def naming_file(*names):
    return {f"{A}/.well-known/tdmrep.json": " ".join(names).encode()}


@pytest.mark.usefixtures("naming")
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
            {**naming_file("/1"), f"{A}/": b"/1 /2"},
            [f"tdm_policy 0 {A}/1", f"tdm_policy 0 {A}/2"],
            id="in two places",
        ),
        pytest.param(
            {**naming_file("/1"), f"{A}/1": b"/2"},
            [f"tdm_policy 0 {A}/1"],
            id="a policy names no further ones",
        ),
        pytest.param(
            {f"{A}/.well-known/tdmrep.json": (302, f"{B}/p/t.json"), f"{B}/p/t.json": b"own"},
            [f"tdm_policy 0 {B}/p/own"],
            id="relative to where the file was found",
        ),
        pytest.param(
            {**naming_file(f"{B}/p"), f"{B}/robots.txt": DENY},
            [
                f"other_robots_txt 0 {B}/robots.txt",
                f"- tdm_policy 0 {B}/p withheld: "
                f"{B}/robots.txt line 2 disallows this path for tdm-audit",
            ],
            id="elsewhere, behind another gate",
        ),
        pytest.param({f"{A}/.well-known/tdmrep.json": 204}, [], id="nothing there"),
    ],
)
def test_policies_that_are_named_are_asked(given, expected):
    got = walk(HTTPS, given)
    assert got[got.index(HOME) + 1 :] == expected


def test_policies_of_a_tdmrep_file():
    body = b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://a.example/p.json"}]'
    got = walk(HTTPS, {f"{A}/.well-known/tdmrep.json": body})
    assert got[len(ORDER) :] == [f"tdm_policy 0 {A}/p.json"]


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
    got = walk(HTTPS, given)
    assert got[got.index(f"trust_txt 0 {TRUST}") + 1 : got.index(HOME)] == expected


RSL_LINK = ("Link", f'<{A}/b.xml>; rel="license"; type="application/rsl+xml"')


def robots_naming(*urls):
    return {f"{A}/robots.txt": "".join(f"License: {url}\n" for url in urls).encode()}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(robots_naming(f"{A}/a.xml"), [f"rsl_license 0 {A}/a.xml"], id="robots.txt"),
        pytest.param(robots_naming("/license.xml"), [], id="L06"),
        pytest.param(
            {f"{A}/": (200, RSL_LINK)}, [f"rsl_license 0 {A}/b.xml"], id="a header of the page"
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
                f"{B}/robots.txt line 2 disallows this path for tdm-audit",
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
    got = walk(HTTPS, given)
    assert got[got.index(HOME) + 1 :] == expected


@pytest.mark.usefixtures("naming")
def test_a_licence_document_that_is_named_by_a_relative_url_is_not_asked(monkeypatch):
    monkeypatch.setattr(Naming, "FAMILY", "rsl")
    monkeypatch.setattr(
        linked_documents, "_CARRIERS", {"tdmrep": (), "rsl": (Naming,), "terms": ()}
    )
    got = walk(HTTPS, naming_file("/relative", f"{A}/absolute", "ftp://a.example/"))
    assert got[len(ORDER) :] == [f"rsl_license 0 {A}/absolute"]


CONTEXT = [
    f"ads_txt 0 {A}/ads.txt",
    f"security_txt 0 {A}/.well-known/security.txt",
    f"llms_txt 0 {A}/llms.txt",
    f"ai_txt_well_known 0 {A}/.well-known/ai.txt",
]


def test_context_files_are_asked_last_and_only_where_they_are_wanted():
    assert walk(HTTPS, {}, options=PlanOptions(context=True)) == [*ORDER, *CONTEXT]
    assert walk(HTTPS, {}, options=PlanOptions()) == ORDER


def test_robots_txt_keeps_us_from_context_files_too():
    robots = {f"{A}/robots.txt": b"User-agent: *\nDisallow: /ads.txt\n"}
    got = walk(HTTPS, robots, options=PlanOptions(context=True))
    why = f"{A}/robots.txt line 2 disallows this path for tdm-audit"
    assert got[len(ORDER) :] == [f"- ads_txt 0 {A}/ads.txt withheld: {why}", *CONTEXT[1:]]


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


@settings(max_examples=150, deadline=None)
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
    """What is asked after the home page, of a site whose pages of terms link to others."""
    seen: tuple[Observation, ...] = ()
    while step := next_target(HTTPS, (), OriginHistory(seen), PlanOptions(pages=0, terms=terms)):
        if isinstance(step, Target):
            page_there = step.resource in (Resource.HOME, Resource.TERMS)
            step = answered(step, 200 if page_there else 404)
            step = replace(step, extract=page.extract(LINKING) if page_there else b"")
        seen = (*seen, step)
    return [f"{o.target.resource} {o.target.url}" for o in seen][len(ORDER) :]


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
