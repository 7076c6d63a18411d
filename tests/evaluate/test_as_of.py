"""Answers for a time in the past: each row of the table of bases, and borders of days."""

import pytest

from crawler.commands.explain import explain
from crawler.instants import instant_of
from crawler.reports.explain import as_json, as_text
from crawler.vocab import Outcome, Purpose, Resource
from tests.store.test_age import ONE, days, failed, good
from tests.store.test_history import FAILS, GPTBOT, OPEN
from tests.store.test_order import SIGNALS, db, look, store

__all__ = ["days", "db"]

TRAINING = list(Purpose).index(Purpose.GENAI_TRAIN)
BOTH = b"User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
RESERVED = b"User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n"
PERMITTED = b"User-agent: *\nContent-Usage: train-ai=y\nAllow: /\n"
EARLY, LATE = "2026-03-01T12:00:00.000Z", "2026-03-21T12:00:00.000Z"


def stored(db, *looks):
    """Store looks at a host: the time, and what robots.txt was (see `test_history.visit`)."""
    for at, robots in looks:
        status = None if robots is FAILS else robots if isinstance(robots, int) else 200
        body = robots if isinstance(robots, bytes) else b""
        store(db, look(at, status, body), started=at)


def asked(db, as_of, purpose=TRAINING, **options):
    """Return basis, state, reserved and both neighbours, of a path for which nothing was said."""
    url = options.pop("url", "https://a.test/some/page")
    given = {"agent": None, "whole_origin": False, **options}
    told = explain(db, url, SIGNALS, as_of=instant_of(as_of), **given)
    assert "as of" in "\n".join(as_text(told))
    found = as_json(told)["findings"][purpose]["as_of"]
    return tuple(
        found[name] for name in ("as_of_basis", "state", "reserved", "state_before", "state_after")
    )


