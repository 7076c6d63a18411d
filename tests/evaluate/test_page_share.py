"""The share of sampled pages that reserve, of findings that are `partial` by pages."""

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.evaluate.records import PageShare
from crawler.intervals import wilson
from crawler.vocab import Purpose, State
from tests.sample_origins import MISSING, NOTHING, findings, html, origin
from tests.strategies import UNTIMED

RESERVES, PERMITS, SILENT = (
    html("", *f) for f in ([("tdm-reservation", "1")], [("tdm-reservation", "0")], [])
)


def share(pages, home=SILENT, robots=MISSING, **question):
    found = findings(origin(robots=robots, home=home, pages=pages), **question)
    return found[Purpose.TDM].state, found[Purpose.TDM].share


def test_sampled_pages_that_reserve_are_counted_among_those_seen():
    pages = {"/a": RESERVES, "/b": SILENT, "/c": PERMITS, "/d": NOTHING, "/e": MISSING}
    assert share(pages) == (State.PARTIAL, PageShare(1, 3))


def test_the_home_page_is_no_sample():
    assert share({"/a": SILENT}, home=RESERVES) == (State.PARTIAL, PageShare(0, 1))


def test_a_part_that_is_no_page_has_no_share():
    state, found = share({"/a": SILENT}, robots="User-agent: GPTBot\nDisallow: /\n")
    assert found is None
    assert state is State.SILENT
    found = findings(origin(robots="User-agent: GPTBot\nDisallow: /\n"))[Purpose.GENAI_TRAIN]
    assert (found.state, found.share) == (State.PARTIAL, None)


def test_a_state_for_everything_has_no_share():
    pages = {"/a": RESERVES}
    whole = findings(origin(tdmrep='[{"location": "/", "tdm-reservation": 1}]', pages=pages))
    assert (whole[Purpose.TDM].state, whole[Purpose.TDM].share) == (State.RESERVED, None)


def test_a_page_that_was_requested_has_its_own_answer_and_others_the_share():
    pages = {"/a": RESERVES, "/b": SILENT}
    assert share(pages, path="/a") == (State.RESERVED, None)
    assert share(pages, path="/b") == (State.SILENT, None)
    assert share(pages, path="/z") == (State.PARTIAL, PageShare(1, 2))


@settings(UNTIMED, max_examples=40)
@given(st.lists(st.sampled_from((RESERVES, PERMITS, SILENT, NOTHING)), min_size=1, max_size=8))
def test_the_share_is_that_of_the_pages(answers):
    state, found = share({f"/{n}": answer for n, answer in enumerate(answers)})
    reserving = answers.count(RESERVES)
    if reserving:
        seen = len(answers) - answers.count(NOTHING)
        assert (state, found) == (State.PARTIAL, PageShare(reserving, seen))
        assert found.interval == wilson(reserving, seen)
    else:
        assert found is None
