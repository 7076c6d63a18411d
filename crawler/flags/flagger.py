"""Flag rows: DuckDB groups URLs by the patterns they match; the evaluator runs once per group.

Steps, in the order of the SQL files (docs/reference/flags.md draws what each makes of the one
before):

1. `01_tables.sql`: create the tables of known origins, patterns and verdicts.
2. `02_staging.sql`: create tables for what `tables.preload` copies from the database.
3. `03_known_origins.sql`: number the patterns of each origin. Steps 2 and 3 are left out where the
   flag cache of the database has the result.

Then for each query of rows (`Flagger.verdict_ids`):

4. `dataset.url_parts` splits URLs; `04_locate_rows.sql` finds the origin of each row.
   `_parse_hosts` parses the authorities that SQL cannot.
5. `tables.evaluate_new_origins` evaluates origins without stored verdicts;
   `05_default_verdicts.sql` takes them over.
6. `06_resolve_hosts.sql` joins the parsed hosts. `_normalise_paths` normalises paths.
7. `07_match_patterns.sql` finds the set of patterns that the path of a row matches.
8. `08_pending.sql` lists the pattern sets without a verdict; `_evaluate_pending` evaluates them.
9. `09_verdicts.sql` picks the verdict of each row; `_in_row_order` sorts them.
10. For rows with several URLs, `10_row_verdicts.sql` picks the strictest (`row_verdicts`).

Rules for editors:
- `ReferenceEvaluator.verdict` is the definition; SQL may only skip what cannot change its answer.
  tests/flags/test_flagger.py compares the two on hostile URLs and files.
- A step reads tables that the steps before it have replaced, so the order is fixed, and the steps
  are not re-entrant: `_evaluate` runs in `_exclusively`.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from crawler import __version__
from crawler.dataset.columns import UrlColumns
from crawler.dataset.url_parts import create_views, parse_authority
from crawler.errors import UserError
from crawler.evaluate.as_of import AsOfVerdict
from crawler.evaluate.url_verdicts import NO_ORIGIN, Verdict
from crawler.flags import as_of_tables, row_order, tables
from crawler.flags.as_of import AsOfEvaluator, AsOfOptions
from crawler.flags.duck import batches, insert_rows, run_sql
from crawler.flags.reference import ReferenceEvaluator
from crawler.flags.row_verdicts import DATED, row_verdicts
from crawler.flags.shared_verdicts import SharedVerdicts
from crawler.flags.verdict_ids import VerdictIds
from crawler.instants import Instant
from crawler.model import Origin
from crawler.protocols.url_patterns import path_forms
from crawler.rulesets import RuleSet
from crawler.store import flag_cache
from crawler.store.database import connect_read_only
from crawler.store.derived import rule_set
from crawler.store.part_evidence import is_excerpt, opened_evidence
from crawler.store.runs import fingerprint
from crawler.urls import canonical
from crawler.vocab import Purpose

# Rows of a batch of numbers.
_BATCH_ROWS = 1_000_000


class UnknownPurposeError(UserError, ValueError):
    """A name is not that of a purpose; the message lists the purposes."""


class FlaggerBusyError(RuntimeError):
    """A flagger was used while it was evaluating, by another thread or from a callback."""


def purposes_of(given: str | Sequence[Purpose | str]) -> tuple[Purpose, ...]:
    """Return purposes by their names, without duplicates; a single name may be given as text.

    Raises `UnknownPurposeError` for an unknown name and for no name at all.
    """
    named = [given] if isinstance(given, str) else list(given)
    if not named or not set(named) <= set(Purpose):
        raise UnknownPurposeError(f"{given!r} are no purposes; there are {', '.join(Purpose)}")
    return tuple(Purpose(name) for name in dict.fromkeys(named))


class Flagger:
    """Gives rows their verdicts out of a database, for some purposes, under one rule set.

    `db` is the path of an audit database, or a connection to one. `rules` is a rule set, its name,
    or a file (None: the one that the views of the database show). For several purposes a row gets
    one verdict, the strictest, and `tdm_purpose` names its purpose. `agent` is a product token;
    None evaluates for every agent. `duck` is the DuckDB connection to work in, by default one in
    memory. With `as_of` rows have times, and verdicts are those of the past (`AsOfVerdict`).
    Raises `UserError` if an argument is wrong or the database cannot be read.

    A flagger serves one thread. Close it, or use it as a context manager.

    Attributes: `evidence` is a digest of the database's evidence. `cache_key` is a digest of
    everything that verdicts depend on. `ids` are the verdicts by number.
    """

    def __init__(
        self,
        db: sqlite3.Connection | str | os.PathLike[str],
        rules: RuleSet | str | None = None,
        purposes: Sequence[Purpose | str] = (Purpose.GENAI_TRAIN,),
        agent: str | None = None,
        *,
        duck: duckdb.DuckDBPyConnection | None = None,
        as_of: AsOfOptions | None = None,
    ) -> None:
        self._lock = threading.Lock()
        with ExitStack() as opened:
            if not isinstance(db, sqlite3.Connection):
                db = opened.enter_context(closing(connect_read_only(Path(db))))
            if not isinstance(rules, RuleSet):
                rules = rule_set(db, rules)
            given = (db, rules, purposes_of(purposes), agent)
            reader = opened.enter_context(opened_evidence(db))
            self._now = None
            if as_of is None:
                # Nobody reads an excerpt again, so what is new is not stored in it.
                keeps_new = not is_excerpt(db)
                self._now = ReferenceEvaluator(*given, reader, keeps_new=keeps_new)
            self._past = None if as_of is None else AsOfEvaluator(*given, as_of)
            self._duck = duck or opened.enter_context(closing(duckdb.connect()))
            # Before anything is read: what a crawl adds meanwhile belongs to another fingerprint.
            self.evidence = fingerprint(db)
            self.cache_key = _cache_key(self.evidence, self._evaluator, as_of)
            self._load(db)
            self._opened = opened.pop_all()

    def _load(self, db: sqlite3.Connection) -> None:
        self.ids = VerdictIds(as_of=self._past is not None)
        state = flag_cache.load(db, self.cache_key)
        self._is_changed = not state
        if state:
            tables.restore_state(self._duck, state, self.ids)
            return
        # SQL gives rows of unknown origins the number 0 (06_resolve_hosts.sql and `_in_row_order`),
        # so this verdict must be added first.
        self.ids.add(self._evaluator.never_asked())
        if self._now is not None:
            tables.preload(self._duck, db, self._now, self.ids)
        else:
            run_sql(self._duck, "01_tables.sql")

    @property
    def _evaluator(self) -> ReferenceEvaluator | AsOfEvaluator:
        found = self._now or self._past
        assert found is not None
        return found

    def close(self) -> None:
        """Close the connections that were opened here; those that were given stay open."""
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

    def export_state(self) -> dict[str, bytes]:
        """Return the state for `store.flag_cache`, by table; empty if nothing new was evaluated."""
        is_changed = self._is_changed or (self._now is not None and self._now.has_new)
        return tables.export_state(self._duck, self.ids) if is_changed else {}

    @property
    def new_verdicts(self) -> list[tuple[int, str, tuple[Verdict, ...]]]:
        """Verdicts that the database did not hold; none of an excerpt."""
        return self._now.new_verdicts if self._now else []

    @property
    def shared(self) -> SharedVerdicts | None:
        """Verdicts that origins with equal evidence share; None with `as_of`."""
        return self._now.shared if self._now else None

    def verdict(self, url: str | None) -> Verdict:
        """Return the verdict for one text of a URL column, without DuckDB. Not for `as_of`."""
        if self._now is None:
            raise TypeError("this Flagger answers for times: call verdict_at")
        return self._now.verdict(url)

    def verdict_at(self, url: str | None, instant: Instant | None) -> AsOfVerdict:
        """Return the verdict for one text of a URL column at a time, without DuckDB."""
        if self._past is None:
            raise TypeError("this Flagger answers for the present: call verdict")
        return self._past.verdict(url, instant)

    def flag(
        self,
        urls: Sequence[str | None] | pa.Array | pa.ChunkedArray,
        instants: Sequence[Instant | None] | None = None,
    ) -> pa.Table:
        """Return the columns of `ids.schema` for URLs, in their order.

        With `as_of` each URL has one of `instants`, and the columns `row_verdicts.DATED` are added.
        Raises `FlaggerBusyError` if this flagger is already evaluating, and `TypeError` for a text,
        and where there are instants for a flagger of the present or none for another.
        """
        if (instants is None) != (self._past is None):
            raise TypeError("instants are for a Flagger with as_of, and only for it")
        columns = {"url": _texts(urls)}
        if instants is not None:
            columns["moment"] = pa.array([i and i.number for i in instants], pa.int64())
        with self._exclusively():
            self._duck.register("urls", pa.table(columns))
            try:
                rows = self._evaluate("SELECT row_number() OVER () AS n, * FROM urls")
            finally:
                self._duck.unregister("urls")
        numbers, *others = rows.columns
        schema = pa.schema([*self.ids.schema, *(DATED if self._past else ())])
        return pa.table([*self.ids.columns(numbers), *others], names=schema.names).cast(schema)

    def row_batches(self, query: str, urls: UrlColumns | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the numbers of the verdicts of rows in batches, in row order, in column `verdict`.

        `query` is SQL for DuckDB; its columns are `n`, consecutive row numbers from any start, and
        `url`. For `urls` that are not plain it is their query, and the batches have the columns of
        `row_verdicts.row_fields`, too. Everything is evaluated before the first batch is yielded.
        From then on the iterator does not depend on the flagger: it need not be exhausted before
        the next call.
        Raises `FlaggerBusyError` at the first batch if this flagger is already evaluating.
        """
        with self._exclusively():
            rows = self._evaluate(query, urls)
        for start in range(0, len(rows), _BATCH_ROWS):
            yield rows.slice(start, _BATCH_ROWS)

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Raise `FlaggerBusyError` instead of mixing the tables of two evaluations."""
        if not self._lock.acquire(blocking=False):
            raise FlaggerBusyError("a Flagger serves one thread and one call at a time")
        try:
            yield
        finally:
            self._lock.release()

    def _evaluate(self, query: str, urls: UrlColumns | None = None) -> pa.RecordBatch:
        """Return what `row_batches` yields."""
        times = None if urls is None else urls.times
        if self._past is not None:
            wanted = {"days": times is None or times.has_days}
            wanted |= {"times": times is None or times.has_times}
            self._is_changed |= as_of_tables.add_pieces(self._duck, self._past, **wanted)
        self._run_steps(query)
        is_plain = urls is None or urls.is_plain
        if urls is None or is_plain:
            told = pa.record_batch([row_order.verdict_numbers(self._duck)], names=["verdict"])
        else:
            told = row_verdicts(self._duck, self.ids, urls.roles)
        if self._past is None:
            return told
        moments = row_order.moments(self._duck, is_plain=is_plain)
        return as_of_tables.with_times(told, moments, self._past, self.ids)

    def _run_steps(self, query: str) -> None:
        """Run steps 4 to 9."""
        duck = self._duck
        duck.execute(f"CREATE OR REPLACE TEMP VIEW source AS {query}")
        create_views(duck)
        run_sql(duck, "04_known_now.sql" if self._now else "04_known_as_of.sql")
        run_sql(duck, "04_locate_rows.sql")
        self._parse_hosts()
        run_sql(duck, "05_hosts_now.sql" if self._now else "05_hosts_as_of.sql")
        if self._now is not None:
            tables.evaluate_new_origins(duck, self._now, self.ids)
        elif self._past is not None:
            self._is_changed |= as_of_tables.evaluate_new_pieces(duck, self._past, self.ids)
        run_sql(duck, "06_resolve_hosts.sql")
        self._normalise_paths()
        run_sql(duck, "07_match_patterns.sql")
        run_sql(duck, "08_pending.sql")
        self._evaluate_pending()
        run_sql(duck, "09_verdicts.sql")

    def _parse_hosts(self) -> None:
        """Fill `parsed_host`: the origin of each authority that SQL cannot parse."""

        def parsed(kind: str, text: str) -> tuple[str, str, str | None, int | None, bool]:
            origin = parse_authority(kind, text)
            if isinstance(origin, Origin):
                is_host = origin.assumed and canonical.names_whole_origin(text)
                return kind, text, canonical.origin_key(origin), None, is_host
            verdict = self._evaluator.unknown(f"{NO_ORIGIN}{origin}")
            return kind, text, None, self.ids.add(verdict), False

        self._insert_results("parsed_host", "SELECT DISTINCT kind, text FROM unparsed_host", parsed)

    def _normalise_paths(self) -> None:
        """Fill `normalised_path`: the path of each URL that SQL cannot normalise."""

        def normalised(url: str) -> tuple[str, str, str]:
            path = canonical.path_of(url)
            return url, path, path_forms(path).path

        query = "SELECT DISTINCT url FROM unnormalised_path"
        self._insert_results("normalised_path", query, normalised)

    def _evaluate_pending(self) -> None:
        """Add to `pattern_set_verdict`: evaluate each pattern set that has no verdict yet."""

        def evaluated(origin: int, pattern_set: str, path: str) -> tuple[int, str, int]:
            self._is_changed |= self._past is not None
            # Verdicts of pattern sets are cached and stored; those of single paths are too many.
            if pattern_set[:1].isdigit():
                verdict = self._evaluator.verdict_for_pattern_set(origin, path, pattern_set)
            else:
                verdict = self._evaluator.verdict_for_path(origin, path)
            return origin, pattern_set, self.ids.add(verdict)

        query = "SELECT origin, pattern_set, path FROM pending_pattern_set ORDER BY origin"
        self._insert_results("pattern_set_verdict", query, evaluated, self._read_ahead)

    def _read_ahead(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Read what is stored of the origins in the first column, which are evaluated next."""
        if self._now is not None:
            self._now.read_ahead(origin for origin, *_ in rows)

    def _insert_results(
        self,
        table: str,
        query: str,
        function: Callable[..., tuple[Any, ...]],
        prepare: Callable[[Sequence[tuple[Any, ...]]], None] | None = None,
    ) -> None:
        """Call a function with the columns of each row of a query; insert what it returns.

        `prepare` is called with some rows before their results are made.
        """
        for rows in batches(self._duck, query):
            if prepare is not None:
                prepare(rows)
            insert_rows(self._duck, table, [function(*row) for row in rows])


def _cache_key(
    evidence: str, evaluator: ReferenceEvaluator | AsOfEvaluator, as_of: AsOfOptions | None
) -> str:
    """Return a digest of all that verdicts depend on, and of the layout that they are stored in."""
    facts = (
        __version__,
        tables.LAYOUT,
        evidence,
        evaluator.rules.text,
        evaluator.agent,
        evaluator.purposes,
        as_of and ("as of", *as_of),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _texts(urls: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return URLs as an Arrow array of text. Values that are no text become null."""
    if isinstance(urls, str | bytes):
        raise TypeError("flag takes a list of URLs, not one of them")
    if isinstance(urls, pa.Array | pa.ChunkedArray):
        return urls.cast(pa.string())
    texts = [url if isinstance(url, str) else None for url in urls]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; a question mark in its place keeps the rest of the URL.
        encodable = (text and text.encode(errors="replace").decode() for text in texts)
        return pa.array(encodable, pa.string())
