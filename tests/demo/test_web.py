"""The web is whole: every site says what an audit of it must find, and no two collide."""

from collections import Counter

import pytest

from crawler.demo import SITES, Site
from crawler.demo.answers import Plain, RedirectsTo
from crawler.demo.misbehaviour import NeverAnswers
from crawler.evaluate.evaluator import COVERING
from crawler.vocab import ANCESTORS, Purpose, State

EACH_SITE = pytest.mark.parametrize("site", [pytest.param(s, id=s.host) for s in SITES])
STRENGTH = list(State)
INTERNAL = {
    "http://127.0.0.2/",
    "http://127.0.0.2/admin",
    "http://169.254.169.254/latest/meta-data/",
}
FROM_REFUSED = (State.RESERVED, State.CONDITIONAL, State.PARTIAL, State.REFUSED)


def test_there_are_enough_sites_and_no_two_share_a_host() -> None:
    assert len(SITES) >= 48
    assert [host for host, n in Counter(s.host for s in SITES).items() if n > 1] == []


def test_every_state_is_expected_somewhere() -> None:
    assert {state for s in SITES for state in s.expect.values()} == set(State)


def test_silence_costs_a_timeout_so_it_is_rare() -> None:
    assert sum(isinstance(a, NeverAnswers) for s in SITES for a in s.pages.values()) <= 2


@EACH_SITE
def test_a_site_expects_a_state_for_every_purpose(site: Site) -> None:
    assert set(site.expect) == set(Purpose)
    assert all(set(states) == set(Purpose) for states in site.urls.values())


@EACH_SITE
def test_a_site_says_what_it_shows_in_one_sentence(site: Site) -> None:
    assert site.about.endswith(".")
    assert "\n" not in site.about


@EACH_SITE
def test_hosts_are_ascii_in_lower_case(site: Site) -> None:
    assert site.host == site.host.lower().encode("ascii").decode()


@pytest.mark.parametrize(
    ("purpose", "ancestor"),
    [(purpose, other) for purpose, above in ANCESTORS.items() for other in above[1:]],
)
def test_expectations_entail_downward(purpose: Purpose, ancestor: Purpose) -> None:
    """A state that reserves or refuses is never weaker for what its purpose contains."""
    decided = [site for site in SITES if site.expect[ancestor] in FROM_REFUSED]
    assert len(decided) >= 10
    assert [
        site.host
        for site in decided
        if STRENGTH.index(site.expect[purpose]) > STRENGTH.index(site.expect[ancestor])
    ] == []


@EACH_SITE
def test_what_is_incomplete_is_never_silent_or_permitted(site: Site) -> None:
    weak = {State.SILENT, State.PERMITTED} & set(site.expect.values())
    assert not (site.complete is False and weak)
    assert not (site.complete is True and State.UNKNOWN in site.expect.values())


@EACH_SITE
def test_a_conflict_needs_a_state_that_reserves(site: Site) -> None:
    assert all(site.expect[p] in FROM_REFUSED[:3] for p in site.conflict)


@EACH_SITE
def test_only_a_state_that_covers_everybody_has_exceptions(site: Site) -> None:
    assert {site.expect[purpose] for purpose in site.exceptions} <= COVERING


@EACH_SITE
def test_what_is_malformed_is_not_reserved_as_a_whole(site: Site) -> None:
    assert {State.RESERVED, State.CONDITIONAL}.isdisjoint(site.expect[p] for p in site.malformed)


def _elsewhere(site: Site) -> list[str]:
    answers = (*site.pages.values(), site.otherwise)
    urls = [a.url for a in answers if isinstance(a, RedirectsTo)]
    return [url for url in urls if url.startswith("http://")]


# `star-refused.demo.test` refuses all robots, so what it would answer is never asked for.
FOLLOWED = {
    url
    for s in SITES
    for url in _elsewhere(s)
    if url not in INTERNAL and not url.startswith("http://star-refused.demo.test/")
}


@pytest.mark.parametrize("url", sorted(FOLLOWED))
def test_redirects_to_another_host_arrive(url: str) -> None:
    """One that leads nowhere by mistake would show another rule than it says."""
    host, _, path = url.removeprefix("http://").partition("/")
    target = next(s for s in SITES if s.host == host).answer(f"/{path}")
    assert isinstance(target, Plain)
    assert target.status in ((200, 404) if host == "www.example.org" else (200,))


def test_redirects_to_internal_addresses_are_there() -> None:
    assert {url for s in SITES for url in _elsewhere(s)} >= INTERNAL


@pytest.mark.parametrize(
    ("host", "hops"),
    [
        pytest.param("five-hops.demo.test", 5, id="R44 exactly five"),
        pytest.param("six-hops.demo.test", 6, id="R44 one more"),
    ],
)
def test_chains_have_the_length_they_say(host: str, hops: int) -> None:
    site = next(s for s in SITES if s.host == host)
    path, count = "/robots.txt", 0
    while isinstance(answer := site.answer(path), RedirectsTo):
        path, count = answer.url, count + 1
    assert count == hops
    assert path == "http://shared-policy.demo.test/robots.txt"


def test_the_oversized_file_says_two_things_500_kib_apart() -> None:
    answer = next(s for s in SITES if s.host == "oversized.demo.test").answer("/robots.txt")
    assert isinstance(answer, Plain)
    assert answer.body.index(b"User-agent: GPTBot") == 0
    assert answer.body.index(b"User-agent: *") > 500 * 1024
    assert len(answer.body) < 1024 * 1024
