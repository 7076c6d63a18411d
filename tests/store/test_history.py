"""History: phases by effect, changes with their kind, and the same whenever it is derived."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.commands.judge import rebuild
from crawler.evaluate.history import history_of
from tests.store.test_order import SIGNALS, day, db, fresh, look, store
from tests.strategies import UNTIMED

__all__ = ["db"]

GPTBOT = b"User-agent: GPTBot\nDisallow: /\n"
ALIKE = [
    GPTBOT,
    b"# we reserve\nUser-agent: GPTBot\nDisallow: /\n",
    b"\xef\xbb\xbfuser-agent: gptbot\r\ndisallow: /\r\n",
    b"USER-AGENT: GPTBOT\n\n\nDISALLOW: / # no\n",
    b"User-agent: Bingbot\nAllow: /\n\nUser-agent: GPTBot\nDisallow: /\n",
]
BOTH = b"User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
SWAPPED = b"User-agent: CCBot\nDisallow: /\n\nUser-agent: GPTBot\nDisallow: /\n"
ALL = b"User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n"
OPEN = b"User-agent: *\nDisallow:\n"
CLOSED = b"User-agent: *\nDisallow: /\n"
FAILS = None

OF_TRAINING = "WHERE rules = 'signals/2' AND purpose = 'genai_train'"
PHASES = f"""
    SELECT state, substr(not_before, 1, 10), substr(valid_from, 1, 10), substr(valid_to, 1, 10),
        substr(gone_by, 1, 10), looks, missed
    FROM history {OF_TRAINING} ORDER BY valid_from
"""
CHANGES = f"""
    SELECT kind, was, became, substr(last_seen, 1, 10), substr(first_seen, 1, 10)
    FROM changes {OF_TRAINING} ORDER BY first_seen
