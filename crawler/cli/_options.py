"""Shared by commands: options, parameter types, exit statuses, and errors as messages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._group import did_you_mean
from crawler.cli._output import fail, output, say, say_findings, say_json, warn
from crawler.cli._types import ADAPTIVE, AuditPlace, Duration, PageNumber, Share, Size, Token
from crawler.errors import UserError

if TYPE_CHECKING:
    from crawler.fetch.options import FetchOptions

__all__ = [
    "ADAPTIVE",
    "CONDITION_HOLDS",
    "FAILED",
    "STOPPED",
    "Duration",
    "PageNumber",
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
    meant = agents.meant_by(agent)
    if meant is not None:
        raise click.BadParameter(
            f"the catalogue of agents has no {agent!r}; is {meant} meant? --agent-as-written "
            "evaluates for the token that you wrote",
            context,
            param,
        )
    return agent


def warn_if_unknown(agent: str | None) -> None:
    """Warn on standard error about an agent that is not in the catalogue; it is used as written."""
    from crawler import agents

    if agent is None or agents.find(agent) is not None or agents.meant_by(agent) is not None:
        return
    warn(f"the catalogue of agents has no {agent!r}")


# Commands that write into a database, and so not into one of the parts, which are never changed.
_WRITING = frozenset(("adopt", "forget", "prune", "redact", "stamp", "hold"))


def _refuse_folder(context: click.Context, param: click.Parameter, db: Path | str) -> Path:
    """Return the database; a folder is wrong usage, and of an audit in parts it is said why."""
    from crawler.store.database import PLAN_FILE

    if isinstance(db, Path) and not db.is_dir():
        return db
    if isinstance(db, Path) and not (db / PLAN_FILE).exists():
        raise click.BadParameter(f"{db} is a folder; name a database file", context, param)
    words = []
    place: click.Context | None = context
    while place is not None and place.parent is not None:
        words.append(str(place.info_name))
        place = place.parent
    command = " ".join(reversed(words))
    if _WRITING & set(words):
        raise click.UsageError(
            f"`{command}` does not work on an audit in parts yet: {db} is a folder of databases "
            "that are never changed; use it on an audit in one file"
        )
    advice = (
        f"copy the newest database of a part from {db} to this machine, and name it with --db"
        if isinstance(db, str)
        else f"name the newest database of a part, such as --db {_a_part(db)}"
    )
    raise click.UsageError(f"`{command}` does not work on an audit in parts yet; {advice}")


def _a_part(db: Path) -> Path:
    """Return the newest database of the first part."""
    found = (db / "parts" / "00000").glob("g*.db")
    return max(
        found, key=lambda path: (len(path.name), path.name), default=db / "parts/00000/g0.db"
    )


def db_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db` of a command that works on one database."""
    return click.option(
        "--db",
        type=AuditPlace(path_type=Path),
        callback=_refuse_folder,
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
        help="Rule set: signals, inclusive, strict, or a .toml file "
        "(docs/reference/rule-files.md).  [default: the current one of the database; signals for "
        "a new one]",
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
    "adaptive_pages",
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
