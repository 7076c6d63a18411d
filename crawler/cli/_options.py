"""Shared by commands: options, parameter types, exit statuses, and errors as messages."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._group import did_you_mean
from crawler.cli._output import fail, output, say, say_findings, say_json, warn
from crawler.errors import UserError

if TYPE_CHECKING:
    from crawler.fetch.options import FetchOptions

__all__ = [
    "CONDITION_HOLDS",
    "FAILED",
    "STOPPED",
    "Duration",
    "Share",
    "Size",
    "Token",
    "agent_option",
    "as_written_option",
    "dataset_options",
    "db_option",
    "did_you_mean",
    "exit_on_error",
    "fail",
    "fetch_options",
    "keep_contacts_option",
    "make_fetch_options",
    "output",
    "output_options",
    "refuse_misspelt",
    "rules_option",
    "say",
    "say_findings",
    "say_json",
    "warn",
    "warn_if_unknown",
]

#: Exit statuses. `errors.UserError.status` has those of errors; 3 is that of a database in use.
FAILED, STOPPED, CONDITION_HOLDS = 1, 4, 5

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


class Token(click.ParamType[str]):
    """A product token, as written after `User-agent:` in robots.txt (RFC 9309, 2.2.1)."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the token without white space around it; `*` is wrong usage."""
        token = str(value).strip()
        if not token or token == "*" or not token.isprintable():
            self.fail(f"{value!r} is no product token; write one, e.g. CCBot", param, ctx)
        return token


def agent_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--agent`, and `--agent-as-written` for tokens that look like a misspelt one."""
    command = as_written_option(command)
    return click.option(
        "--agent",
        type=Token(),
        metavar="TOKEN",
        callback=refuse_misspelt,
        help="Evaluate for this user agent, e.g. CCBot.",
    )(command)


def as_written_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--agent-as-written`, which `refuse_misspelt` heeds."""
    return click.option(
        "--agent-as-written",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_remember_as_written,
        help="Accept a token that is close to that of another agent in the catalogue.",
    )(command)


_AS_WRITTEN = "tdm-audit.agent-as-written"


def _remember_as_written(context: click.Context, _param: click.Parameter, value: bool) -> None:
    context.meta[_AS_WRITTEN] = value


def refuse_misspelt(
    context: click.Context, param: click.Parameter, agent: str | None
) -> str | None:
    """Return the agent; one that is probably a misspelt one of the catalogue is wrong usage."""
    from crawler import agents

    if agent is None or context.meta.get(_AS_WRITTEN) or agents.find(agent) is not None:
        return agent
    meant = _similar(agent)
    if meant is not None:
        raise click.BadParameter(
            f"the catalogue of agents has no {agent!r}; is {meant} meant? --agent-as-written "
            "evaluates for the token that you wrote",
            context,
            param,
        )
    return agent


def _similar(token: str) -> str | None:
    """Return the token of the catalogue that an unknown one probably means."""
    from crawler import agents

    # The version of `name/version` is no part of a token.
    known = filter(None, (agents.suggest(token), *map(agents.find, agents.token_forms(token))))
    return next((agent.token for agent in known), None)


def warn_if_unknown(agent: str | None) -> None:
    """Warn on standard error about an agent that is not in the catalogue; it is used as written."""
    from crawler import agents

    if agent is None or agents.find(agent) is not None or _similar(agent) is not None:
        return
    warn(f"the catalogue of agents has no {agent!r}")


def db_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db`."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("output/audit.db"),
        show_default=True,
        help="The audit database.",
    )(command)


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for reading a dataset."""
    command = click.option(
        "--memory-limit",
        default="1GB",
        show_default=True,
        help="Memory for reading the dataset; the rest is spilled to disk.",
    )(command)
    return click.option(
        "--url-column",
        multiple=True,
        metavar="[ROLE=]PATH",
        help="Column with the URLs (url, meta.url, images[].url), found by names and values if not "
        "given; repeatable with roles: page=page_url, asset=image_url.",
    )(command)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--progress`, `--quiet` and `--json`."""
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")(
        command
    )
    command = click.option("--quiet", is_flag=True, help="Print nothing but errors.")(command)
    return click.option(
        "--progress/--no-progress",
        default=None,
        help="Show a progress bar; by default on a terminal only.",
    )(command)


def rules_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--rules` of a command that reads a database."""
    return click.option(
        "--rules",
        metavar="NAME-OR-FILE",
        help="Rule set: signals, inclusive, strict, or a .toml file (docs/rules.md).  "
        "[default: the current one of the database; signals for a new one]",
    )(command)


def keep_contacts_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--keep-contacts`, which stores personal data about parties."""
    return click.option(
        "--keep-contacts",
        is_flag=True,
        help="Also store names, e-mail addresses and telephone numbers of persons; never exported.",
    )(command)


_FETCH_OPTIONS = (
    click.option(
        "--delay",
        type=Duration(),
        default="1s",
        show_default=True,
        help="Time between two requests to a host.",
    ),
    click.option(
        "--timeout",
        type=Duration(),
        default="15s",
        show_default=True,
        help="Total timeout of a request.",
    ),
    click.option(
        "--contact",
        default="",
        metavar="URL-OR-MAIL",
        help="Your web page or mail address; sent in the User-Agent.",
    ),
    click.option(
        "--connect-to",
        multiple=True,
        metavar="HOST1:PORT1:HOST2:PORT2",
        help="Connect to another host and port, as with curl; repeatable.",
    ),
    click.option(
        "--allow-network",
        multiple=True,
        metavar="CIDR",
        help="Allow requests to this network though it is not public; repeatable.",
    ),
)


def fetch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that sends requests."""
    for option in reversed(_FETCH_OPTIONS):
        command = option(command)
    return command


# Parameters of commands that are fields of `FetchOptions`.
_FETCH_FIELDS = (
    "concurrency",
    "delay",
    "timeout",
    "pages",
    "contact",
    "connect_to",
    "allow_network",
    "time_budget",
    "full_every",
    "policy_files_always",
    "context",
    "media",
    "terms",
    "origin_time",
    "origin_cpu",
    "origin_bytes",
)


def make_fetch_options(options: dict[str, Any]) -> "FetchOptions":
    """Return `FetchOptions` from the parameters of a command; a wrong value is wrong usage."""
    from crawler.fetch.options import FetchOptions

    chosen = {name: options[name] for name in _FETCH_FIELDS if name in options}
    try:
        return FetchOptions(connect_timeout=min(5.0, options["timeout"]), **chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn `UserError` into a message of one sentence and an exit status."""
    try:
        yield
    except UserError as error:
        fail(error, error.status)
