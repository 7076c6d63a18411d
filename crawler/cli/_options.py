"""What commands share: options, exit statuses, and how they fail."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from crawler.errors import UserError

if TYPE_CHECKING:
    from crawler.fetch.options import FetchOptions

FAILED, BUSY, STOPPED, FOUND = 1, 3, 4, 5


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[float]):
    """`90s`, `15m`, `24h`, `7d`, or seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The value in seconds."""
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
    """A product token, as robots.txt would write it."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The token without white space around it."""
        token = str(value).strip()
        if not token or token == "*" or not token.isprintable():
            self.fail(f"{value!r} is no product token; write one, e.g. CCBot", param, ctx)
        return token


def agent_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Whom the signals are read for."""
    return click.option(
        "--agent", type=Token(), metavar="TOKEN", help="As this agent would be told, e.g. CCBot."
    )(command)


def warn_of_unknown(agent: str | None) -> None:
    """Say on standard error that the catalogue does not know an agent; it is judged as written."""
    from crawler import agents

    if agent is None or agents.find(agent) is not None:
        return
    meant = agents.near(agent)
    hint = f"; is {meant.token} meant?" if meant else ""
    click.echo(f"tdm-audit: the catalogue of agents has no {agent!r}{hint}", err=True)


def db_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The database."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("output/audit.db"),
        show_default=True,
        help="The audit database.",
    )(command)


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a dataset is read."""
    command = click.option(
        "--memory-limit",
        default="1GB",
        show_default=True,
        help="For reading the dataset; what does not fit goes to disk.",
    )(command)
    return click.option(
        "--url-column", metavar="NAME", help="Column with the URLs; found by name if not given."
    )(command)


def quiet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How much is said."""
    command = click.option("--json", "as_json", is_flag=True, help="Print data, not tables.")(
        command
    )
    command = click.option("--quiet", is_flag=True, help="Print nothing but errors.")(command)
    return click.option(
        "--progress/--no-progress",
        default=None,
        help="A progress bar; by default on a terminal only.",
    )(command)


def rules_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The rule set."""
    return click.option(
        "--rules",
        metavar="NAME-OR-FILE",
        help="Rule set: signals, inclusive, strict, or a .toml file of your own (docs/rules.md). "
        "[default: the one the database shows, signals at first]",
    )(command)


def keep_contacts_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Personal data about parties."""
    return click.option(
        "--keep-contacts",
        is_flag=True,
        help="Store names, mailboxes and telephones of persons too; no export has them.",
    )(command)


_FETCH_CHOICES = (
    click.option(
        "--delay",
        type=Duration(),
        default="1s",
        show_default=True,
        help="Between two requests to a host.",
    ),
    click.option(
        "--timeout",
        type=Duration(),
        default="15s",
        show_default=True,
        help="For one request, all in all.",
    ),
    click.option(
        "--contact",
        default="",
        metavar="URL-OR-MAIL",
        help="Who you are; goes into the User-Agent.",
    ),
    click.option(
        "--connect-to",
        multiple=True,
        metavar="HOST1:PORT1:HOST2:PORT2",
        help="Connect elsewhere, as curl does; repeatable.",
    ),
    click.option(
        "--allow-network",
        multiple=True,
        metavar="CIDR",
        help="Allow addresses that are not public; repeatable.",
    ),
)


def fetch_choices(command: Callable[..., Any]) -> Callable[..., Any]:
    """How to ask, for every command that asks."""
    for option in reversed(_FETCH_CHOICES):
        command = option(command)
    return command


_FETCH = (
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


def fetch_options(given: dict[str, Any]) -> "FetchOptions":
    """What a command was given, as options; what cannot be meant is wrong usage."""
    from crawler.fetch.options import FetchOptions

    chosen = {name: given[name] for name in _FETCH if name in given}
    try:
        return FetchOptions(connect_timeout=min(5.0, given["timeout"]), **chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def fail(message: object, status: int) -> NoReturn:
    """Say it on standard error, and exit."""
    click.echo(f"tdm-audit: {message}", err=True)
    sys.exit(status)


@contextmanager
def errors() -> Iterator[None]:
    """What may go wrong in the world, as one sentence and an exit status."""
    try:
        yield
    except UserError as error:
        fail(error, error.status)
