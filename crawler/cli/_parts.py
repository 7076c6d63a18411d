"""Shared by commands that take an audit in parts: options, the choice of parts, what they open."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._types import AuditPlace, Engine, PartRange

if TYPE_CHECKING:
    from crawler.store.audit_folder import AuditFolder
    from crawler.store.part_plan import PartPlan
    from crawler.store.queryable import Queryable


def audit_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db` of a command that takes a database, or the folder of an audit in parts."""
    return click.option(
        "--db",
        type=AuditPlace(path_type=Path),
        default=Path("output/audit.db"),
        show_default=True,
        help="The audit database, or the folder of an audit in parts, which may be at s3:// or "
        "gs://.",
    )(command)


def folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db` of a command that takes the folder of an audit in parts."""
    return click.option(
        "--db",
        type=AuditPlace(path_type=Path, file_okay=False),
        required=True,
        metavar="FOLDER",
        help="The folder of an audit in parts; it may be at s3:// or gs://.",
    )(command)


_PARTS_OPTIONS = (
    click.option(
        "--part",
        type=PartRange(),
        metavar="K|K-L",
        help="Of an audit in parts: only these parts, in this process; numbers begin with 0.",
    ),
    click.option(
        "--of",
        type=click.IntRange(1),
        metavar="N",
        help="With --part K: every N-th part from K on, as task K of an array of N tasks.",
    ),
    click.option(
        "--on",
        type=Engine(),
        metavar="local|ray|ray://HOST:PORT|ray:ADDRESS",
        help="Of an audit in parts, without --part: where all parts are worked on. local is a pool "
        "of --workers processes on this machine; ray is the Ray at RAY_ADDRESS or one that is "
        "started here, and needs the extra [ray].",
    ),
)


def parts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--part`, `--of` and `--on`."""
    for option in reversed(_PARTS_OPTIONS):
        command = option(command)
    return command


def one_database(db: Path | str) -> Path | None:
    """Return the database that `--db` names; None if it names a folder, here or at a URL."""
    return None if isinstance(db, str) or db.is_dir() else db


def check_parts_options(db: Path | str, options: dict[str, Any]) -> Path | None:
    """Return what `one_database` does; options that do not go together are wrong usage."""
    if options["of"] is not None and options["part"] is None:
        raise click.UsageError("--of N needs --part K, the number of the task, from 0")
    if options["part"] is not None and options["on"] is not None:
        raise click.UsageError("--part is this process, and --on is for all parts; give one")
    file = one_database(db)
    if file is None:
        return None
    for name in ("part", "on"):
        if options[name] is not None:
            raise click.UsageError(
                f"--{name} is for an audit in parts, and {db} is no folder; `tdm-audit plan` makes "
                "one"
            )
    return file


def refuse_others(allowed: frozenset[str], instead: str) -> None:
    """Raise wrong usage for an option that was given and is not for an audit in parts."""
    context = click.get_current_context()
    for param in context.command.params:
        source = context.get_parameter_source(param.name or "")
        if source is click.core.ParameterSource.COMMANDLINE and param.name not in allowed:
            shown = param.opts[0] if isinstance(param, click.Option) else "DATASET"
            raise click.UsageError(
                f"{shown} is not for `{context.command.name}` of an audit in parts; {instead}"
            )


def open_folder(db: Path | str) -> "AuditFolder":
    """Return the audit in parts at a folder, here or at a URL. Raise `StoreError`."""
    from crawler.store.audit_folder import AuditFolder
    from crawler.store.parts import storage_at

    return AuditFolder(storage_at(str(db)))


@contextmanager
def opened_for_reading(db: Path | str) -> Iterator["Queryable"]:
    """Give the public views of a database, or of the whole of an audit in parts."""
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error

    if (file := one_database(db)) is not None:
        with sqlite_errors_as_store_error(file), closing(connect_read_only(file)) as connection:
            yield connection
        return
    from crawler.commands.whole import opened_whole

    with opened_whole(open_folder(db)) as whole:
        yield whole


@contextmanager
def opened_origin(db: Path | str, url: str | None) -> Iterator[tuple[Path, int | None]]:
    """Give the database with the origin of a URL: `db` itself, or one part of an audit in parts.

    With it comes the number of the part, if it is one.
    """
    if (one := one_database(db)) is not None:
        yield one, None
        return
    from crawler.model import Origin
    from crawler.urls.canonical import origin_of

    if url is None:
        raise click.UsageError(
            f"{db} is an audit in parts: give a URL, which tells the part, or name the database of "
            "a part with --db"
        )
    folder = open_folder(db)
    plan, origin = folder.plan(), origin_of(url)
    # A text that names no origin is refused by whoever reads the database, with the reason.
    part = plan.part_of(origin.site) if isinstance(origin, Origin) else 0
    with folder.opened(part) as file:
        yield file, part


@contextmanager
def opened_datasets(db: Path | str) -> Iterator[Path]:
    """Give the database with the datasets: `db` itself, or that of an audit in parts."""
    if (one := one_database(db)) is not None:
        yield one
        return
    folder = open_folder(db)
    folder.plan()
    with folder.opened(None) as file:
        yield file


def chosen_parts(plan: "PartPlan", part: range | None, of: int | None) -> list[int]:
    """Return the parts that `--part` and `--of` choose; wrong usage if there are none such."""
    if part is None:
        return list(range(plan.parts))
    if of is not None:
        if len(part) > 1 or part.start >= of:
            raise click.UsageError(f"--part is a number from 0 to {of - 1} with --of {of}")
        return list(range(part.start, plan.parts, of))
    if part.stop > plan.parts:
        raise click.UsageError(
            f"there is no part {part.stop - 1}: the parts are 0 to {plan.parts - 1}"
        )
    return list(part)
