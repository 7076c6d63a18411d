"""Standard output and standard error of commands: readers that leave, disks that fill, terminals.

Rules for editors: print inside `output()`, and text through `say`. A reader that closes its pipe
has read enough, which is no failure; a write that fails for another reason is one sentence.
"""

import errno
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from typing import NoReturn

import click

from crawler.errors import UserError
from crawler.interrupts import StoppedEarlyError

# Exit status of a command that failed; `errors.UserError.status`.
_FAILED = UserError.status
# Errors that the machine or a name that was given causes, not a fault of this program.
_OF_THE_MACHINE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EBADF,
    errno.ENAMETOOLONG,
)


def fail(message: object, status: int) -> NoReturn:
    """Print a message on standard error and exit with a status."""
    from crawler.reports.visible import visible

    warn(visible(str(message)))
    sys.exit(status)


def warn(message: str) -> None:
    """Print a message on standard error."""
    click.echo(f"tdm-audit: {message}", err=True)


def say(lines: Iterable[str]) -> None:
    """Print lines, wrapped by words if standard output is a terminal."""
    from crawler.reports.visible import fit

    click.echo("\n".join(fit(lines, width())))


def say_findings(lines: Iterable[str]) -> None:
    """Print findings; on a terminal with short digests and times, and states in colours."""
    from crawler.reports.for_terminals import coloured, shortened
    from crawler.reports.visible import fit

    columns = width()
    if columns is None:
        say(lines)
    else:
        click.echo("\n".join(coloured(fit(shortened(lines), columns), os.environ)))


def say_json(data: object) -> None:
    """Print data as JSON."""
    from crawler.reports.visible import json_text

    click.echo(json_text(data))


def width() -> int | None:
    """Return the columns of the terminal that standard output is, None if it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@contextmanager
def output() -> Iterator[None]:
    """Print in this block: end quietly at a closed pipe, and with one sentence at other errors."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_stdout()
    except KeyboardInterrupt:  # of a command that has nothing to save
        fail("stopped early by a signal; run the same command again", StoppedEarlyError.status)
    except UnicodeEncodeError as error:
        # A name that is not UTF-8 has surrogates in Python (PEP 383), and libraries refuse them.
        name = str(error.object).encode("utf-8", "backslashreplace").decode()
        fail(f"{name}: a name that is not UTF-8 cannot be used; rename it", _FAILED)
    except MemoryError:
        fail(
            "this process was refused memory; nothing stored is lost: free some, or raise its "
            "limit, and run the same command again",
            _FAILED,
        )
    except OSError as error:
        said = error.strerror or str(error)
        if error.errno not in _OF_THE_MACHINE:
            raise
        if error.filename is not None:
            fail(f"cannot use {error.filename}: {said}", _FAILED)
        _abandon_stdout()
        fail(f"cannot write the output: {said}", _FAILED)


def _abandon_stdout() -> None:
    """Send what is still buffered nowhere; else Python fails again when it exits."""
    # docs.python.org, library/signal, "Note on SIGPIPE".
    with suppress(OSError, UnsupportedOperation, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
