"""The clock: the only place below `fetch` that reads the date and time."""

from datetime import UTC, datetime


def stamp() -> str:
    """Return the current time in UTC with milliseconds, `2026-11-22T02:20:00.123Z`."""
    now = datetime.now(UTC)  # noqa: TID251 - an observation says when it was made
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
