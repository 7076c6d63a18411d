"""A filter for pipelines of datatrove, which is optional: without it this cannot be imported."""

import os
from collections.abc import Sequence
from typing import Any

from crawler.flags.hf_datasets import FlagBatch
from crawler.rulesets import RuleSet
from crawler.vocab import Purpose

try:
    from datatrove.pipeline.filters.base_filter import BaseFilter
except ImportError as error:
    raise ImportError(
        f"ReservationFilter needs datatrove ({error}); run: pip install 'tdm-audit[datatrove]'"
    ) from error


class ReservationFilter(BaseFilter):  # type: ignore[misc] # the library has no types
    """Drops documents whose URL is reserved, and those of which that is not known.

    The URL is `metadata[column]`; the seven columns are added to the metadata of every document.
    Documents of unknown state are kept with `keep_unknown`. Dropped ones are counted by state.
    """

    name = "📜 Text and data mining reservations"

    def __init__(
        self,
        db: str | os.PathLike[str],
        rules: RuleSet | str | None = None,
        purposes: Sequence[Purpose | str] = (Purpose.GENAI_TRAIN,),
        agent: str | None = None,
        *,
        column: str = "url",
        keep_unknown: bool = False,
        exclusion_writer: Any = None,
        batch_size: int = 1000,
    ) -> None:
        super().__init__(exclusion_writer, batch_size)
        self._flag = FlagBatch(db, rules, purposes, agent)
        self._column, self._keep_unknown = column, keep_unknown

    def filter(self, doc: Any) -> bool | tuple[bool, str]:
        """Whether a document is kept, or why not."""
        return self.filter_batch([doc])[0]

    def filter_batch(self, batch: list[Any]) -> list[bool | tuple[bool, str]]:
        """Whether each document is kept, or why not."""
        found = self._flag({"url": [doc.metadata.get(self._column) for doc in batch]})
        for doc, values in zip(batch, zip(*found.values(), strict=True), strict=True):
            doc.metadata.update(zip(found, values, strict=True))
        return [self._decided(doc.metadata) for doc in batch]

    def _decided(self, metadata: dict[str, Any]) -> bool | tuple[bool, str]:
        reserved = metadata["tdm_reserved"]
        kept = self._keep_unknown if reserved is None else not reserved
        return kept or (False, f"tdm_{metadata['tdm_state']}")
