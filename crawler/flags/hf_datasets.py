"""`FlagBatch`: a function for `datasets.Dataset.map` that adds the verdict columns."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from crawler.flags.flagger import Flagger, purposes_of
from crawler.rulesets import RuleSet
from crawler.store import runs
from crawler.store.database import connect_read_only
from crawler.vocab import Purpose


class FlagBatch:
    """Callable for `datasets.Dataset.map(..., batched=True)` that adds the verdict columns.

    Arguments as for `Flagger`; `column` names the column with the URLs. It can be pickled: each
    process opens the database for itself. Its pickle changes with the evidence in the database,
    so that the library's cache recomputes rows after a crawl.
    """

    def __init__(
        self,
        db: str | os.PathLike[str],
        rules: RuleSet | str | None = None,
        purposes: Sequence[Purpose | str] = (Purpose.GENAI_TRAIN,),
        agent: str | None = None,
        *,
        column: str = "url",
    ) -> None:
        self._db, self._rules = os.path.abspath(db), rules
        self._purposes, self._agent, self._column = purposes_of(purposes), agent, column
        self._flagger: Flagger | None = None

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the verdict columns for a batch of rows, by name."""
        if self._flagger is None:
            self._flagger = Flagger(self._db, self._rules, self._purposes, self._agent)
        columns: dict[str, list[Any]] = self._flagger.flag(rows[self._column]).to_pydict()
        return columns

    def __getstate__(self) -> dict[str, Any]:
        # `datasets` hashes the pickle to find cached results, so the evidence is part of it; an
        # open flagger must not be: it cannot be pickled, and would make equal functions differ.
        db = connect_read_only(self._db)
        try:
            return self.__dict__ | {"_flagger": None, "_evidence": runs.fingerprint(db)}
        finally:
            db.close()
