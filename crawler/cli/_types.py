"""Parameter types of commands: durations, sizes, shares, numbers of pages, product tokens."""

import re
from typing import Any

import click

from crawler.remote import is_remote, scheme_of, shown_name

#: The word for as many sampled pages as it takes to know the share that reserves.
ADAPTIVE = "adaptive"
_MAX_PAGES = 20
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_UNITS)})", re.ASCII)
_MAX_DURATION_S = 36500 * 86400
_SIZES = {
    "b": 1,
    **{f"{prefix}b": 1000**n for n, prefix in enumerate("kmgt", 1)},
    **{f"{prefix}ib": 1024**n for n, prefix in enumerate("kmgt", 1)},
}
_SIZE = re.compile(rf"(\d+(?:\.\d+)?)\s?({'|'.join(_SIZES)})", re.ASCII | re.IGNORECASE)
_MAX_SIZE = 10**15
_WRITE = "write 50ms, 90s, 15m, 24h, 7d or 1w"


class Duration(click.ParamType[float]):
    """A duration in seconds, written as `50ms`, `90s`, `15m`, `24h`, `7d` or `1w`; `0` is none."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the value in seconds; wrong usage is what is negative or has no unit."""
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip()
        if re.fullmatch(r"0+(?:\.0+)?", text):
            return 0.0
        match = _DURATION.fullmatch(text)
        if match is None:
            self.fail(f"{value!r} {_fault(text, 'duration')}; {_WRITE}", param, ctx)
        seconds = float(match[1]) * _UNITS[match[2]]
        if seconds > _MAX_DURATION_S:
            self.fail(f"{value!r} is more than a hundred years", param, ctx)
        return seconds


class Digest(click.ParamType[str]):
    """A SHA-256 in hexadecimal digits."""

    name = "digest"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the digits in lower case; wrong usage is any other text."""
        text = str(value).strip().lower()
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            self.fail(f"{value!r} is no digest of 64 hexadecimal digits", param, ctx)
        return text


def _fault(text: str, kind: str) -> str:
    """Return what is wrong with a text that is no duration, or none of another kind."""
    if text.startswith("-"):
        return "is negative"
    return "has no unit" if text.replace(".", "").isdecimal() else f"is no {kind}"


class Size(click.ParamType[int]):
    """A size in octets, written as `500KB`, `64MB`, `1GB`, `64MiB`; `0` is none."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the value in octets; wrong usage is what is negative or has no unit."""
        text = str(value).strip()
        if isinstance(value, int) or re.fullmatch(r"0+", text):
            return int(value)
        match = _SIZE.fullmatch(text)
        if match is None:
            self.fail(f"{value!r} {_fault(text, 'size')}; write 500KB, 64MB or 1GB", param, ctx)
        octets = float(match[1]) * _SIZES[match[2].lower()]
        if octets > _MAX_SIZE:
            self.fail(f"{value!r} is more than a million gigabytes", param, ctx)
        return int(octets)


class Share(click.ParamType[float]):
    """A share, written as `50%` or `0.5`."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the value as a number from 0 to 1."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(\s*%)?", str(value).strip(), re.ASCII)
        share = float(match[1]) / (100 if match[2] else 1) if match else -1
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is no share; write 50% or 0.5", param, ctx)
        return share


class PageNumber(click.ParamType["int | str"]):
    """A number of sampled pages, or the word `adaptive`."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return the number, or the word."""
        if value == ADAPTIVE:
            return ADAPTIVE
        if not str(value).isdecimal() or int(value) > _MAX_PAGES:
            self.fail(
                f"{value!r} is neither a number from 0 to {_MAX_PAGES} nor {ADAPTIVE!r}", param, ctx
            )
        return int(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what `--help` shows."""
        del param, ctx
        return f"[0-{_MAX_PAGES}|{ADAPTIVE}]"


class Token(click.ParamType[str]):
    """A product token, as written after `User-agent:` in robots.txt (RFC 9309, 2.2.1)."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the token without white space around it; `*` is wrong usage."""
        token = str(value).strip()
        if not token or token == "*" or not token.isprintable():
            self.fail(f"{value!r} is no product token; write one, e.g. CCBot", param, ctx)
        return token


class PartRange(click.ParamType[range]):
    """Numbers of parts, written as `17` or `17-24`."""

    name = "parts"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        """Return the numbers."""
        match = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", str(value).strip(), re.ASCII)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            self.fail(f"{value!r} names no parts; write 17 or 17-24", param, ctx)
        return range(int(match[1]), int(match[2] or match[1]) + 1)


class Engine(click.ParamType[str]):
    """A place where parts are worked on: `local`, `ray`, `ray://HOST:PORT` or `ray:ADDRESS`."""

    name = "engine"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text; wrong usage is any other."""
        text = str(value).strip()
        if text not in ("local", "ray") and not re.fullmatch(r"ray:(?://)?[^\s/]+", text):
            self.fail(
                f"{value!r} is no place to work; write local, ray, ray://HOST:PORT or ray:ADDRESS",
                param,
                ctx,
            )
        return text


class AuditPlace(click.Path):
    """A path of an audit, or the URL of the folder of an audit in parts, which stays text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path or the URL; credentials and queries in a URL are wrong usage."""
        if not isinstance(value, str) or not is_remote(value):
            return super().convert(value, param, ctx)
        scheme, place = scheme_of(value), value.partition("://")[2].rstrip("/")
        if re.search(r"^[^/]*@|[?#*\[]", place):
            self.fail(
                f"{shown_name(value).partition('?')[0]} is not just a bucket and a folder; "
                "credentials come from the environment, and patterns name no audit",
                param,
                ctx,
            )
        return f"{scheme}://{place}"
