"""Texts that are days or times for certain: the reference, and SQL that must agree with it."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dataset.dates import create_macros
from crawler.instants import DAY_MS, Instant, from_number, instant_of, milliseconds, text_of

MAY = milliseconds("2024-05-01T00:00:00.000Z")
NOON = MAY + 43_200_000
READ = {
    "2024-05-01": Instant(MAY, MAY + DAY_MS - 1),
    " 2024-05-01\n": Instant(MAY, MAY + DAY_MS - 1),
    "20240501": Instant(MAY, MAY + DAY_MS - 1),
    "20240501120000": Instant(NOON, NOON),
    "2024-05-01T12:00": Instant(NOON, NOON),
    "2024-05-01 12:00:00": Instant(NOON, NOON),
    "2024-05-01t12:00:00z": Instant(NOON, NOON),
    "2024-05-01 12:00:00 UTC": Instant(NOON, NOON),
    "2024-05-01T12:00:00.123999999Z": Instant(NOON + 123, NOON + 123),
    "2024-05-01T14:00:00+02:00": Instant(NOON, NOON),
    "2024-05-01T14:00:00+0200": Instant(NOON, NOON),
    "2024-05-01 14:00:00+02": Instant(NOON, NOON),
    "2024-04-30T23:30:00-12:30": Instant(NOON, NOON),
    "2024-02-29": instant_of("20240229"),
}
REFUSED = [
    *("", "2024", "2024-05", "202405", "yesterday", "01.05.2024", "2024/05/01", "2024-5-1"),
    *("2023-02-29", "20230229", "2024-13-01", "20241301", "2024-05-01T24:00", "2024-05-01T12"),
    *("2024-05-01T23:59:60Z", "20240501126060", "1714564800", "0000-01-01", "00000101"),
    *("2024-05-01T12:00:00 Europe/Berlin", "2024-05-01+02:00", "٢٠٢٤-٠٥-٠١", "infinity", "epoch"),
    *("0001-01-01T00:00+05:00", "9999-12-31T23:00-05:00", "2024-05-01 (BC)", "2024-05-01T12:00+24"),
]


@pytest.fixture(scope="module")
def sql():
    with duckdb.connect() as duck:
        create_macros(duck)
        yield lambda text: duck.execute("SELECT instant_number(?::VARCHAR)", [text]).fetchone()[0]


@pytest.mark.parametrize("text", READ)
def test_texts_that_are_days_or_times(text, sql):
    assert instant_of(text) == READ[text]
    assert sql(text) == READ[text].number


@pytest.mark.parametrize("text", REFUSED)
def test_other_texts_are_neither(text, sql):
    assert instant_of(text) is None
    assert sql(text) is None


PARTS = st.sampled_from(
    (
        "2024",
        "-05",
        "-01",
        "05",
        "T",
        " ",
        "12",
        ":00",
        ":59",
        ".5",
        "Z",
        "+02",
        "-23:59",
        "0000",
        "9",
    )
)


@given(st.lists(PARTS, max_size=10).map("".join) | st.text(max_size=12))
def test_sql_reads_what_the_reference_reads(sql, text):
    found = instant_of(text)
    assert sql(text) == (found and found.number)


@given(st.datetimes().map(lambda t: t.isoformat(timespec="milliseconds") + "Z"))
def test_times_are_written_as_they_are_read(text):
    instant = instant_of(text)
    assert from_number(instant.number) == instant
    assert text_of(instant.first) == str(instant) == text
    assert str(instant_of(text[:10])) == text[:10]
