"""Options about a time in the past: `--as-of` and `--max-distance`."""

import math
from collections.abc import Callable
from typing import Any

import click

from crawler.instants import DAY_MS, Instant, instant_of


class InstantType(click.ParamType[Instant]):
    """A day (`2026-11-22`), or a time (`2026-11-22T05:30Z`, `2026-11-22T05:30+02:00`).

    Without a zone both are in UTC.
    """

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Instant:
        """Return the day or time; wrong usage is what is neither."""
        found = value if isinstance(value, Instant) else instant_of(str(value))
        if found is None:
            self.fail(
                f"{value!r} is no day and no time; write 2026-11-22 or 2026-11-22T05:30Z",
                param,
                ctx,
            )
        return found


class _Days(click.FloatRange):
    """A number of days, up to a hundred years."""

    name = "days"

    def __init__(self) -> None:
        super().__init__(0, 36_500)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; wrong usage is also what is no number."""
        days = float(super().convert(value, param, ctx))
        if math.isnan(days):
            self.fail(f"{value!r} is no number of days", param, ctx)
        return days


def as_of_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as-of`."""
    return click.option(
        "--as-of",
        type=InstantType(),
        metavar="DATE|TIME",
        help="Answer for this day or time (UTC), from the looks before and after it.",
    )(command)


def max_distance_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--max-distance`."""
    return click.option(
        "--max-distance",
        type=_Days(),
        metavar="DAYS",
        help="Unknown where the last look was more days before, and none after it shows anything.",
    )(command)


def as_of_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as-of` and `--max-distance`."""
    return as_of_option(max_distance_option(command))


def in_milliseconds(days: float | None) -> int | None:
    """Return days as milliseconds."""
    return None if days is None else round(days * DAY_MS)


def require_as_of(max_distance: float | None, *times: object) -> None:
    """Raise wrong usage for a distance where there is no time that it is counted from."""
    if max_distance is not None and all(time is None for time in times):
        raise click.UsageError("--max-distance needs a time that it is counted from")
