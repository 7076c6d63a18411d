"""States at a time in the past by SQL, over the stored history: what `explain --as-of` says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.commands.explain import explain
from crawler.commands.judge import rebuild
from crawler.instants import DAY_MS, Instant, milliseconds, text_of, whole_day
from crawler.store.as_of import HISTORY, HISTORY_COLUMNS, choose_instant
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
