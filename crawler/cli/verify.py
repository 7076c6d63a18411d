"""`tdm-audit verify` and `tdm-audit adopt`: whether evidence is as it was, and a chain for it."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._options import CONDITION_HOLDS, db_option, exit_on_error, fail, output, say
from crawler.cli._options import say_json as print_json
from crawler.cli._parts import audit_option, check_parts_options, parts_options
from crawler.cli._types import Digest
from crawler.cli._verify_parts import verify_parts
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.commands.verify import Verification


@click.command(name="verify", short_help="Check stored evidence against its manifests.")
@audit_option
@click.option("--derived", is_flag=True, help="Rebuild what was derived, in a copy, and compare.")
@click.option(
    "--head",
    type=Digest(),
    metavar="DIGEST",
    help="A head that was kept outside, of any run; of an audit in parts, the name of its state.",
)
@click.option(
    "--manifests",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Manifests that were kept outside, a line each.",
)
@click.option("--stamps", is_flag=True, help="Verify time stamps too, by the certificates of --ca.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Certificates of authorities that you trust, in PEM.",
)
@click.option(
    "--prove",
    type=click.IntRange(1),
    metavar="N",
    help="Print the proof of observation N as JSON: its row, and the way to the root of its run.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Of an audit in parts: processes that verify at the same time.  [default: one per core]",
)
@parts_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def verify_command(
    db: Path | str,
    derived: bool,
    head: str | None,
    file: Path | None,
    stamps: bool,
    ca: Path | None,
    prove: int | None,
    as_json: bool,
    quiet: bool,
    **of_parts: Any,
) -> None:
    """Verify that evidence is as the manifests of its runs say, row by row and body by body.

    Exits with 5 if anything differs, or if an erasure was cut short. Without a head or manifests
    from outside it shows only that the database agrees with itself: whoever can write the file can
    write manifests as well.

    If --db is the folder of an audit in parts, each part is verified, with its older generations,
    and that it is as plan.json says.

    \b
    Examples:
      tdm-audit verify --derived
      tdm-audit verify --head 5f0c...e1
      tdm-audit verify --stamps --ca cacert.pem
      tdm-audit verify --prove 12 > proof.json
      tdm-audit verify --db /data/audit --workers 4
    """
    database = check_parts_options(db, of_parts)
    if database is None:
        shown = {"db": db, "derived": derived, "head": head, "as_json": as_json, "quiet": quiet}
        verify_parts(of_parts | shown)
        return
    db = database
    if of_parts["workers"] is not None:
        raise click.UsageError("--workers is for an audit in parts; one database is one process")
    if stamps != (ca is not None):
        raise click.UsageError("--stamps and --ca belong together")
    from crawler.commands.verify import prove as proof_of
    from crawler.commands.verify import verify
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error

    with (
        exit_on_error(),
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
        output(),
    ):
        if prove is not None:
            print_json(proof_of(connection, prove))
            return
        found = verify(connection, with_derived=derived, head=head, file=file, ca=ca)
        if as_json:
            print_json(found.as_json())
        elif not quiet:
            _show(found, with_derived=derived)
    if not found.is_whole:
        fail(_what_is_wrong(found), CONDITION_HOLDS)


def _what_is_wrong(found: "Verification") -> str:
    wrong = [counted(len(found.differences), "difference")] if found.differences else []
    if found.unfinished_since is not None:
        wrong.append(
            f"the erasure that began at {found.unfinished_since} was cut short, so erased bytes "
            "may be in the file; `tdm-audit prune --finish --yes` finishes it"
        )
    return "; ".join(wrong)


def _show(found: "Verification", *, with_derived: bool) -> None:
    from crawler.reports.time_stamps import openssl_hint

    say([": ".join(filter(None, (d.table, d.key, d.what))) for d in found.differences])
    for one in found.unreadable:
        say(openssl_hint(*one))
    if not found.is_whole:
        return
    counts = found.counts
    parts = (
        f"{counted(counts['manifest'], 'manifest')} over {counted(counts['run'], 'run')}",
        counted(counts["observation"], "observation"),
        counted(counts["body"], "body", "bodies"),
    )
    say([f"Whole: {', '.join(parts)}."])
    bodies, rows = counts["erased_bodies"], counts["erased_rows"]
    if bodies or rows:
        erased = f"{counted(bodies, 'body', 'bodies')}, {counted(rows, 'row')}"
        say([f"Erased, as the log says: {erased}."])
    if with_derived:
        say(["What was derived is what the evidence gives."])
    if counts["not_covered"]:
        missing = counted(counts["not_covered"], "observation")
        say([f"Not covered yet: {missing} of unfinished runs."])
    if counts["facets_not_covered"]:
        missing = counted(counts["facets_not_covered"], "dataset")
        say([f"Not covered yet: facets of {missing}."])
    if counts["lists_not_covered"]:
        missing = counted(counts["lists_not_covered"], "list")
        say([f"Not covered yet: {missing}; `tdm-audit adopt` covers what is there."])
    if found.head:
        say([f"Head: {found.head}"])
    if found.vouched_for:
        say([f"Vouched for by {found.vouched_for}."])
    else:
        say(["Self-consistent; nothing outside vouches for it."])


@click.command(name="adopt", short_help="Make manifests for runs that have none.")
@db_option
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def adopt_command(db: Path, quiet: bool) -> None:
    """Make a manifest over runs that have none, of a database that is older than manifests.

    It says what the database holds now, not that it was always so, and is marked as such.
    """
    from crawler.commands.verify import adopt
    from crawler.store.database import (
        checkpoint,
        connect,
        exclusive_lock,
        require,
        sqlite_errors_as_store_error,
    )
    from crawler.store.manifests import head

    with exit_on_error():
        require(db)
        with (
            exclusive_lock(db),
            sqlite_errors_as_store_error(db),
            closing(connect(db)) as connection,
        ):
            adopted = adopt(connection, db)
            digest = head(connection)
            checkpoint(connection)
    if not quiet:
        with output():
            say([f"Adopted {counted(adopted, 'run')}." if adopted else "Every run has a manifest."])
            say([f"Head: {digest}"] if digest else [])
