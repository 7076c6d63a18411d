"""Flags for the time of each row: the same from SQL, from the reference and from `explain`."""

from contextlib import closing
from dataclasses import replace
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import rulesets
from crawler.commands.explain import explain
from crawler.errors import UserError
from crawler.evaluate.pieces import Piece
from crawler.evaluate.url_verdicts import strictest
from crawler.flags import Flagger
from crawler.flags.as_of import AsOfOptions, number_of, piece_of
from crawler.instants import DAY_MS, Instant, milliseconds, text_of, whole_day
from crawler.reports.as_of import distance_days
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, transaction
from crawler.urls import canonical
from crawler.vocab import Outcome, Purpose
from tests import strategies as files
from tests.flags.test_flagger import HOSTS, NEW_RUN, URLS, VISITS, _stored, _visit
from tests.strategies import UNTIMED

BEGIN = milliseconds("2026-03-01T00:00:00.000Z")
#: Hours at which hosts are looked at and rows are collected: borders of days are among them.
HOURS = st.sampled_from([0, 1, 23, 24, 25, 36, 47, 48, 60, 72, 96, 120])
LOOKS = st.lists(
    st.tuples(HOURS, st.sampled_from([0, 0, 1, 1, 403]), VISITS), min_size=0, max_size=4
)
#: Mostly URLs of the host that is looked at.
ROW_URLS = st.one_of(
    URLS,
    st.builds("https://h.example{}".format, files.PATHS),
    st.builds("{}{}".format, st.sampled_from(("h.example", "HTTPS://h.example")), files.PATHS),
)
INSTANTS = st.one_of(
    st.none(),
    st.builds(lambda h: Instant(BEGIN + h * 3_600_000, BEGIN + h * 3_600_000), HOURS),
    st.builds(lambda d: whole_day(BEGIN + d * DAY_MS), st.integers(-1, 6)),
)


def visited(db, looks):
    """Look at the first host at some times: to see what it says, or to be turned away."""
    origin = canonical.origin_of(f"https://{HOSTS[0]}/")
    number = dict(db.execute("SELECT key, id FROM origin"))[canonical.origin_key(origin)]
    said = None
    for hours, kind, new in looks:
        at = text_of(BEGIN + hours * 3_600_000)
        said = new if kind == 1 or said is None else said
        seen = [replace(o, started_at=at) for o in _visit(origin.url, said)]
        if kind == 403:
            seen = [replace(o, status=403, body=b"", extract=b"", size=0) for o in seen[:1]] + [
                replace(o, outcome=Outcome.TIMED_OUT, status=None, body=b"", extract=b"", size=0)
                for o in seen[1:]
            ]
        run = runs.begin_run(db, NEW_RUN, at)
        with transaction(db):
            evidence_writer.save_visit(db, run, number, seen, at)


def explained(db, url, rules, purposes, agent, instant, max_distance):
    """Return what `explain --as-of` says of a URL: the strictest answer, and its distance."""
    told = explain(
        db,
        url,
        rules,
        agent=agent,
        whole_origin=False,
        as_of=instant,
        max_distance=max_distance,
    )
    by_purpose = {answer.purpose: answer for answer in told.as_of.answers}
    answer = strictest(by_purpose[purpose] for purpose in purposes)
    return answer, distance_days(instant, answer)


@given(
    looks=LOOKS,
    rows=st.lists(st.tuples(ROW_URLS, INSTANTS), min_size=4, max_size=12),
    purposes=st.sampled_from([(Purpose.GENAI_TRAIN,), (Purpose.TDM, Purpose.SEARCH)]),
    agent=st.sampled_from([None, "GPTBot", "Nobody"]),
    rules=st.sampled_from(["signals", "inclusive", "strict"]),
    days=st.sampled_from([None, 0, 1, 2]),
)
@settings(UNTIMED, max_examples=20)
def test_flags_are_what_explain_says_of_that_time(looks, rows, purposes, agent, rules, days):
    options = AsOfOptions(None if days is None else days * DAY_MS)
    rules = rulesets.load(rules)
    with TemporaryDirectory() as folder, closing(connect(f"{folder}/a.db", create=True)) as db:
        _stored(db, [])
        visited(db, looks)
        urls, instants = [url for url, _ in rows], [instant for _, instant in rows]
        with Flagger(db, rules, purposes, agent, as_of=options) as flagger:
            table = flagger.flag(urls, instants)
            for row, (url, instant) in zip(table.to_pylist(), rows, strict=True):
                *values, as_of, distance = row.values()
                expected = flagger.verdict_at(url, instant)
                assert tuple(values) == (*expected.verdict, *expected[1:])
                assert as_of == (None if instant is None else str(instant))
                if instant is None:
                    assert (expected.as_of_basis, expected.reserved) == ("no_date", None)
                    continue
                try:
                    told = explained(db, url, rules, purposes, agent, instant, options.max_distance)
                except UserError:
                    assert expected.as_of_basis == "never_asked"
                    continue
                if told[0].as_of_basis == "never_asked":
                    assert expected.as_of_basis == "never_asked"
                else:
                    assert (expected, distance) == told


@given(
    st.integers(1, (1 << 27) - 1),
    st.integers(0, 16_000),
    st.integers(-16, 239),
    st.integers(0, 16_000),
)
def test_pieces_are_known_by_their_number(origin, before, within, expired):
    piece = Piece(before, before + within, expired)
    assert number_of(origin, piece) < 1 << 63
    assert piece_of(number_of(origin, piece)) == (origin, piece)
