"""Signals: what is being done ends at once, and the next command goes on from there."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from crawler.errors import UserError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedEarlyError(UserError):
    """A signal came before everything was done."""

    status = 4


@contextlib.contextmanager
def exit_on_signal() -> Iterator[None]:
    """Raise `StoppedEarlyError` where a signal finds us; fetching has its own way to stop."""
    came = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = {}
    with contextlib.suppress(ValueError):  # outside the main thread there are no signals
        before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    except BaseException as error:
        # A library may have made something else of it on the way.
        if came:
            said = "stopped early by a signal; run the same command again to continue"
            raise StoppedEarlyError(said) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
