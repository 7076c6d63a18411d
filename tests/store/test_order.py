"""Evidence in the order of its time, whenever it was stored, and what was never requested."""

from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.evaluate.snapshot import EXPECTED
from crawler.model import Observation, Origin, Target
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, transaction
from crawler.store.evidence_reader import origins_waiting, rows_of
from crawler.vocab import Outcome, Resource
from tests.store.conftest import NEW_RUN
from tests.strategies import UNTIMED

HOST = Origin(scheme="https", host="a.test", port=443, site="a.test")
RESERVES = b"User-agent: CCBot\nUser-agent: GPTBot\nDisallow: /\n"
PERMITS = b"User-agent: *\nDisallow:\n"
DATASET = evidence_writer.NewDataset(
    path="d", files=(), format="csv", url_column="url", weight_column="", rows=1, rejects=()
)
SIGNALS = rulesets.load("signals")
STATE = "SELECT genai_train, complete FROM reservations"


def day(number):
    return f"2026-{1 + number // 28:02}-{1 + number % 28:02}T00:00:00.000Z"


ALWAYS = day(0)


def seen(resource, at, status=404, body=b"", **facts):
    url = HOST.url + EXPECTED.get(resource, "/x")
    return Observation(
        target=Target(resource=resource, asked=url, url=url),
        outcome=Outcome.TIMED_OUT if status is None else Outcome.RESPONDED,
        status=status,
        body=body,
        size=len(body),
        started_at=at,
        **facts,
    )


def look(at, robots=404, body=b""):
    """A visit: robots.txt with a status and a body; everything else answers 404."""
    others = (resource for resource in EXPECTED if resource is not Resource.ROBOTS_TXT)
    return (seen(Resource.ROBOTS_TXT, at, robots, body), *(seen(r, at) for r in others))


@pytest.fixture
def db(tmp_path):
    with closing(connect(tmp_path / "audit.db", create=True)) as connection:
        ingest(connection)
        yield connection


@contextmanager
def fresh():
    """Open a database of its own, for each example of a property."""
    with (
        TemporaryDirectory() as folder,
        closing(connect(Path(folder) / "audit.db", create=True)) as db,
    ):
        ingest(db)
        yield db


def ingest(db, path="d"):
    with transaction(db):
        dataset = replace(DATASET, path=path, url_column=path)
        return evidence_writer.add_dataset(db, dataset, [("a.test", HOST, 1, None, ["/x"])], day(0))


def store(db, observations, started=ALWAYS, ended="finished", **settings):
    """Store a visit of a run of its own."""
    run = runs.begin_run(db, replace(NEW_RUN, settings=settings), started)
    with transaction(db):
        evidence_writer.save_visit(db, run, 1, observations, started)
    if ended:
        runs.end_run(db, run, ended, started)
    return run


def state(db):
    rebuild(db, chosen=SIGNALS)
    return db.execute(STATE).fetchone()


LOOKS = st.lists(
    st.tuples(st.sampled_from([200, 404, 403, None]), st.sampled_from([RESERVES, PERMITS])),
    min_size=1,
    max_size=6,
)
ANSWERS = (
    "SELECT purpose, rules, state, complete, stale, observed_at, since FROM findings ORDER BY 1, 2",
    "SELECT resource, presence, observed_at, last_at, since FROM coverage ORDER BY 1",
    "SELECT pattern_set, rules, purpose, state, observed_at FROM verdict ORDER BY 1, 2, 3",
)


def answers(db):
    return [db.execute(query).fetchall() for query in ANSWERS]


@settings(UNTIMED, max_examples=25)
@given(looks=LOOKS, data=st.data())
def test_answers_do_not_depend_on_the_order_in_which_evidence_is_stored(looks, data):
    visits = [
        look(day(n), status, body if status == 200 else b"")
        for n, (status, body) in enumerate(looks)
    ]
    told = []
    for order in (visits, data.draw(st.permutations(visits))):
        with fresh() as db:
            for visit in order:
                store(db, visit)
            rebuild(db, chosen=SIGNALS)
            told.append(answers(db))
    assert told[0] == told[1]


def test_older_evidence_that_is_stored_later_does_not_replace_newer(db):
    store(db, look(day(300), 200, RESERVES), started=day(300))
    store(db, look(day(5), 200, PERMITS), started=day(301))
    assert state(db) == ("partial", 1)


