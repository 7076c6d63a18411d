"""Times that can be asked about: a time to the millisecond, or a whole day in UTC.

Texts of times are as the database writes them, `2026-11-22T02:20:00.123Z`, and sort as times do.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

DAY_MS = 86_400_000
#: The first and the last millisecond that can be asked about: those of the years 1 and 9999.
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR, _SIXTY = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
#: Texts that are days, and texts that are times, with a zone behind them or without. DuckDB reads
#: the same expressions.
DAY = r"\d{4}-\d\d-\d\d"
COMPACT_DAY = r"\d{8}"
COMPACT_TIME = r"\d{14}"
TIME = rf"\d{{4}}-\d\d-\d\d[Tt ]{_HOUR}:{_SIXTY}(?::{_SIXTY}(?:\.\d{{1,9}})?)?"
ZONE = rf"(?:[Zz]| UTC|[+-]{_HOUR}(?::?{_SIXTY})?)"


class Instant(NamedTuple):
    """A time, or a whole day: the milliseconds since 1970 of its first and last moment."""

    first: int
    last: int

    @property
    def is_day(self) -> bool:
        """Return whether it is a whole day."""
        return self.last > self.first

    @property
    def number(self) -> int:
        """Return one number for it; see `from_number`."""
        return self.first * 2 + self.is_day

    def __str__(self) -> str:
        """Return the day, or the time as the database writes it."""
        text = text_of(self.first)
        return text[:10] if self.is_day else text


def from_number(number: int) -> Instant:
    """Return the instant with a `number`: twice its first millisecond, and one more for a day."""
    first = number >> 1
    return whole_day(first) if number & 1 else Instant(first, first)


def whole_day(first: int) -> Instant:
    """Return the day that begins with a millisecond."""
    return Instant(first, first + DAY_MS - 1)


def milliseconds(time: str) -> int:
    """Return the milliseconds since 1970 of a time as the database writes it."""
    return (datetime.fromisoformat(time) - _EPOCH) // timedelta(milliseconds=1)


def text_of(first: int) -> str:
    """Return a time as the database writes it."""
    time = _EPOCH + timedelta(milliseconds=first)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_of(text: str) -> Instant | None:
    """Return the day or time that a text is for certain; None for any other text.

    Days are `2024-05-01` and `20240501`. Times are those of ISO 8601 with hyphens and colons, and
    the 14 digits of Common Crawl. A time without a zone is in UTC, and so is a day.
    """
    text = text.strip(" \t\r\n")
    try:
        if re.fullmatch(DAY, text, re.ASCII):
            return _day(date.fromisoformat(text))
        if re.fullmatch(COMPACT_DAY, text, re.ASCII):
            return _day(date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}"))
        if re.fullmatch(COMPACT_TIME, text, re.ASCII):
            return _time(datetime.strptime(text, "%Y%m%d%H%M%S"))  # noqa: DTZ007 - in UTC
        if re.fullmatch(rf"{TIME}{ZONE}?", text, re.ASCII):
            return _time(datetime.fromisoformat(text.replace(" UTC", "Z").upper()))
    except (ValueError, OverflowError):
        pass
    return None


def _day(day: date) -> Instant:
    return whole_day((day - _EPOCH.date()).days * DAY_MS)


def _time(time: datetime) -> Instant:
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    first = (zoned - _EPOCH) // timedelta(milliseconds=1)
    if not FIRST_MS <= first <= LAST_MS:
        raise OverflowError
    return Instant(first, first)
