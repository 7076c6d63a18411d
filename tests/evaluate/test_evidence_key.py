"""Keys of evidence: equal where every verdict is equal, and different or none otherwise."""

from dataclasses import replace

import pytest

from crawler.evaluate.evidence_key import evidence_key
from crawler.evaluate.records import LastFailure
from tests.sample_origins import MISSING, NOTHING, Answer, html, origin

ROBOTS = "User-agent: GPTBot\nDisallow: /a\nSitemap: https://h.example/sitemap.xml\n"
RSL = (
    "<rsl xmlns='https://rslstandard.org/rsl'><content url='{}'><license>"
    "<prohibits type='usage'>ai-train</prohibits></license></content></rsl>"
)
SAYING = html("", ("tdm-reservation", "1"))
KEY = evidence_key(origin(ROBOTS))


def key(*given, **more):
    return evidence_key(origin(*given, **more))


def failed(resources, days, *, is_refusal=False):
    first, *others = resources
    failure = LastFailure(is_refusal=is_refusal, days=days, why="timed out")
    return evidence_key((first._replace(last_failure=failure), *others))


EQUAL = {
    "again": key(ROBOTS),
    "another sitemap": key(ROBOTS.replace("sitemap.xml", "other.xml")),
    "a page with another title": key(ROBOTS, home=html("<title>words</title>")),
    "other times": evidence_key(
        tuple(e._replace(observed_at="2027-01-01T00:00:00.000Z") for e in origin(ROBOTS))
    ),
}
OTHER = {
    "another rule": key("User-agent: GPTBot\nDisallow: /b\n"),
    "no rule": key("User-agent: *\nDisallow:\n"),
    "a rule of another file": key(ROBOTS, ai="User-Agent: *\nDisallow: /\n"),
    "a field of the home page": key(ROBOTS, home=SAYING),
    "not there": key(MISSING),
    "not seen": key(NOTHING),
    "not seen for another reason": key(Answer(status=500)),
    "a file that nobody can read": key(ROBOTS, tdmrep="words"),
    "a page more": key(ROBOTS, pages={"/p": html()}),
    "failed since": failed(origin(ROBOTS), 3.2),
    "failed for longer": failed(origin(ROBOTS), 31.0),
    "failed for a little longer": failed(origin(ROBOTS), 31.1),
    "refused since": failed(origin(ROBOTS), 3.2, is_refusal=True),
}


@pytest.mark.parametrize("other", EQUAL.values(), ids=EQUAL)
def test_what_no_verdict_depends_on_is_in_no_key(other):
    assert other == KEY


def test_what_verdicts_depend_on_makes_another_key():
    assert len({KEY, *OTHER.values()}) == len(OTHER) + 1
    assert None not in OTHER.values()


def test_which_pages_say_nothing_matters_only_beside_pages_that_speak():
    assert key(pages={"/p": html()}) == key(pages={"/other": html()})
    assert key(pages={"/p": SAYING}) != key(pages={"/other": SAYING})
    spoken = {"/s": SAYING}
    assert key(pages={"/p": html(), **spoken}) != key(pages={"/other": html(), **spoken})
    assert key(pages={"/p": NOTHING}) != key(pages={"/other": NOTHING})
    # Such a path stands for all that match no pattern (`url_verdicts.probe_path`).
    assert key(pages={"/q": html()}) != key(pages={"/p": html()})


def test_an_origin_whose_urls_matter_has_no_key():
    assert key(ROBOTS, licences={"https://h.example/rsl.xml": Answer(body="<rsl/>")}) is None
    script = f'<script type="application/rsl+xml">{RSL.format("https://h.example/")}</script>'
    assert key(ROBOTS, home=html(script)) is None
    assert evidence_key(()) is None


def test_a_reading_without_its_source_has_no_key():
    resources = origin(ROBOTS)
    robots = resources[0]
    readings = tuple((p, k, replace(reading, source="")) for p, k, reading in robots.readings)
    assert evidence_key((robots._replace(readings=readings), *resources[1:])) is None
