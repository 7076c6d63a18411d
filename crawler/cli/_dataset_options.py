"""Options about datasets: name, facets, and how rows were collected; and which one is shown."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._options import Share, Token, as_written_option, refuse_misspelt

if TYPE_CHECKING:
    from crawler.store.provenance import Provenance

_PERIOD = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?")


weight_column_option = click.option(
    "--weight-column",
    metavar="NAME",
    help="Column whose sum is the weight of an origin (tokens, bytes).",
)
max_unusable_option = click.option(
    "--max-unusable",
    type=Share(),
    default="50%",
    show_default=True,
    help="Share of the rows that may be without a usable URL; see --strict.",
)


class _Name(click.ParamType[str]):
    """The name of a dataset; a version is no part of it."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name without white space around it."""
        from crawler.store.dataset_versions import VERSION

        name = str(value).strip()
        if not name or not name.isprintable():
            self.fail(f"{value!r} is no name", param, ctx)
        if VERSION.fullmatch(name):
            self.fail(f"{value!r} names a version; versions are numbered by themselves", param, ctx)
        return name


class _Facet(click.ParamType[tuple[str, str]]):
    """A facet, written as `COLUMN` or `NAME=COLUMN`."""

    name = "facet"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return name and column."""
        name, _, column = str(value).rpartition("=")
        facet = ((name or column).strip(), column.strip())
        if not all(facet) or not facet[0].isprintable():
            self.fail(f"{value!r} is no facet; write COLUMN or NAME=COLUMN", param, ctx)
        return facet


class _Period(click.ParamType[tuple[str, str]]):
    """A day, month or year, or two of them as `FROM/TO` (ISO 8601)."""

    name = "period"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the first and the last one."""
        first, _, last = str(value).strip().partition("/")
        last = last or first
        if not (_PERIOD.fullmatch(first) and _PERIOD.fullmatch(last)) or first > last:
            self.fail(f"{value!r} is no period; write 2024, 2024-03 or 2024-03/2024-05", param, ctx)
        return first, last


def _crawler_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--crawler`, and `--agent-as-written` for tokens that look like a misspelt one."""
    command = as_written_option(command)
    return click.option(
        "--crawler",
        type=Token(),
        metavar="TOKEN",
        callback=refuse_misspelt,
        help="Product token of the crawler that collected the rows, e.g. CCBot.",
    )(command)


_OPTIONS = (
    click.option(
        "--dataset",
        "name",
        type=_Name(),
        metavar="NAME",
        help="Name of the dataset: files given under it with other bytes are its next version, "
        "and the newest version counts.  [default: the path]",
    ),
    click.option(
        "--facet",
        "facets",
        type=_Facet(),
        multiple=True,
        metavar="[NAME=]COLUMN",
        help="Count rows by the values of this column, too; year=COLUMN by the years of its "
        "dates; up to 5.",
    ),
    click.option(
        "--collected",
        type=_Period(),
        metavar="PERIOD",
        help="When the rows were collected: 2024, 2024-03, 2024-03-15, or two of them as FROM/TO.",
    ),
    click.option(
        "--collected-column",
        metavar="NAME",
        help="Column with the dates on which the rows were collected.",
    ),
    click.option("--upstream", metavar="NAME", help="Who collected the rows, e.g. Common Crawl."),
    _crawler_option,
)


def chosen_dataset_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--dataset`, which chooses what is counted."""
    return click.option(
        "--dataset",
        metavar="NAME",
        help="Only this dataset, in the version that counts, or NAME@2 for its version 2 "
        "(`tdm-audit datasets` lists them).",
    )(command)


def provenance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def provenance_of(options: dict[str, Any]) -> "Provenance":
    """Return the provenance from the parameters of a command."""
    from crawler import agents
    from crawler.store.provenance import Provenance

    if options["collected"] and options["collected_column"]:
        raise click.UsageError("--collected and --collected-column exclude each other")
    first, last = options["collected"] or (None, None)
    crawler = options["crawler"]
    known = None if crawler is None else agents.find(crawler)
    return Provenance(first, last, options["upstream"], known.token if known else crawler)
