"""Shared by commands: options, parameter types, exit statuses, and errors as messages."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from crawler.errors import UserError

if TYPE_CHECKING:
    from crawler.fetch.options import FetchOptions

#: Exit statuses. `errors.UserError.status` has those of errors; 3 is that of a database in use.
FAILED, STOPPED, CONDITION_HOLDS = 1, 4, 5

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[float]):
    """A duration in seconds, written as `90s`, `15m`, `24h`, `7d`, or a number of seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the value in seconds; a negative one is wrong usage."""
        if isinstance(value, int | float):
            return float(value)
        number, unit = (value[:-1], value[-1:]) if value[-1:] in _UNITS else (value, "s")
        try:
            seconds = float(number) * _UNITS[unit]
        except ValueError:
            self.fail(f"{value!r} is no duration; write 90s, 15m, 24h or 7d", param, ctx)
        if seconds < 0:
            self.fail(f"{value!r} is negative", param, ctx)
        return seconds


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
    """Add `--agent`."""
    return click.option(
        "--agent", type=Token(), metavar="TOKEN", help="Evaluate for this user agent, e.g. CCBot."
    )(command)


def warn_if_unknown(agent: str | None) -> None:
    """Warn on standard error about an agent that is not in the catalogue; it is used as written."""
    from crawler import agents

    if agent is None or agents.find(agent) is not None:
        return
    similar = agents.suggest(agent)
    hint = f"; is {similar.token} meant?" if similar else ""
    click.echo(f"tdm-audit: the catalogue of agents has no {agent!r}{hint}", err=True)


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
        "--url-column", metavar="NAME", help="Column with the URLs; found by its name if not given."
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
        help="Your page or address; sent in the User-Agent.",
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
    "policy_files_always",
    "context",
    "media",
    "terms",
)


def make_fetch_options(options: dict[str, Any]) -> "FetchOptions":
    """Return `FetchOptions` from the parameters of a command; a wrong value is wrong usage."""
    from crawler.fetch.options import FetchOptions

    chosen = {name: options[name] for name in _FETCH_FIELDS if name in options}
    try:
        return FetchOptions(connect_timeout=min(5.0, options["timeout"]), **chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def fail(message: object, status: int) -> NoReturn:
    """Print a message on standard error and exit with a status."""
    click.echo(f"tdm-audit: {message}", err=True)
    sys.exit(status)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn `UserError` into a message of one sentence and an exit status."""
    try:
        yield
    except UserError as error:
        fail(error, error.status)
