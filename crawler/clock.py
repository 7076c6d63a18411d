"""The clock: the only module that reads the date and time.

`TDM_AUDIT_NOW` moves it, for tests only. The value is an ISO 8601 time at which the clock begins
and runs on (`2026-12-01T02:30Z`; UTC if it names no zone), or a number of seconds by which it
differs from the time of the machine (`+86400`). It moves everything that a command dates: runs,
observations, `--max-age` and `--full-every`. It moves no timeout and no delay.

Rules for editors: ask for the time here, and call `now` through this module where a test may
replace it. The core (`model`, `protocols`, `plan`, `evaluate`) gets times as arguments.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from crawler.errors import UserError

#: The environment variable that moves the clock; for tests only.
VARIABLE = "TDM_AUDIT_NOW"


class ClockError(UserError):
    """`TDM_AUDIT_NOW` is no time."""


def now() -> datetime:
    """Return the current time in UTC. Raises `ClockError`."""
    return _machine_time() + _shift(os.environ.get(VARIABLE, ""))


def stamp(ago: float = 0) -> str:
    """Return the time in UTC as text with milliseconds, `2026-11-22T02:20:00.123Z`.

    `ago` is how many seconds before now. Such texts sort as the times do. Raises `ClockError`.
    """
    time = now() - timedelta(seconds=ago)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _machine_time() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - an observation says when it was made


@lru_cache(maxsize=8)
def _shift(value: str) -> timedelta:
    """Return by how much the clock differs from the machine's, for a value of the variable."""
    if not value:
        return timedelta()
    try:
        if value[0] in "+-":
            shift = timedelta(seconds=float(value))
        else:
            begin = datetime.fromisoformat(value)
            shift = (begin if begin.tzinfo else begin.replace(tzinfo=UTC)) - _machine_time()
        _machine_time() + shift  # raises if no such time can be written
    except (ValueError, OverflowError) as error:
        raise ClockError(
            f"{VARIABLE}={value!r} is no time; write 2026-12-01T02:30Z, or +86400 for seconds"
        ) from error
    # Processes that this one starts later get the same clock, not one that begins again.
    os.environ[VARIABLE] = value if value[0] in "+-" else f"{shift.total_seconds():+f}"
    return shift