def test_a_crawl_by_a_clock_that_was_ahead_does_not_outlast_the_next(db):
    store(db, look(day(300), 200, PERMITS), started=day(300), due_at=day(300))
    assert state(db) == ("silent", 1)
    store(db, look(day(5), 200, RESERVES), started=day(5), due_at=day(5))
    assert state(db) == ("partial", 1)
    store(db, look(day(6), 200, PERMITS), started=day(6), due_at=day(6))
    assert state(db) == ("silent", 1)


def test_a_run_that_is_continued_after_another_began_is_in_the_order_of_its_time(db):
    first = store(db, (), ended=None, due_at=day(1))
    db.execute("DROP TRIGGER visit_stays")
    db.execute("DELETE FROM visit")
    store(db, look(day(2), 200, PERMITS), started=day(2), due_at=day(2))
    assert state(db) == ("silent", 1)
    with transaction(db):
        evidence_writer.save_visit(db, first, 1, look(day(3), 200, RESERVES), day(3))
    assert list(origins_waiting(db)) == [1]
    rebuild(db, chosen=SIGNALS, waiting=True)
    assert db.execute(STATE).fetchone() == ("partial", 1)
    assert list(origins_waiting(db)) == []


def test_a_304_is_read_with_what_it_confirms_whatever_their_times(db):
    store(db, look(day(9), 200, RESERVES))
    (number,) = db.execute("SELECT id FROM observation WHERE resource = 'robots_txt'").fetchone()
    store(db, look(day(8)))
    db.execute(
        "INSERT INTO run SELECT 9, started_at, NULL, NULL, command, version, versions, settings, "
        "user_agent, suffix_list, catalogue FROM run WHERE id = 1"
    )
    db.execute(
        "INSERT INTO observation SELECT 99, 9, origin, resource, asked, hop, url, outcome, 304, "
        "headers, digest, stored, size, truncated, ?, elapsed_ms, address, note, tls_version, "
        "tls_certificate, tls_verified, id FROM observation WHERE id = ?",
        (day(7), number),
    )
    first, *_ = rows_of(db, 1)
    assert (first.key, first.confirmed and first.confirmed.key) == (99, number)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param([Resource.ROBOTS_TXT], "unknown", id="robots.txt alone"),
        pytest.param([Resource.HOME], "unknown", id="a page alone"),
        pytest.param(list(EXPECTED)[:-1], "unknown", id="all but the home page"),
        pytest.param(list(EXPECTED), "silent", id="all"),
    ],
)
def test_what_was_never_requested_is_unseen(db, asked, expected):
    store(db, [seen(resource, day(1)) for resource in asked])
    assert state(db) == (expected, int(expected == "silent"))
    query = "SELECT coalesce(detail, '') FROM findings WHERE rules = 'signals/2'"
    details = {detail for (detail,) in db.execute(query)}
    assert all(("never requested" in detail) == (expected == "unknown") for detail in details)


@pytest.mark.parametrize(
    ("body", "expected"), [(RESERVES, "partial"), (b"User-agent: *\nDisallow: /\n", "refused")]
)
def test_a_reservation_needs_no_other_resource(db, body, expected):
    store(db, [seen(Resource.ROBOTS_TXT, day(1), 200, body)])
    assert state(db) == (expected, 0)


def test_a_run_may_hold_several_captures_of_a_url(db):
    captures = [
        seen(Resource.ROBOTS_TXT, day(1), 200, PERMITS),
        seen(Resource.ROBOTS_TXT, day(3), 200, RESERVES),
        seen(Resource.ROBOTS_TXT, day(2), None),
    ]
    store(db, [*captures, *look(day(1))[1:]])
    assert db.execute("SELECT count(*) FROM observations").fetchone() == (6,)
    assert state(db) == ("partial", 1)
    since = "SELECT since, observed_at FROM coverage WHERE resource = 'robots_txt'"
    assert db.execute(since).fetchone() == (day(3), day(3))


def test_equal_captures_of_one_moment_are_refused(db):
    again = [seen(Resource.ROBOTS_TXT, day(1)), seen(Resource.ROBOTS_TXT, day(1), 200, RESERVES)]
    with pytest.raises(Exception, match="stored already"):
        store(db, again)
