"""States at a time in the past by SQL, over the stored history: what `explain --as-of` says."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.commands.explain import explain
from crawler.commands.judge import rebuild
from crawler.evaluate.as_of import Timeline
from crawler.flags.as_of import AsOfEvaluator, AsOfOptions, number_of
from crawler.instants import DAY_MS, Instant, milliseconds, text_of, whole_day
from crawler.store import runs
from crawler.store.as_of import HISTORY, HISTORY_COLUMNS, choose_instant
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import find_origin
from crawler.vocab import Purpose
from tests.store.test_history import ALL, BOTH, CLOSED, FAILS, GPTBOT, OPEN, live
from tests.store.test_order import SIGNALS, day, db, fresh, look, store
from tests.strategies import UNTIMED

__all__ = ["db"]

BEGIN = milliseconds("2026-03-01T00:00:00.000Z")
HOURS = [0, 1, 12, 23, 24, 36, 47, 48, 60, 72, 96]
TOLD = st.sampled_from([OPEN, OPEN, GPTBOT, BOTH, ALL, CLOSED, FAILS, 403, 404])
LOOKS = st.dictionaries(st.sampled_from(HOURS), TOLD, max_size=5)
INSTANTS = st.one_of(
    st.sampled_from(HOURS).map(lambda h: Instant(BEGIN + h * 3_600_000, BEGIN + h * 3_600_000)),
    st.integers(-1, 5).map(lambda d: whole_day(BEGIN + d * DAY_MS)),
)


@given(looks=LOOKS, instant=INSTANTS, days=st.sampled_from([None, 0, 1]))
@settings(UNTIMED, max_examples=30)
def test_states_by_sql_are_those_of_explain(looks, instant, days):
    with fresh() as db:
        for hours, robots in sorted(looks.items()):
            at = text_of(BEGIN + hours * 3_600_000)
            status = None if robots is FAILS else robots if isinstance(robots, int) else 200
            body = robots if isinstance(robots, bytes) else b""
            store(db, look(at, status, body), started=at)
        rebuild(db, chosen=SIGNALS)
        choose_instant(db, instant, days)
        names = ", ".join(HISTORY_COLUMNS)
        rows = db.execute(
            f"SELECT {names} FROM {HISTORY} WHERE rules = ? ORDER BY "
            "(SELECT rank FROM purpose WHERE name = purpose)",
            (SIGNALS.label,),
        ).fetchall()
        found = [dict(zip(HISTORY_COLUMNS, row, strict=True)) for row in rows]
        told = explain(
            db,
            "a.test",
            SIGNALS,
            agent=None,
            whole_origin=True,
            as_of=instant,
            max_distance=None if days is None else days * DAY_MS,
        )
        assert bool(found) == bool(looks)
        for row, answer in zip(found, told.as_of.answers, strict=False):
            assert row["purpose"] == answer.purpose
            expected = (answer.as_of_basis, answer.state, answer.reserved, answer.state_before)
            reserved = None if row["reserved"] is None else bool(row["reserved"])
            seen = (row["as_of_basis"], row["state"], reserved, row["state_before"])
            assert seen == expected, (row, answer)


MINUTE = 60_000
# Times of the three files of a look, in minutes from its hour: all at once, or one after the other.
SPREAD = st.sampled_from([(0, 0, 0), (0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 0, 50)])
MOMENTS = st.tuples(st.sampled_from(HOURS), st.integers(-1, 3), st.sampled_from([-1, 0, 1]))


def spread(at, spans, status, body):
    """A look whose observations are one after the other."""
    times = [text_of(at + minutes * MINUTE) for minutes in spans]
    seen = look(text_of(at), status, body)
    return [replace(o, started_at=times[n % len(times)]) for n, o in enumerate(seen)]


def stored(db, looks, spans):
    """Store looks, each as a run that lasted as long as it; return the times of observations."""
    found = set()
    for hours, robots in sorted(looks.items()):
        status = None if robots is FAILS else robots if isinstance(robots, int) else 200
        body = robots if isinstance(robots, bytes) else b""
        observations = spread(BEGIN + hours * 3_600_000, spans, status, body)
        times = sorted(o.started_at for o in observations)
        run = store(db, observations, started=times[0], ended=None)
        runs.end_run(db, run, "finished", times[-1])
        found |= set(times)
    rebuild(db, chosen=SIGNALS)
    return found


def told_by_explain(db, instant):
    found = explain(db, "a.test", SIGNALS, agent=None, whole_origin=True, as_of=instant)
    return [(a.as_of_basis, a.state, a.reserved, a.state_before) for a in found.as_of.answers]


def told_by_sql(db, instant):
    """Return what `report` and `export` say, and leave the connection as it was."""
    with closing(connect_copy(db)) as copy:
        choose_instant(copy, instant, None)
        rows = copy.execute(
            f"SELECT as_of_basis, state, reserved, state_before FROM {HISTORY} WHERE rules = ? "
            "ORDER BY (SELECT rank FROM purpose WHERE name = purpose)",
            (SIGNALS.label,),
        )
        return [
            (basis, state, None if reserved is None else bool(reserved), before)
            for basis, state, reserved, before in rows
        ]


def connect_copy(db):
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    return copy


def told_by_flags(db, instants):
    evaluator = AsOfEvaluator(db, SIGNALS, tuple(Purpose), None, AsOfOptions())
    (origin,) = [number for number, _ in [find_origin(db, "a.test")]]
    line = Timeline(snapshot_reader(db).rows_of(origin), snapshot_reader(db).snapshot_of, None, ())
    for days in (False, True):
        pieces = list(evaluator.pieces(days=days))
        for instant in (i for i in instants if i.is_day is days):
            number = [n for _, n, since in pieces if since <= instant.first][-1]
            assert number == number_of(origin, line.piece(instant)), instant


@given(looks=LOOKS, spans=SPREAD, moments=st.lists(MOMENTS, min_size=1, max_size=4))
@settings(UNTIMED, max_examples=25)
def test_what_is_observed_at_a_time_is_seen_at_that_time_everywhere(looks, spans, moments):
    with fresh() as db:
        times = stored(db, looks, spans)
        instants = [Instant(at, at) for at in map(milliseconds, times)]
        for hours, minutes, more in moments:
            at = BEGIN + hours * 3_600_000 + minutes * MINUTE + more
            instants += [Instant(at, at), whole_day(at - at % DAY_MS)]
        for instant in instants:
            by_explain = told_by_explain(db, instant)
            assert told_by_sql(db, instant) in (by_explain, []), instant
            if str(instant) in times and not any(looks[h] in (FAILS, 403) for h in looks):
                assert {basis for basis, *_ in by_explain} == {"seen"}, instant
        if looks:
            told_by_flags(db, instants)


@pytest.mark.parametrize(
    ("told", "since", "not_before"),
    [
        ([GPTBOT, GPTBOT], 0, None),
        ([OPEN, GPTBOT, BOTH, ALL], 1, 0),
        ([GPTBOT, OPEN, OPEN, BOTH, FAILS], 3, 2),
        ([FAILS, GPTBOT, BOTH], 1, None),
        ([GPTBOT, OPEN], None, None),
        ([OPEN, OPEN], None, None),
    ],
)
def test_since_when_a_holder_reserves(db, told, since, not_before):
    live(db, told)
    expected = tuple(None if n is None else day(n) for n in (since, not_before))
    assert db.execute("SELECT since, not_before FROM rights_holders").fetchall() == [expected]
