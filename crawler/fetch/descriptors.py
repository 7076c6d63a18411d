"""Descriptors of files and sockets: a crawl is refused where there are too few to begin one."""

import contextlib
import os

from crawler.errors import UserError

#: Descriptors that a crawl needs at least: the database with its log, the event loop, DNS and some
#: connections. With fewer, libraries fail halfway, and not all of them say so.
NEEDED = 24


class TooFewDescriptorsError(UserError):
    """This process may not open as many files as a crawl needs."""


def require_descriptors() -> None:
    """Raise `TooFewDescriptorsError` if this process cannot open `NEEDED` more files."""
    with contextlib.ExitStack() as opened:
        try:
            for _ in range(NEEDED):
                opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            raise TooFewDescriptorsError(
                f"this process may not open the {NEEDED} files and connections that a crawl needs "
                f"at least ({error.strerror or error}); raise the limit (`ulimit -n`) and run the "
                "same command again"
            ) from error
