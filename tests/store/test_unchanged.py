"""Derived rows that moved on with a visit that found nothing else are those of a rebuild."""

from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.commands.judge import rebuild
from crawler.model import RevalidatedResponse
from crawler.store import derived, unchanged
from crawler.store.database import transaction
from crawler.store.verification import copy_of
from crawler.vocab import Resource
from tests.store.test_order import PERMITS, RESERVES, SIGNALS, day, fresh, look, seen, store
from tests.strategies import UNTIMED

TDMREP = b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "/policy.json"}]'


def visit(n, robots=(200, PERMITS), tdmrep=(404, b""), home=404, link=(), minutes=0):
    """A visit of a day: answers of robots.txt, tdmrep.json and the home page."""
    at = day(n).replace("T00:00", f"T00:{minutes:02}")
    found = {o.target.resource: o for o in look(at, robots[0], robots[1])}
    found[Resource.TDMREP_JSON] = seen(Resource.TDMREP_JSON, day(n), tdmrep[0], tdmrep[1])
    found[Resource.HOME] = seen(Resource.HOME, day(n), home, headers=link)
    return tuple(found.values())


def differences(db):
    """Return how the derived rows differ from those of a rebuild."""
    with copy_of(db) as rebuilt:
        rebuild(rebuilt, chosen=SIGNALS)
        return list(derived.compare(rebuilt, db))


HEADER = (("TDM-Reservation", "1"),)
VISITS = st.fixed_dictionaries(
    {
        "robots": st.sampled_from(
            [(200, PERMITS), (200, PERMITS), (200, RESERVES), (404, b""), (403, b""), (None, b"")]
        ),
        "tdmrep": st.sampled_from([(404, b""), (404, b""), (200, TDMREP), (None, b"")]),
        "home": st.sampled_from([404, 404, 200, 503]),
        "link": st.sampled_from([(), (), HEADER]),
        "minutes": st.sampled_from([0, 0, 1]),
    }
)


@settings(UNTIMED, max_examples=40)
@given(visits=st.lists(st.tuples(VISITS, st.integers(1, 3)), min_size=1, max_size=4))
def test_judging_after_each_visit_gives_what_a_rebuild_gives(visits):
    with fresh() as db:
        n = 0
        for facts, times in visits:
            for _ in range(times):
                n += 1
                store(db, visit(n, **facts), started=day(n))
                rebuild(db, chosen=SIGNALS, waiting=True)
        assert differences(db) == []


@pytest.mark.parametrize(
    ("first", "second", "moves"),
    [
        ({}, {}, True),
        ({"robots": (200, RESERVES)}, {"robots": (200, RESERVES)}, True),
        ({"home": 200, "link": HEADER}, {"home": 200, "link": HEADER}, True),
        ({}, {"robots": (200, RESERVES)}, False),
        ({"home": 200}, {"home": 200, "link": HEADER}, False),
        ({"robots": (None, b"")}, {"robots": (None, b"")}, False),
        ({}, {"tdmrep": (None, b"")}, False),
        ({"tdmrep": (200, TDMREP)}, {"tdmrep": (404, b"")}, False),
    ],
    ids=[
        "nothing", "a reservation", "a header", "robots.txt changed", "a header more",
        "no answer both times", "a file failed", "a file is gone",
    ],
)  # fmt: skip
def test_only_a_visit_that_found_nothing_else_moves_what_is_derived(first, second, moves):
    with fresh() as db:
        for n, facts in enumerate((first, second), start=1):
            store(db, visit(n, **facts), started=day(n))
            if n == 1:
                rebuild(db, chosen=SIGNALS)
        with transaction(db):
            assert unchanged.move_on(db, 1) is moves
        if moves:
            assert differences(db) == []


def test_a_304_that_confirms_the_visit_before_moves_and_one_that_confirms_another_does_not():
    with fresh() as db:
        numbers = []
        for n in range(1, 5):
            first = visit(n, tdmrep=(200, TDMREP))
            confirmed = {2: 0, 3: 1, 4: 0}.get(n)
            if confirmed is not None:
                confirms = RevalidatedResponse(observation=numbers[confirmed])
                first = tuple(
                    replace(o, status=304, confirms=confirms, headers=(), size=0)
                    if o.target.resource is Resource.TDMREP_JSON
                    else o
                    for o in first
                )
            store(db, first, started=day(n))
            query = "SELECT max(id) FROM observation WHERE resource = 'tdmrep_json'"
            numbers.append(db.execute(query).fetchone()[0])
            if n == 1:
                rebuild(db, chosen=SIGNALS)
            else:
                with transaction(db):
                    assert unchanged.move_on(db, 1) is (n < 4)
            if n < 4:
                assert differences(db) == []
        rebuild(db, chosen=SIGNALS, waiting=True)
        assert differences(db) == []


def test_an_origin_with_two_new_visits_is_evaluated():
    with fresh() as db:
        store(db, visit(1), started=day(1))
        rebuild(db, chosen=SIGNALS)
        for n in (2, 3):
            store(db, visit(n), started=day(n))
        with transaction(db):
            assert not unchanged.move_on(db, 1)
        rebuild(db, chosen=SIGNALS, waiting=True)
        assert differences(db) == []
        with closing(db.execute("SELECT visits FROM evaluated_visit")) as cursor:
            assert cursor.fetchone() == (3,)
