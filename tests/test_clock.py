"""The clock: it goes as the machine's, moved by a variable that is for tests only."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from crawler import clock


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    clock._shift.cache_clear()
    monkeypatch.delenv(clock.VARIABLE, raising=False)


def test_the_clock_is_the_machines_unless_it_is_moved():
    before, now, after = clock._machine_time(), clock.now(), clock._machine_time()
    assert before <= now <= after
    assert now.tzinfo is UTC


BEGIN = datetime(2027, 1, 31, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    ["2027-01-31T02:30Z", "2027-01-31T02:30", "2027-01-31 03:30+01:00", "20270131T023000Z"],
)
def test_a_time_is_where_the_clock_begins_and_it_runs_on(monkeypatch, value):
    machine = [datetime(2026, 12, 1, tzinfo=UTC)]
    monkeypatch.setattr(clock, "_machine_time", lambda: machine[0])
    monkeypatch.setenv(clock.VARIABLE, value)
    assert clock.now() == BEGIN
    machine[0] += timedelta(seconds=90)
    assert clock.now() == BEGIN + timedelta(seconds=90)
    # What is started now goes on with the same clock.
    assert os.environ[clock.VARIABLE].startswith("+")
    clock._shift.cache_clear()
    assert clock.now() == BEGIN + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("value", "days"), [("+86400", 1), ("-86400.0", -1), ("+0", 0), ("+34560000", 400)]
)
def test_seconds_move_the_clock(monkeypatch, value, days):
    monkeypatch.setattr(clock, "_machine_time", lambda: BEGIN)
    monkeypatch.setenv(clock.VARIABLE, value)
    assert clock.now() == BEGIN + timedelta(days=days)


@pytest.mark.parametrize("value", ["soon", "2026-13-01", "+", "+nan", "-1e300", "+1e12", "30d"])
def test_what_is_no_time_is_refused(monkeypatch, value):
    monkeypatch.setenv(clock.VARIABLE, value)
    with pytest.raises(clock.ClockError, match="is no time; write 2026-12-01T02:30Z"):
        clock.stamp()


def test_stamps_sort_as_times_do(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: BEGIN)
    assert clock.stamp() == "2027-01-31T02:30:00.000Z"
    assert clock.stamp(ago=0.25) == "2027-01-31T02:29:59.750Z"
    assert clock.stamp(ago=86400) < clock.stamp(ago=1) < clock.stamp()


def test_a_process_that_is_started_has_the_same_clock(monkeypatch):
    monkeypatch.setenv(clock.VARIABLE, "2027-01-31T02:30Z")
    begun = clock.stamp()
    code = "from crawler import clock; print(clock.stamp())"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert begun < text.stdout.strip() < "2027-01-31T03:30"
