"""How many sampled pages are requested until the share that reserves is known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.intervals import wilson
from crawler.model import Target
from crawler.plan.history import OriginHistory
from crawler.plan.planner import PlanOptions, next_target
from crawler.vocab import Resource
from tests.plan.test_planner import HTTPS, answered
from tests.strategies import UNTIMED

RESERVES = ("tdm-reservation", "1")


def pages(samples, says, most=100):
    """Visit an origin; return status and fields of each sampled page that was requested."""
    history, asked = OriginHistory(), []
    options = PlanOptions(pages=most, adaptive_pages=True)
    while step := next_target(HTTPS, samples, history, options):
        if isinstance(step, Target):
            answer = (404,)
            if step.resource is Resource.PAGE:
                answer = says(len(asked))
                asked.append(answer)
            step = answered(step, answer[0], *answer[1:])
        history.add(step)
    return asked


SAMPLES = tuple(f"/{n}" for n in range(200))


@pytest.mark.parametrize("fields", [(), (RESERVES,)])
def test_where_all_pages_agree_sixteen_are_requested(fields):
    assert len(pages(SAMPLES, lambda _n: (200, *fields))) == 16


def test_where_half_of_the_pages_reserve_it_takes_93():
    assert len(pages(SAMPLES, lambda n: (200, *[RESERVES][: n % 2]))) == 93


def test_no_more_pages_are_requested_than_there_are_or_than_is_allowed():
    assert len(pages(SAMPLES[:5], lambda _n: (200,))) == 5
    assert len(pages(SAMPLES, lambda n: (200, *[RESERVES][: n % 2]), most=30)) == 30


def test_pages_that_were_not_seen_tell_nothing():
    found = pages(SAMPLES, lambda n: (200,) if n % 2 else (404, RESERVES))
    assert len(found) == 32


def test_a_statement_that_does_not_count_or_permits_is_no_reservation():
    says = [("tdm-reservation", "0"), ("tdm-reservation", "yes"), ("x-robots-tag", "noindex")]
    assert len(pages(SAMPLES, lambda n: (200, says[n % 3]))) == 16


@settings(UNTIMED, max_examples=40)
@given(st.lists(st.sampled_from([(200,), (200, RESERVES), (500,), (404,)]), max_size=60))
def test_the_share_is_known_or_all_pages_were_requested(answers):
    found = pages(SAMPLES[: len(answers)], lambda n: answers[n], most=50)
    seen = [answer for answer in found if answer[0] == 200]
    width = wilson(seen.count((200, RESERVES)), len(seen)).width
    assert width <= 0.2 or len(found) == min(50, len(answers))
    assert found == answers[: len(found)]
