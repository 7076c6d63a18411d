"""Flags where documents flow through other libraries: `datasets` and `datatrove`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from crawler.flags.flagger import Flagger, purposes_of
from crawler.rulesets import RuleSet
from crawler.store import runs
from crawler.store.database import connect_read_only
from crawler.vocab import Purpose


class FlagBatch:
    """A function for `datasets.Dataset.map(..., batched=True)` that adds the seven columns.

    It can be sent to other processes, each of which opens the database for itself. Two are taken
    as equal by the library's cache if the evidence and all else is equal.
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
        """The columns for a batch of rows."""
        if self._flagger is None:
            self._flagger = Flagger(self._db, self._rules, self._purposes, self._agent)
        found: dict[str, list[Any]] = self._flagger.flag(rows[self._column]).to_pydict()
        return found

    def __getstate__(self) -> dict[str, Any]:
        db = connect_read_only(self._db)
        try:
            return self.__dict__ | {"_flagger": None, "_evidence": runs.fingerprint(db)}
        finally:
            db.close()
