"""Worker process of `flag`: write the files that the command assigns.

Lines of JSON come on standard input: first the options (`Setup`), then
`{"files": [...], "shared": [...]}`, files to write and verdicts that other workers evaluated, at
last without files. Lines of JSON go out on standard output: `{"facts": "..."}` says what the
verdicts come from, `{"out": ..., "counts": ...}` that a file is written,
`{"wants": "more", "shared": [...]}` that its files are done, and which verdicts others may take
over, `{"verdicts": ...}` which verdicts the database did not hold, and
`{"failed": "one sentence", ...}` why there is nothing more.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from crawler import rulesets, subprocesses
from crawler.commands.flag_counts import counts_as_json
from crawler.commands.flag_request import FlagRequest, Mask
from crawler.commands.flag_writer import FlagWriter
from crawler.dataset.duck import connect
from crawler.dataset.files import DatasetError
from crawler.dataset.formats import BY_NAME
from crawler.errors import UserError
from crawler.instants import Instant
from crawler.progress import Bar
from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
from crawler.vocab import Purpose

# What a request holds that is no JSON, or that a worker does not need.
_NOT_SENT = ("datasets", "stream", "rules", "out", "remote_out", "workers")


def as_setup(
    db: Path, request: FlagRequest, form: str, scratch: Path, evidence: str = ""
) -> dict[str, Any]:
    """Return the first message to a worker: database, options, name of the format, a folder.

    `evidence` is as `FlagWriter` has it.
    """
    names = [field.name for field in fields(request) if field.name not in _NOT_SENT]
    return {
        "db": str(db),
        "form": form,
        "scratch": str(scratch),
        "evidence": evidence,
        "rules": [request.rules.text, request.rules.label],
        "request": {name: getattr(request, name) for name in names},
    }


def _request(setup: dict[str, Any]) -> FlagRequest:
    given = dict(setup["request"])
    given |= {
        "purposes": tuple(map(Purpose, given["purposes"])),
        "url_columns": tuple(given["url_columns"]),
        "mask": None if given["mask"] is None else Mask(given["mask"]),
        "times": Instant(*given["times"]) if isinstance(given["times"], list) else given["times"],
    }
    return FlagRequest(datasets=(), out=Path(), rules=rulesets.parse(*setup["rules"]), **given)


def main() -> None:
    """Write files until there are no more."""
    channel = subprocesses.ParentChannel()
    setup = channel.receive()
    try:
        with _open_writer(setup) as (writer, names):
            channel.send({"facts": writer.facts})
            stores_state = setup["stores_state"]
            while (work := channel.receive()) and work["files"]:
                writer.add_shared(work["shared"])
                _write(writer, names, setup["form"], work["files"], channel)
                if stores_state:
                    # The other workers begin with it, in place of evaluating the same.
                    writer.store_state(Path(setup["db"]))
                    stores_state = False
                channel.send({"wants": "more", "shared": writer.take_shared()})
            channel.send({"verdicts": writer.new_verdicts})
    except UserError as error:
        is_dataset = isinstance(error, DatasetError)
        channel.send({"failed": str(error), "status": error.status, "is_dataset": is_dataset})


@contextmanager
def _open_writer(setup: dict[str, Any]) -> Iterator[tuple[FlagWriter, dict[Path, str]]]:
    """Yield a writer, and the names under which it shows files."""
    db, request = Path(setup["db"]), _request(setup)
    names: dict[Path, str] = {}
    scratch = Path(setup["scratch"])  # of the command, which removes it
    with (
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
        closing(connect(scratch, request.memory_limit)) as duck,
        Bar(shown=False) as bar,
    ):
        given = (connection, duck, scratch, request, bar, names.__getitem__)
        with closing(FlagWriter(*given, setup["evidence"])) as writer:
            yield writer, names


def _write(
    writer: FlagWriter,
    names: dict[Path, str],
    form_name: str,
    jobs: Sequence[tuple[str, Sequence[tuple[str, str]]]],
    channel: subprocesses.ParentChannel,
) -> None:
    """Write some files; `jobs` are their paths with the paths and names of what goes into them."""
    form = BY_NAME[form_name]
    ahead = deque(Path(files[0][0]) for _, files in jobs)
    for out, files in jobs:
        group = tuple(Path(path) for path, _ in files)
        names.update(zip(group, (name for _, name in files), strict=True))
        writer.read_ahead(ahead, form)
        ahead.popleft()
        counts = writer.write(Path(out), group, form, some_empty=True)
        channel.send({"out": out, "counts": counts_as_json(counts)})
