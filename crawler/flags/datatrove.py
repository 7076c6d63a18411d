"""`ReservationFilter` for pipelines of datatrove. Importing it needs the extra `datatrove`."""

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
        f"ReservationFilter needs datatrove ({error}); "
        "install it with: .venv/bin/pip install -e '.[datatrove]'"
    ) from error


class ReservationFilter(BaseFilter):  # type: ignore[misc] # the library has no types
    """Drops documents whose URL is reserved, or of which that is not known.

    The URL is `metadata[column]`; the verdict columns are added to the metadata of every document.
    `keep_unknown` keeps documents whose `tdm_reserved` is None. The library counts the dropped ones
    by state. The other arguments are those of `Flagger` and of `BaseFilter`.
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
        """Return True to keep a document, or False and the reason."""
        return self.filter_batch([doc])[0]

    def filter_batch(self, batch: list[Any]) -> list[bool | tuple[bool, str]]:
        """Return True for each document to keep, or False and the reason."""
        columns = self._flag({"url": [doc.metadata.get(self._column) for doc in batch]})
        for doc, values in zip(batch, zip(*columns.values(), strict=True), strict=True):
            doc.metadata.update(zip(columns, values, strict=True))
        return [self._decision(doc.metadata) for doc in batch]

    def _decision(self, metadata: dict[str, Any]) -> bool | tuple[bool, str]:
        reserved = metadata["tdm_reserved"]
        kept = self._keep_unknown if reserved is None else not reserved
        return kept or (False, f"tdm_{metadata['tdm_state']}")
