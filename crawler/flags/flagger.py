"""Flag rows: DuckDB tells them apart, and the judge is asked once for each difference."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crawler import __version__
from crawler.dataset.inventory import parse_authority
from crawler.errors import UserError
from crawler.evaluate.url_verdicts import Verdict
from crawler.flags import tables
from crawler.flags.duck import batches, insert, run
from crawler.flags.reference import ReferenceEvaluator
from crawler.flags.verdict_ids import SCHEMA, VerdictIds
from crawler.model import Origin
from crawler.protocols.url_patterns import path_forms
from crawler.rulesets import RuleSet
from crawler.store import flag_cache
from crawler.store.database import connect_read_only
from crawler.store.derived import rule_set
from crawler.store.runs import fingerprint
from crawler.urls import canonical
from crawler.vocab import Purpose

_ROWS = 1_000_000


class UnknownPurposeError(UserError, ValueError):
    """There is no purpose of that name; the message lists those there are."""


def purposes_of(given: str | Sequence[Purpose | str]) -> tuple[Purpose, ...]:
    """Purposes by their names, each once; a single name is one of its own."""
    named = [given] if isinstance(given, str) else list(given)
    if not named or not set(named) <= set(Purpose):
        raise UnknownPurposeError(f"{given!r} are no purposes; there are {', '.join(Purpose)}")
    return tuple(Purpose(name) for name in dict.fromkeys(named))


class Flagger:
    """Verdicts for rows out of a database, for some purposes, under one rule set.

    `db` is the path of an audit database, or a connection to one. `rules` is a rule set, a name
    or a file (None for the one that the database shows). For several purposes a row gets one
    verdict, the strongest, and `tdm_purpose` says for which. `agent` is a product token, None for
    everybody. `duck` is where rows are told apart, by default in memory. Close it, or use it as a
    context manager. Raises `ExplainedError` where it cannot be made. `evidence` tells the state of
    the database from others, `facts` all that its verdicts come from.
    """

    def __init__(
        self,
        db: sqlite3.Connection | str | os.PathLike[str],
        rules: RuleSet | str | None = None,
        purposes: Sequence[Purpose | str] = (Purpose.GENAI_TRAIN,),
        agent: str | None = None,
        *,
        duck: duckdb.DuckDBPyConnection | None = None,
    ) -> None:
        with ExitStack() as opened:
            if not isinstance(db, sqlite3.Connection):
                db = opened.enter_context(closing(connect_read_only(Path(db))))
            if not isinstance(rules, RuleSet):
                rules = rule_set(db, rules)
            self._bench = ReferenceEvaluator(db, rules, purposes_of(purposes), agent)
            self._duck = duck or opened.enter_context(closing(duckdb.connect()))
            # Taken before anything is read: what a crawl adds meanwhile is other evidence.
            self.evidence = fingerprint(db)
            self.facts = _facts(self.evidence, self._bench)
            self._load(db)
            self._opened = opened.pop_all()

    def _load(self, db: sqlite3.Connection) -> None:
        self.numbering = VerdictIds()
        stored = flag_cache.load(db, self.facts)
        self._is_new = not stored
        if stored:
            tables.restore(self._duck, stored, self.numbering)
            return
        # The verdict number 0 is what SQL gives a row of an origin that is not in the database.
        self.numbering.number(self._bench.never_asked())
        tables.load(self._duck, db, self._bench, self.numbering)

    def close(self) -> None:
        """Give back what was opened here."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def learned(self) -> dict[str, bytes]:
        """What the next one in the same way can begin with (`store.prepared`); nothing where this
        one learned nothing.
        """
        is_news = self._is_new or self._bench.new_verdicts
        return tables.kept(self._duck, self.numbering) if is_news else {}

    @property
    def new_verdicts(self) -> list[tuple[int, str, tuple[Verdict, ...]]]:
        """What was not in the database: origin, what it is for, and the verdicts."""
        return self._bench.new_verdicts

    def verdict(self, url: str | None) -> Verdict:
        """The verdict for one URL as it stands in a dataset."""
        return self._bench.verdict(url)

    def flag(self, urls: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> pa.Table:
        """The seven columns for URLs, in their order."""
        given = _texts(urls)
        self._duck.register("urls", pa.table({"url": given}))
        try:
            found = self.numbers("SELECT row_number() OVER () AS n, url FROM urls")
            numbers = pa.concat_arrays([pa.array([], pa.int32()), *found])
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
        tables.prepare(duck, self._bench, self.numbering)
        run(duck, "shaped.sql")
        self._normalise()
        run(duck, "told.sql")
        self._hear()
        run(duck, "answered.sql")
        found = self._in_order()
        for start in range(0, len(found), _ROWS):
            yield found.slice(start, _ROWS)

    def _in_order(self) -> pa.Array:
        """The number of the verdict of each row, in the order of rows: they are put in their
        places, which is cheaper than to sort them.
        """
        usual = self._duck.sql("SELECT n, coalesce(verdict, 0) AS verdict FROM located")
        other = self._duck.sql("SELECT n, verdict FROM answer")
        rows, others = usual.to_arrow_table(), other.to_arrow_table()
        if not len(rows):
            return pa.array([], pa.int32())
        first, last = pc.min(rows["n"]), len(rows) - 1
        placed, better = (
            pc.scatter(
                found["verdict"].combine_chunks(),
                pc.subtract(found["n"], first).combine_chunks(),
                max_index=last,
            )
            for found in (rows, others)
        )
        return pc.coalesce(better, placed)

    def _name_strays(self) -> None:
        def name(kind: str, text: str) -> tuple[str, str, str | None, int | None]:
            origin = parse_authority(kind, text)
            if isinstance(origin, Origin):
                return kind, text, canonical.origin_key(origin), None
            verdict = self._bench.unknown(f"no origin: {origin}")
            return kind, text, None, self.numbering.number(verdict)

        self._fill("named", "SELECT DISTINCT kind, text FROM strange", name)

    def _normalise(self) -> None:
        def normal(url: str) -> tuple[str, str, str]:
            path = canonical.path_of(url)
            return url, path, path_forms(path).path

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


def _facts(evidence: str, bench: ReferenceEvaluator) -> str:
    """What a flagging's verdicts come from, as a digest."""
    facts = (__version__, evidence, bench.rules.text, bench.agent, bench.purposes)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _texts(urls: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """URLs as DuckDB reads them; what is no text is none."""
    if isinstance(urls, pa.Array | pa.ChunkedArray):
        return urls.cast(pa.string())
    texts = [url if isinstance(url, str) else None for url in urls]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        legible = (text and text.encode(errors="replace").decode() for text in texts)
        return pa.array(legible, pa.string())
