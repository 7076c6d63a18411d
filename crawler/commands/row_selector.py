"""`RowSelector`: which rows a mask writes, and how many rows have which verdict."""

import hashlib
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from crawler.commands.flag_counts import Counts
from crawler.commands.flag_request import FlagRequest, Mask
from crawler.flags import Flagger


class RowSelector:
    """Applies the mask to rows in their order, and counts them."""

    def __init__(self, flagger: Flagger, request: FlagRequest) -> None:
        self._ids = flagger.ids
        self._mask, self._keep_unknown = request.mask, request.keep_unknown
        self._rows: Counter[int] = Counter()
        self._kept: Counter[int] = Counter()
        self._digest, self._position = hashlib.sha256(), 0

    def select(self, numbers: pa.Array) -> pa.Array | None:
        """Count rows by the numbers of their verdicts; return which to write, None for all."""
        _add_counts(self._rows, numbers)
        if self._mask is None:
            return None
        reserved = pa.array(self._ids.reserved(), pa.bool_()).take(numbers)
        keep = pc.fill_null(pc.invert(reserved), self._keep_unknown)
        _add_counts(self._kept, numbers.filter(keep))
        # The digest must not depend on the size of batches: positions count from the file's start.
        positions = pc.add(pc.cast(pc.indices_nonzero(keep), pa.int64()), self._position)
        self._digest.update(positions.buffers()[1] or b"")
        self._position += len(numbers)
        return keep if self._mask is Mask.KEEP else pc.invert(keep)

    def counts(self) -> Counts:
        """Return the counts of all rows so far, by reason."""
        reasons, as_of = self._ids.reasons(), self._ids.as_of()
        counts = Counts(digest="" if self._mask is None else self._digest.hexdigest())
        for number, rows in self._rows.items():
            counts.reasons[reasons[number]] += rows
            if as_of:
                counts.as_of[as_of[number].as_of_basis] += rows
        for number, rows in self._kept.items():
            counts.kept_reasons[reasons[number]] += rows
        return counts


def _add_counts(counter: Counter[int], numbers: pa.Array) -> None:
    for count in pc.value_counts(numbers).to_pylist():
        counter[count["values"]] += count["counts"]
