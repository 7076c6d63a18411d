"""Look for circular garbage less often: next to nothing that is made here is in a circle."""

import contextlib
import gc
from collections.abc import Iterator

# Objects made and not freed before the youngest are looked through, and how often that is done
# before older ones are.
_THRESHOLDS = (10_000, 20, 20)


@contextlib.contextmanager
def seldom() -> Iterator[None]:
    """Leave all there is so far alone, and collect a tenth as often."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