TABLE = {
    "both looks show the same": (
        [(EARLY, RESERVED), (LATE, RESERVED)],
        "2026-03-10T00:00Z",
        ("seen", "reserved", True, "reserved", "reserved"),
    ),
    "both looks show nothing": (
        [(EARLY, OPEN), (LATE, OPEN)],
        "2026-03-10T00:00Z",
        ("seen", "silent", False, "silent", "silent"),
    ),
    "at the very time of a look": (
        [(EARLY, RESERVED), (LATE, OPEN)],
        EARLY,
        ("seen", "reserved", True, "reserved", "reserved"),
    ),
    "at the very time of the last look": (
        [(EARLY, RESERVED), (LATE, RESERVED)],
        LATE,
        ("seen", "reserved", True, "reserved", "reserved"),
    ),
    "one millisecond after the last look": (
        [(EARLY, RESERVED), (LATE, RESERVED)],
        "2026-03-21T12:00:00.001Z",
        ("before_only", "reserved", True, "reserved", None),
    ),
    "one millisecond before the first look": (
        [(EARLY, RESERVED), (LATE, RESERVED)],
        "2026-03-01T11:59:59.999Z",
        ("unknown_at_collection", "unknown", None, None, "reserved"),
    ),
    "at the very time of a look that failed": (
        [(EARLY, OPEN), ("2026-03-05T12:00:00.000Z", FAILS), (LATE, OPEN)],
        "2026-03-05T12:00:00.000Z",
        ("seen", "silent", False, "silent", "silent"),
    ),
    "after the last look": (
        [(EARLY, RESERVED)],
        "2026-03-10T00:00Z",
        ("before_only", "reserved", True, "reserved", None),
    ),
    "after the last look, silent": (
        [(EARLY, OPEN)],
        "2026-03-10T00:00Z",
        ("before_only", "silent", False, "silent", None),
    ),
    "began to reserve in between": (
        [(EARLY, OPEN), (LATE, RESERVED)],
        "2026-03-10T00:00Z",
        ("changed_between", "unknown", None, "silent", "reserved"),
    ),
    "reserved both times, otherwise": (
        [(EARLY, GPTBOT), (LATE, RESERVED)],
        "2026-03-10T00:00Z",
        ("changed_between", "partial", True, "partial", "reserved"),
    ),
    "reserved for more in between": (
        [(EARLY, GPTBOT), (LATE, BOTH)],
        "2026-03-10T00:00Z",
        ("changed_between", "partial", True, "partial", "partial"),
    ),
    "free both times, otherwise": (
        [(EARLY, OPEN), (LATE, PERMITTED)],
        "2026-03-10T00:00Z",
        ("changed_between", "unknown", False, "silent", "permitted"),
    ),
    "only a later look": (
        [(LATE, RESERVED)],
        "2026-03-10T00:00Z",
        ("unknown_at_collection", "unknown", None, None, "reserved"),
    ),
    "only a later look that failed": (
        [(LATE, FAILS)],
        "2026-03-10T00:00Z",
        ("unknown_at_collection", "unknown", None, None, None),
    ),
    "never looked": ([], "2026-03-10T00:00Z", ("never_asked", "unknown", None, None, None)),
    "a failed look is no event": (
        [(EARLY, OPEN), ("2026-03-05T12:00:00.000Z", FAILS), (LATE, OPEN)],
        "2026-03-10T00:00Z",
        ("seen", "silent", False, "silent", "silent"),
    ),
    "freedom ends with a refusal": (
        [(EARLY, OPEN), ("2026-03-05T12:00:00.000Z", 403)],
        "2026-03-10T00:00Z",
        ("unknown_at_collection", "unknown", None, "silent", None),
    ),
    "freedom before a refusal that came later": (
        [(EARLY, OPEN), ("2026-03-15T12:00:00.000Z", 403)],
        "2026-03-10T00:00Z",
        ("before_only", "silent", False, "silent", None),
    ),
    "a reservation outlives a refusal": (
        [(EARLY, RESERVED), ("2026-03-05T12:00:00.000Z", 403)],
        "2026-03-10T00:00Z",
        ("before_only", "reserved", True, "reserved", None),
    ),
    "a look that failed before the first one": (
        [(EARLY, FAILS), (LATE, RESERVED)],
        "2026-03-10T00:00Z",
        ("unknown_at_collection", "unknown", None, None, "reserved"),
    ),
    "a day between looks": (
        [(EARLY, RESERVED), (LATE, RESERVED)],
        "2026-03-10",
        ("seen", "reserved", True, "reserved", "reserved"),
    ),
    "the day of the first look": (
        [(EARLY, RESERVED), (LATE, RESERVED)],
        "2026-03-01",
        ("unknown_at_collection", "unknown", None, None, "reserved"),
    ),
    "the day of the last look": (
        [(EARLY, RESERVED), (LATE, RESERVED)],
        "2026-03-21",
        ("before_only", "reserved", True, "reserved", "reserved"),
    ),
    "the day of a change": (
        [(EARLY, RESERVED), (LATE, OPEN), ("2026-03-30T12:00:00.000Z", OPEN)],
        "2026-03-21",
        ("changed_between", "unknown", None, "reserved", "silent"),
    ),
    "two changes in a day": (
        [
            (EARLY, RESERVED),
            ("2026-03-21T08:00:00.000Z", OPEN),
            ("2026-03-21T20:00:00.000Z", RESERVED),
            ("2026-03-30T12:00:00.000Z", RESERVED),
        ],
        "2026-03-21",
        ("changed_between", "unknown", None, "reserved", "silent"),
    ),
    "a day that a look begins": (
        [("2026-03-21T00:00:00.000Z", RESERVED), ("2026-03-30T12:00:00.000Z", RESERVED)],
        "2026-03-21",
        ("seen", "reserved", True, "reserved", "reserved"),
    ),
    "the last moment of the day before": (
        [("2026-03-20T23:59:59.999Z", RESERVED), ("2026-03-22T00:00:00.000Z", RESERVED)],
        "2026-03-21",
        ("seen", "reserved", True, "reserved", "reserved"),
    ),
    "the last moment of the day": (
        [(EARLY, RESERVED), ("2026-03-21T23:59:59.999Z", OPEN)],
        "2026-03-21",
        ("changed_between", "unknown", None, "reserved", "silent"),
    ),
    "a zone that makes it the day before": (
        [(EARLY, RESERVED), ("2026-03-20T23:00:00.000Z", OPEN)],
        "2026-03-21T00:30+02:00",
        ("changed_between", "unknown", None, "reserved", "silent"),
    ),
    "a zone that makes it the day after": (
        [(EARLY, RESERVED), ("2026-03-20T23:00:00.000Z", OPEN)],
        "2026-03-20T23:30-02:00",
        ("before_only", "silent", False, "silent", None),
    ),
}


@pytest.mark.parametrize(("looks", "as_of", "expected"), TABLE.values(), ids=list(TABLE))
def test_the_table_of_bases(db, looks, as_of, expected):
    stored(db, *looks)
    assert asked(db, as_of) == expected


def partly(missing, **bodies):
    """Return a look at which one resource timed out."""
    hangs = {one.target.resource: one for one in failed(Outcome.TIMED_OUT)}
    looks = ((one.target.resource, one) for one in good(**bodies))
    return [hangs[resource] if resource is missing else one for resource, one in looks]


@pytest.mark.parametrize(
    "looks",
    [
        # What was known for the first time: the home page of one look, robots.txt of the next.
        {1: partly(Resource.ROBOTS_TXT), 2: partly(Resource.HOME)},
        # The reservation is gone, and the home page was not looked at.
        {1: good(tdmrep_json=ONE), 2: partly(Resource.HOME)},
    ],
    ids=["known at first", "otherwise before"],
)
def test_the_look_that_told_something_first_showed_it(days, looks):
    told = explain(
        days(looks),
        "https://a.test/some/page",
        SIGNALS,
        agent=None,
        whole_origin=False,
        as_of=instant_of("2026-11-20"),
    )
    found = as_json(told)["findings"][TRAINING]["as_of"]
    assert found["state"] == "silent"
    assert found["seen_before"] == "2026-11-02T00:00:00.000Z"
