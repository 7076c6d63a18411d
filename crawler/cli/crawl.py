"""`tdm-audit crawl`: ingest a dataset, visit its origins, judge and summarise."""

import shlex
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from crawler.cli._ask import check_ask
from crawler.cli._crawled import end_crawl, fail_if, print_crawl, write_report
from crawler.cli._dataset_options import (
    max_unusable_option,
    provenance_of,
    provenance_options,
    weight_column_option,
)
from crawler.cli._dry_run import print_dry_run
from crawler.cli._options import (
    ADAPTIVE,
    Duration,
    PageNumber,
    Size,
    dataset_options,
    exit_on_error,
    fetch_options,
    keep_contacts_option,
    make_fetch_options,
    output_options,
    rules_option,
    warn,
)
from crawler.cli._part_work import crawl_parts
from crawler.cli._parts import audit_option, check_parts_options, parts_options

# Commands import what they need when they run: `--help` must not load Scrapy, DuckDB and Arrow.


def _refuse_other_suffixes(
    _context: click.Context, _param: click.Parameter, report: Path | None
) -> Path | None:
    """Return the file of the report; one of another format ends the command before it crawls."""
    if report is not None:
        from crawler.commands.report import format_of

        with exit_on_error():
            format_of(report)
    return report


@click.command(short_help="Visit the sources of a dataset, record what they say.")
@click.argument("datasets", nargs=-1, metavar="DATASET...")
@audit_option
@dataset_options
@weight_column_option
@provenance_options
@click.option(
    "--ask",
    multiple=True,
    metavar="FILE",
    help="Request each URL of this file, folder or pattern itself, and the files of its origin; "
    "repeatable. Needs --budget; DATASET may be left out.",
)
@click.option(
    "--budget",
    type=Duration(),
    help="With --ask: begin no request after this time; the same command goes on.",
)
@click.option(
    "--limit-origins",
    type=click.IntRange(1),
    metavar="N",
    help="Only the N origins with most weight (with most rows if there is no weight column).",
)
@click.option(
    "--pages",
    type=PageNumber(),
    default=1,
    show_default=True,
    help="Sampled pages per origin, in addition to the home page; adaptive: until the share of "
    "pages that reserve for themselves is known to 10 points, 16 to 93 pages.",
)
@click.option(
    "--pages-max",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="With --pages adaptive: at most this many pages per origin.",
)
@click.option(
    "--media",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="Sampled images, PDF and EPUB files per origin whose metadata is read; needs the extra "
    "[media].",
)
@click.option(
    "--terms",
    type=click.IntRange(0, 5),
    default=0,
    show_default=True,
    help="Pages of terms per origin that are searched for reservations in prose; without effect "
    "under the default rule set.",
)
@click.option(
    "--max-age",
    type=Duration(),
    default="24h",
    show_default=True,
    help="Re-fetch origins last visited longer ago than this.",
)
@click.option(
    "--full-every",
    type=Duration(),
    default="30d",
    show_default=True,
    help="Request what did not change in full, not by a conditional request, if the last whole "
    "response is older than this.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Origins visited at the same time; of an audit in parts, by each process.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Of an audit in parts: processes that work at the same time, with --part on all "
    "machines.  [default: one per core]",
)
@parts_options
@fetch_options
@click.option("--time-budget", type=Duration(), help="Stop cleanly after this long.")
@click.option(
    "--origin-time",
    type=Duration(),
    help="Time that the requests of one origin may take in all; 0 for no limit.  "
    "[default: 30s, and 3s for each further page, media file or page of terms]",
)
@click.option(
    "--origin-cpu",
    type=Duration(),
    help="CPU time that the answers of one origin may take in all; 0 for no limit.  "
    "[default: 2s, and 200ms for each further file]",
)
@click.option(
    "--origin-bytes",
    type=Size(),
    help="Octets that one origin may send in all; 0 for no limit.  "
    "[default: 64MB, and 16MiB for each further file]",
)
@click.option(
    "--policy-files-always",
    is_flag=True,
    help="Fetch ai.txt, tdmrep.json and trust.txt even where robots.txt disallows them; their "
    "notes record this.",
)
@click.option(
    "--context",
    is_flag=True,
    help="Fetch three more files, which say who is behind an origin: security.txt, ads.txt, "
    "llms.txt.",
)
@keep_contacts_option
@click.option(
    "--keep-pages", is_flag=True, help="Store whole pages instead of an extract of their head."
)
@click.option("--new-run", is_flag=True, help="Do not continue an unfinished run.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="Share of the planned files and pages that should answer in a run; see --strict.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 if a run saw less than --min-coverage, if a parser crashed, or if more rows "
    "than --max-unusable have no usable URL.",
)
@max_unusable_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only read the dataset and print what would be asked; nothing is requested or stored.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    callback=_refuse_other_suffixes,
    help="Also write a report: FILE.html, .md or .json.",
)
@rules_option
@output_options
def crawl(
    datasets: tuple[str, ...],
    db: Path | str,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
    rules: str | None,
    **options: Any,
) -> None:
    """Visit the origins of a dataset and record what they reserve.

    DATASET is a file, a folder, a glob pattern or a remote URL. Formats: CSV, TSV, JSON Lines,
    JSON, plain text with a URL or host per line (also compressed with gzip, zstd, bzip2 or xz),
    Parquet, Arrow, WebDataset, WARC, CDX. Run the command again to continue an unfinished crawl
    and to refresh stale origins.

    If --db is the folder of an audit in parts, its parts are crawled, and there is no DATASET.

    \b
    Examples:
      tdm-audit crawl laion.parquet --contact https://example.org/our-audit --limit-origins 1000
      tdm-audit crawl --ask shard.parquet --budget 2h --contact https://example.org/our-audit
      tdm-audit crawl --db /data/audit --part 17 --of 1000 --contact https://example.org/our-audit
    """
    if options["pages"] == ADAPTIVE:
        options |= {"pages": options["pages_max"], "adaptive_pages": True}
    file = check_parts_options(db, options)
    if file is None:
        shown = {"db": db, "quiet": quiet, "as_json": as_json, "progress": progress, "rules": rules}
        crawl_parts(options | shown | {"command": _command(datasets)})
        return
    db = file
    check_ask(datasets, options)
    _check_workers(options)
    from crawler.commands.crawl import CrawlRequest, ProgressListener
    from crawler.commands.crawl import crawl as run
    from crawler.commands.dry_run import dry_list, dry_run
    from crawler.progress import Bar
    from crawler.reports.summary import too_many_unusable

    with exit_on_error(), Bar(shown=progress, quiet=quiet) as bar:
        request = CrawlRequest(
            datasets=datasets,
            db=db,
            fetch=make_fetch_options(options),
            command=_command(datasets),
            url_columns=options["url_column"],
            weight_column=options["weight_column"],
            memory_limit=options["memory_limit"],
            limit_origins=options["limit_origins"],
            max_age=timedelta(seconds=options["max_age"]),
            new_run=options["new_run"],
            keep_pages=options["keep_pages"],
            keep_contacts=options["keep_contacts"],
            rules=rules,
            name=options["name"],
            facets=options["facets"],
            collected_column=options["collected_column"],
            provenance=provenance_of(options),
            ask=options["ask"],
            budget=options["budget"] or 0.0,
        )
        if options["dry_run"]:
            bar.begin("reading the dataset", None)
            listed = dry_list(request) if options["ask"] else None
            found = dry_run(request) if datasets else None
        else:
            result = run(request, ProgressListener(begin=bar.begin, step=bar.step))
    if options["dry_run"]:
        print_dry_run(found, listed, quiet=quiet, as_json=as_json)
        if found is not None:
            failures = too_many_unusable(
                found.unusable, found.rows, found.url_column, options["max_unusable"]
            )
            fail_if(failures, options["strict"])
        return
    for warning in result.warnings:
        warn(warning)
    limits = (options["min_coverage"], options["max_unusable"])
    failures = print_crawl(result, db, *limits, quiet=quiet, as_json=as_json)
    if options["report"] is not None:
        write_report(db, options["report"], result.dataset, quiet=quiet or as_json)
    end_crawl(result, failures, strict=options["strict"])


def _check_workers(options: Mapping[str, Any]) -> None:
    """Raise wrong usage for several processes at one database, which is crawled by one."""
    if (options["workers"] or 1) == 1:
        return
    if options["ask"]:
        raise click.UsageError("--workers is for an audit in parts, and --ask is for one database")
    raise click.UsageError(
        "--workers is for an audit in parts: `tdm-audit plan DATASET --db FOLDER` makes one (a "
        f"process works on one part, so with fewer than {options['workers']} give --parts), and "
        f"`tdm-audit crawl --db FOLDER --workers {options['workers']}` crawls it"
    )


def _command(datasets: tuple[str, ...]) -> str:
    """Return the command as it is stored: URLs of datasets without credentials."""
    from crawler.remote import shown_name

    shown = (shown_name(word) if word in datasets else word for word in sys.argv[1:])
    return shlex.join(["tdm-audit", *shown])
