"""Handle SIGINT, SIGTERM and SIGHUP: the one place that installs signal handlers and restores them.

Rules for editors:

- Every other module uses `handle_signals`, so that the set of signals is defined once.
- A handler replaces the previous one and puts it back on exit, so handlers nest: `exit_on_signal`
  around a whole command, and inside it the orderly stop of a crawl.
- Do nothing lengthy in a handler without a loop: it runs between two bytecodes of any function.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from crawler.errors import UserError

if TYPE_CHECKING:  # the command line does not need asyncio
    import asyncio

#: Ctrl-C, what `kill`, systemd and cron send to end a process, and what a closing terminal sends.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Seconds until a signal is sent again: by then the code that dropped it has ended.
_AGAIN_S = 0.02
# A signal may arrive between any two bytecodes, also between those of a `finally`: whoever writes
# a file cannot promise alone that it removes it.
_unfinished: set[Path] = set()


class StoppedEarlyError(UserError):
    """A signal ended the command before all work was done. Exit status 4."""

    status = 4


@contextlib.contextmanager
def handle_signals(
    handler: Callable[[], None], loop: "asyncio.AbstractEventLoop | None" = None
) -> Iterator[None]:
    """Call `handler` for each signal in the `with` block, then restore the previous handlers.

    With `loop`, the handler is a callback of that event loop and may touch its tasks.
    Without, it runs in the main thread at once and may raise.
    Outside the main thread Python delivers no signals; there this does nothing.
    """

    def call(_number: int, _frame: FrameType | None) -> None:
        handler()

    # A signal that was ignored when we were started stays ignored: `nohup` does that to SIGHUP.
    current = {number: signal.getsignal(number) for number in SIGNALS}
    previous = {n: before for n, before in current.items() if before is not signal.SIG_IGN}
    # ValueError (signal) or RuntimeError (event loop): not in the main thread.
    with contextlib.suppress(ValueError, RuntimeError):
        for number in previous:
            if loop is None:
                signal.signal(number, call)
            else:
                loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            for number, before in previous.items():
                if loop is not None:
                    loop.remove_signal_handler(number)
                signal.signal(number, before)


@contextlib.contextmanager
def signals_postponed() -> Iterator[Callable[[], bool]]:
    """Let signals wait until the end of the `with` block, then send one for all that came.

    For what must not be left half made: an exception in the middle of making an event loop has a
    traceback printed when the loop is deleted.
    Yields a function that returns whether a signal waits, which is then not sent at the end.
    """
    waiting = False

    def wait() -> None:
        nonlocal waiting
        waiting = True

    def take() -> bool:
        nonlocal waiting
        taken, waiting = waiting, False
        return taken

    # Not a mask of signals: it holds for one thread, and the kernel gives a signal to any thread
    # without one, such as that which reads the messages of the parent.
    try:
        with handle_signals(wait):
            yield take
    finally:
        if waiting:
            _send_signal()


@contextlib.contextmanager
def removed_at_the_end(path: Path) -> Iterator[None]:
    """Remove a file at the end of the `with` block, if it is still there, whatever ends the block.

    A signal within `exit_on_signal` is no exception to that.
    """
    _unfinished.add(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        _unfinished.discard(path)


@contextlib.contextmanager
def exit_on_signal() -> Iterator[None]:
    """Raise `StoppedEarlyError` if a signal arrives in the `with` block.

    Files of `removed_at_the_end` are gone then.
    A crawl installs handlers that stop it in good order; see `fetch.scrapy_.run`.
    """
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    with handle_signals(interrupt), _raised_again(lambda: interrupted):
        try:
            yield
        except BaseException as error:
            # A library may have turned the KeyboardInterrupt into another exception.
            if interrupted:
                _remove_unfinished()
                message = "stopped early by a signal; run the same command again to continue"
                raise StoppedEarlyError(message) from error
            raise


@contextlib.contextmanager
def _raised_again(is_interrupted: Callable[[], bool]) -> Iterator[None]:
    """Send a signal again whose exception Python has dropped, as it does in `__del__`."""
    previous, is_open = sys.unraisablehook, True

    def send() -> None:
        if is_open:
            _send_signal()

    def again(dropped: "sys.UnraisableHookArgs") -> None:
        if is_interrupted() and isinstance(dropped.exc_value, KeyboardInterrupt):
            timer = threading.Timer(_AGAIN_S, send)
            timer.daemon = True
            timer.start()
        else:
            previous(dropped)

    sys.unraisablehook = again
    try:
        yield
    finally:
        is_open = False
        sys.unraisablehook = previous


def _send_signal() -> None:
    """Send this process a signal that it handles: one that it ignores would be lost."""
    handled = (n for n in SIGNALS if signal.getsignal(n) is not signal.SIG_IGN)
    main = threading.main_thread().ident
    if main is not None and (number := next(handled, None)) is not None:
        # To the thread that runs handlers, which may be waiting in a system call.
        signal.pthread_kill(main, number)


def _remove_unfinished() -> None:
    for path in tuple(_unfinished):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        _unfinished.discard(path)
