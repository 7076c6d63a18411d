"""Charge the CPU time of this thread to the origin whose answers it is spent on."""

import time
import types
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from crawler.plan.budget import Spent

_T = TypeVar("_T")


@contextmanager
def cpu_charged(spent: Spent) -> Iterator[None]:
    """Charge the block, which must not wait for anything."""
    started = time.thread_time()
    try:
        yield
    finally:
        spent.cpu += time.thread_time() - started


@types.coroutine
def cpu_charged_steps(work: Coroutine[Any, Any, _T], spent: Spent) -> Generator[Any, Any, _T]:
    """Run a coroutine and charge its steps, without those of other tasks in between."""
    step, given = work.send, None
    while True:
        try:
            with cpu_charged(spent):
                waits_for = step(given)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        try:
            step, given = work.send, (yield waits_for)
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:
            step, given = work.throw, error
