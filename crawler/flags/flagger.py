"""Flag rows: DuckDB tells them apart, and the judge is asked once for each difference."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from crawler import names
from crawler.dataset.inventory import name_spot
from crawler.flags import beforehand
from crawler.flags.bench import Bench
from crawler.flags.duck import batches, insert, run
from crawler.flags.numbering import SCHEMA, Numbering
from crawler.model import Origin
from crawler.outlook import Verdict
from crawler.protocols._shapes import forms_of
from crawler.rulesets import RuleSet
from crawler.vocab import Purpose

_ROWS = 1_000_000


class Flagger:
    """Verdicts for rows out of a database, for some purposes, under one rule set.

    For several purposes a row gets one verdict, the strongest, and `tdm_purpose` says for which.
    `agent` is a product token, None for everybody. `duck` is where rows are told apart, by
    default in memory.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        rules: RuleSet,
        purposes: Sequence[Purpose],
        agent: str | None = None,
        *,
        duck: duckdb.DuckDBPyConnection | None = None,
    ) -> None:
        self._bench = Bench(db, rules, purposes, agent)
        self._duck = duck or duckdb.connect()
        self.numbering = Numbering()
        # The verdict number 0 is what SQL gives a row of an origin that is not in the database.
        self.numbering.number(self._bench.never_asked())
        beforehand.load(self._duck, db, self._bench, self.numbering)

    @property
    def worked_out(self) -> list[tuple[int, str, tuple[Verdict, ...]]]:
        """What was not in the database: origin, what it is for, and the verdicts."""
        return self._bench.worked_out

    def verdict(self, url: str | None) -> Verdict:
        """The verdict for one URL as it stands in a dataset."""
        return self._bench.verdict(url)

    def flag(self, urls: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> pa.Table:
        """The seven columns for URLs, in their order."""
        given = pa.array(urls, pa.string()) if not isinstance(urls, pa.ChunkedArray) else urls
        self._duck.register("urls", pa.table({"url": given}))
        try:
            found = self.numbers("SELECT row_number() OVER () AS n, url FROM urls")
            numbers = pa.chunked_array(list(found), pa.int32()).combine_chunks()
            return pa.table(self.numbering.columns(numbers), names=SCHEMA.names).cast(SCHEMA)
        finally:
            self._duck.unregister("urls")

    def numbers(self, rows: str) -> Iterator[pa.Array]:
        """The number of the verdict for each row of a query with `n` and `url`, by `n`.

        All verdicts are worked out before the first comes; take all before asking again.
        """
        duck = self._duck
        duck.execute(f"CREATE OR REPLACE TEMP VIEW source AS {rows}")
        run(duck, "marks.sql", "crawler.dataset")
        run(duck, "located.sql")
        self._name_strays()
        beforehand.prepare(duck, self._bench, self.numbering)
        run(duck, "shaped.sql")
        self._normalise()
        run(duck, "told.sql")
        self._hear()
        run(duck, "answered.sql")
        for batch in duck.sql("SELECT verdict FROM answered").to_arrow_reader(_ROWS):
            yield batch.column(0)

    def _name_strays(self) -> None:
        def name(kind: str, text: str) -> tuple[str, str, str | None, int | None]:
            origin = name_spot(kind, text)
            if isinstance(origin, Origin):
                return kind, text, names.origin_key(origin), None
            verdict = self._bench.unknown(f"no origin: {origin}")
            return kind, text, None, self.numbering.number(verdict)

        self._fill("named", "SELECT kind, text FROM stray", name)

    def _normalise(self) -> None:
        def normal(url: str) -> tuple[str, str, str]:
            path = names.path_of(url)
            return url, path, forms_of(path).path

        self._fill("odd", "SELECT DISTINCT url FROM unusual", normal)

    def _hear(self) -> None:
        """Ask the judge about each combination that nobody has asked about."""

        def judged(origin: int, what: str, path: str) -> tuple[int, str, int]:
            kept = what if what[:1].isdigit() else None
            return origin, what, self.numbering.number(self._bench.judged(origin, path, kept))

        query = "SELECT origin, what, path FROM unheard ORDER BY origin"
        self._fill("combination", query, judged)

    def _fill(self, table: str, query: str, make: Callable[..., tuple[Any, ...]]) -> None:
        """Insert what Python makes of the rows of a query."""
        for rows in batches(self._duck, query):
            insert(self._duck, table, [make(*row) for row in rows])
