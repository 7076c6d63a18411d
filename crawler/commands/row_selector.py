"""`RowSelector`: which rows a mask writes, and how many rows have which verdict."""

import hashlib
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from crawler.commands.flag_counts import Counts
from crawler.commands.flag_request import FlagRequest, Mask
from crawler.evaluate.as_of import AsOfVerdict
from crawler.flags import Flagger


class RowSelector:
    """Applies the mask to rows in their order, and counts them."""

    def __init__(self, flagger: Flagger, request: FlagRequest) -> None:
        self._ids = flagger.ids
        self._mask, self._keep_unknown = request.mask, request.keep_unknown
        # By the number of the kind of their verdict.
        self._rows: Counter[int] = Counter()
        self._kept: Counter[int] = Counter()
        self._digest, self._position = hashlib.sha256(), 0

    def select(self, numbers: pa.Array) -> pa.Array | None:
        """Count rows by the numbers of their verdicts; return which to write, None for all."""
        kinds = self._ids.kinds_of(numbers)
        _add_counts(self._rows, kinds)
        if self._mask is None:
            return None
        reserved = self._ids.column("tdm_reserved", numbers)
        keep = pc.fill_null(pc.invert(reserved), self._keep_unknown)
        _add_counts(self._kept, kinds.filter(keep))
        # The digest must not depend on the size of batches: positions count from the file's start.
        positions = pc.add(pc.cast(pc.indices_nonzero(keep), pa.int64()), self._position)
        self._digest.update(positions.buffers()[1] or b"")
        self._position += len(numbers)
        return keep if self._mask is Mask.KEEP else pc.invert(keep)

    def counts(self) -> Counts:
        """Return the counts of all rows so far, by reason."""
        kinds = self._ids.kinds
        reasons = [(kind.state, kind.basis or "") for kind in kinds]
        counts = Counts(digest="" if self._mask is None else self._digest.hexdigest())
        for number, rows in self._rows.items():
            counts.reasons[reasons[number]] += rows
            if isinstance(kind := kinds[number], AsOfVerdict):
                counts.as_of[kind.as_of_basis] += rows
        for number, rows in self._kept.items():
            counts.kept_reasons[reasons[number]] += rows
        return counts


def _add_counts(counter: Counter[int], kinds: pa.Array) -> None:
    for count in pc.value_counts(kinds).to_pylist():
        counter[count["values"]] += count["counts"]
