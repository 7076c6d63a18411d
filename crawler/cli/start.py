"""`tdm-audit` alone: what it is, how to begin, and the next step with the database that is here."""

import os
import shlex
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from crawler.plurals import counted

#: Where commands look for a database if none is named.
DEFAULT_DB = Path("output/audit.db")
DEMO_DB = Path("output/demo/audit.db")
_BEGIN = (
    ("tdm-audit demo", "a whole audit, of a small web on this machine"),
    ("tdm-audit check URL", "one live site: what its signals say, and to whom"),
    ("tdm-audit crawl FILE --contact URL", "audit the sources of a dataset"),
)
_OF_DEMO = ("report", "explain http://unanimous.demo.test/")
_GO_ON = (
    ("tdm-audit report", "one page with all figures"),
    ("tdm-audit explain URL", "one source, down to the line and the bytes"),
    ("tdm-audit serve", "everything, in the browser"),
    ("tdm-audit flag FILE -o FLAGGED", "the dataset with a verdict for each row"),
)


def start_lines(db: Path = DEFAULT_DB) -> Iterator[str]:
    """Yield what a user needs who has given no command."""
    yield "Audit who reserves text and data mining on the sources of a dataset."
    yield ""
    if not db.is_file():
        yield "Start here:"
        yield from _commands(_BEGIN)
        if DEMO_DB.is_file():
            yield ""
            yield f"The demo left {DEMO_DB}. Ask it with --db:"
            yield from (f"  tdm-audit {command} --db {DEMO_DB}" for command in _OF_DEMO)
        return
    yield from _next_steps(db)


def _commands(commands: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield from (f"  {command:<36}{meaning}" for command, meaning in commands)


def _next_steps(db: Path) -> Iterator[str]:
    from crawler.reports.dataset_report.words import minute
    from crawler.store.database import StoreError, connect_read_only
    from crawler.store.queries import progress

    try:
        with closing(connect_read_only(db)) as connection:
            found = progress(connection)
    except StoreError as error:
        yield f"There is a database, and it cannot be read: {error}."
        return
    last = f", the last on {minute(found.last_at)}" if found.last_at else ""
    yield f"{db}: {found.visited:,} of {counted(found.origins, 'origin')} visited{last}."
    if found.unfinished:
        yield f"Its last run is not finished. Next: {_repeat(found.unfinished)}"
    elif found.waiting:
        yield f"Not judged yet: {counted(found.waiting, 'origin')}. Next: tdm-audit judge"
    else:
        yield "Next:"
        # `serve` needs an extra, and a first command that fails helps nobody.
        has_server = find_spec("datasette") is not None
        yield from _commands(tuple(c for c in _GO_ON if has_server or c[0] != "tdm-audit serve"))


def _repeat(command: str) -> str:
    """Return the command of a run as it can be typed again."""
    words = shlex.split(command)
    return shlex.join([os.path.basename(words[0]), *words[1:]]) if words else "tdm-audit crawl"
