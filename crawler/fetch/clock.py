"""The clock, in one place: nothing below `fetch` may look at one."""

from datetime import UTC, datetime


def stamp() -> str:
    """Now in UTC with milliseconds, `2026-11-22T02:20:00.123Z`."""
    now = datetime.now(UTC)  # noqa: TID251 - an observation says when it was made
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