"""


def visit(n, robots):
    """A visit on a day: with a robots.txt, without one (404), or where nothing answers."""
    if robots is FAILS:
        return look(day(n), None)
    if isinstance(robots, int):
        return look(day(n), robots)
    return look(day(n), 200, robots)


def live(db, told):
    for n, robots in enumerate(told):
        store(db, visit(n, robots), started=day(n))
    rebuild(db, chosen=SIGNALS)


def d(n):
    return day(n)[:10]


YEAR = {
    "never changed": ([OPEN] * 12, [("silent", None, d(0), d(11), None, 12, 0)], []),
    "re-ordered, re-cased and commented": (
        [ALIKE[n % len(ALIKE)] for n in range(12)],
        [("partial", None, d(0), d(11), None, 12, 0)],
        [],
    ),
    "another agent beside": (
        [GPTBOT, GPTBOT, BOTH, SWAPPED],
        [
            ("partial", None, d(0), d(1), d(2), 2, 0),
            ("partial", d(1), d(2), d(3), None, 2, 0),
        ],
        [("scope", "partial", "partial", d(1), d(2))],
    ),
    "began and stopped": (
        [OPEN, GPTBOT, GPTBOT, 404],
        [
            ("silent", None, d(0), d(0), d(1), 1, 0),
            ("partial", d(0), d(1), d(2), d(3), 2, 0),
            ("silent", d(2), d(3), d(3), None, 1, 0),
        ],
        [
            ("began", "silent", "partial", d(0), d(1)),
            ("stopped", "partial", "silent", d(2), d(3)),
        ],
    ),
    "stricter and looser": (
        [GPTBOT, ALL, GPTBOT],
        [
            ("partial", None, d(0), d(0), d(1), 1, 0),
            ("reserved", d(0), d(1), d(1), d(2), 1, 0),
            ("partial", d(1), d(2), d(2), None, 1, 0),
        ],
        [
            ("stricter", "partial", "reserved", d(0), d(1)),
            ("looser", "reserved", "partial", d(1), d(2)),
        ],
    ),
    "three timeouts between": (
        [GPTBOT, FAILS, FAILS, FAILS, GPTBOT],
        [("partial", None, d(0), d(4), None, 2, 3)],
        [],
    ),
    "silent, turned away, silent": (
        [OPEN, 403, 403, OPEN],
        [("silent", None, d(0), d(3), None, 2, 2)],
        [],
    ),
    "unknown between leaves the interval open": (
        [OPEN, 403, 403, GPTBOT],
        [
            ("silent", None, d(0), d(0), d(3), 1, 2),
            ("partial", d(0), d(3), d(3), None, 1, 0),
        ],
        [("began", "silent", "partial", d(0), d(3))],
    ),
    "unknown at last": (
        [GPTBOT, OPEN, 403],
        [
            ("partial", None, d(0), d(0), d(1), 1, 0),
            ("silent", d(0), d(1), d(1), None, 1, 1),
        ],
        [("stopped", "partial", "silent", d(0), d(1))],
    ),
    "unknown at first": (
        [FAILS, FAILS, GPTBOT],
        [
            ("unknown", None, d(0), d(1), d(2), 2, 0),
            ("partial", None, d(2), d(2), None, 1, 0),
        ],
        [],
    ),
    "never known": ([FAILS, FAILS], [("unknown", None, d(0), d(1), None, 2, 0)], []),
    "refused and let in": (
        [CLOSED, OPEN],
        [
            ("refused", None, d(0), d(0), d(1), 1, 0),
            ("silent", d(0), d(1), d(1), None, 1, 0),
        ],
        [("looser", "refused", "silent", d(0), d(1))],
    ),
}


@pytest.mark.parametrize(("told", "phases", "changes"), YEAR.values(), ids=YEAR)
def test_history_of_training(db, told, phases, changes):
    live(db, told)
    assert db.execute(PHASES).fetchall() == phases
    assert db.execute(CHANGES).fetchall() == changes


def test_what_was_added_and_removed_is_said_in_terms(db):
    live(db, [GPTBOT, BOTH, SWAPPED.replace(b"GPTBot", b"ClaudeBot")])
    query = f"SELECT added, removed FROM changes {OF_TRAINING} ORDER BY first_seen"
    said = [
        [sorted(term[2] for term in json.loads(terms)) for terms in row]
        for row in db.execute(query)
    ]
    assert said == [[["ccbot"], []], [["claudebot"], ["gptbot"]]]


def test_changes_cite_the_observations_that_showed_them(db):
    live(db, [OPEN, GPTBOT, BOTH])
    query = f"""
        SELECT c.run, before.run, o.resource, before.resource, o.observed_at = c.first_seen,
            before.observed_at = c.last_seen
        FROM changes AS c JOIN observations AS o USING (observation)
        JOIN observations AS before ON before.observation = c.observation_before
        {OF_TRAINING} ORDER BY first_seen
    """
    assert db.execute(query).fetchall() == [
        (run, run - 1, "robots_txt", "robots_txt", 1, 1) for run in (2, 3)
    ]


def test_an_origin_that_never_changed_is_one_row(db):
    live(db, ALIKE)
    assert db.execute("SELECT count(*) FROM steady").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM phase").fetchone() == (0,)
    purposes = "SELECT count(*), count(DISTINCT purpose || rules) FROM history"
    assert db.execute(purposes).fetchone() == (15, 15)


TOLD = st.lists(
    st.sampled_from([*ALIKE, BOTH, SWAPPED, ALL, OPEN, CLOSED, FAILS, 404, 403]),
    min_size=1,
    max_size=6,
)
BY_CONTENT = (
    "SELECT origin, purpose, rules, state, effect, not_before, valid_from, valid_to, gone_by, "
    "looks, missed FROM history ORDER BY 2, 3, 7",
    "SELECT origin, rows, purpose, rules, kind, was, became, last_seen, first_seen, added, removed "
    "FROM changes ORDER BY 3, 4, 9",
)


@settings(UNTIMED, max_examples=20)
@given(told=TOLD, data=st.data())
def test_history_is_the_same_after_each_run_at_the_end_and_in_any_order(told, data):
    visits = [visit(n, robots) for n, robots in enumerate(told)]
    shuffled = data.draw(st.permutations(visits))
    found = []
    for order, each in ((visits, True), (visits, False), (shuffled, True), (shuffled, False)):
        with fresh() as db:
            for observations in order:
                store(db, observations)
                if each:
                    rebuild(db, chosen=SIGNALS, waiting=True)
            rebuild(db, chosen=SIGNALS, waiting=each)
            found.append([db.execute(query).fetchall() for query in BY_CONTENT])
    assert found[1:] == found[:1] * 3


@settings(UNTIMED, max_examples=20)
@given(told=TOLD)
def test_a_phase_has_the_state_that_was_found_at_each_of_its_looks(told):
    with fresh() as db:
        found = {}
        for n, robots in enumerate(told):
            store(db, visit(n, robots))
            rebuild(db, chosen=SIGNALS)
            query = "SELECT purpose, rules, state FROM findings"
            found |= {(p, r, day(n)): s for p, r, s in db.execute(query)}
        spans = db.execute("SELECT purpose, rules, state, valid_from, valid_to FROM history")
        for purpose, rules, state, begin, end in spans:
            assert found[purpose, rules, begin] == found[purpose, rules, end] == state
            states = {
                s
                for (p, r, at), s in found.items()
                if (p, r) == (purpose, rules) and begin <= at <= end
            }
            assert states - {"unknown"} == {state} - {"unknown"}


def test_several_captures_of_one_run_are_looks_of_their_own(db):
    captures = [observation for n in range(4) for observation in visit(n, [OPEN, GPTBOT][n // 2])]
    store(db, captures)
    rebuild(db, chosen=SIGNALS)
    # Only the first day showed all that silence rests on; a reservation rests on its own evidence.
    assert db.execute(PHASES).fetchall()[-2:] == [
        ("silent", None, d(0), d(0), d(2), 1, 0),
        ("partial", d(0), d(2), d(3), None, 2, 0),
    ]


def test_an_origin_without_evidence_has_no_history():
    nothing = (None, None)
    assert history_of([], lambda _rows: nothing, nothing) is None
