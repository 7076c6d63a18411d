"""Excerpts: what flags need of some origins of an audit in parts, in one database.

An excerpt is an audit database that has the verdicts, patterns and times of its origins, from the
tables of the audit, and no responses: those stay in the databases of the parts (`part_evidence`).
It is removed at the end.

Rules for editors: the memory that an excerpt takes must depend on its own origins, and not on those
of the audit. So DuckDB reads the tables, within its limit, and rows go on in portions. Numbers are
those of `tables`, with the number of the part in their upper bits.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from crawler.rulesets import RuleSet, RuleSetError
from crawler.store import derived, part_evidence
from crawler.store.audit_folder import AuditFolder
from crawler.store.database import connect
from crawler.store.exported_tables import LAST, PART_BITS
from crawler.store.failures import os_errors_as_store_error, sqlite_errors_as_store_error
from crawler.store.flag_tables import FlagTables
from crawler.store.part_facts import code_digest, two_rule_sets
from crawler.store.part_tables import tables_of_whole

#: The table of DuckDB with the keys of the origins that are wanted.
WANTED = "wanted_key"
#: The tables that excerpts are made of.
NEEDED = (
    *("ruleset", "run", "visit", "evaluated_visit", "verdict", "url_pattern"),
    *("observation_reading", "current_answer", "resource_evidence", LAST),
)
_ROWS_AT_ONCE = 20_000
_TRIGGERS = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
# Parts in which a clock was ahead: the order of their evidence is not that of its times, so that
# keys of evidence are not relied on (`known_evidence.has_keys`).
_WITH_BOUNDS = f"""
    SELECT DISTINCT part FROM (
        SELECT part, due_at, min(due_at) OVER (
            PARTITION BY part ORDER BY id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS earliest
        FROM (SELECT id, id >> {PART_BITS} AS part, settings ->> 'due_at' AS due_at FROM run)
        WHERE due_at IS NOT NULL
    ) WHERE due_at > earliest
"""  # noqa: S608 - our own number
# Tables of DuckDB with what is wanted: origins; their verdicts and current answers; readings of
# these that have patterns; and origins of which `flag` may have to evaluate something. Each is made
# of those before it, so that of a join no table of the whole audit is in memory.
_CHOICE = (
    f"CREATE TEMP TABLE chosen AS SELECT * FROM origin SEMI JOIN {WANTED} USING (key)",  # noqa: S608 - our own name
    """
    CREATE TEMP TABLE told AS
    SELECT * FROM verdict SEMI JOIN chosen ON chosen.id = verdict.origin
    WHERE rules = $rules AND agent = $agent AND purpose IN $purposes
    """,
    """
    CREATE TEMP TABLE answer AS
    SELECT * FROM current_answer SEMI JOIN chosen ON chosen.id = current_answer.origin
    """,
    """
    CREATE TEMP TABLE answer_reading AS
    SELECT * FROM observation_reading AS found SEMI JOIN answer ON answer.id = found.observation
    """,
    """
    CREATE TEMP TABLE pattern AS
    SELECT * FROM url_pattern SEMI JOIN answer_reading USING (reading)
    """,
    """
    CREATE TEMP TABLE patterned AS
    SELECT answer.origin, answer_reading.* FROM answer_reading
    SEMI JOIN pattern USING (reading) JOIN answer ON answer.id = answer_reading.observation
    """,
    """
    CREATE TEMP TABLE evaluated AS
    SELECT id AS origin FROM chosen ANTI JOIN (
        SELECT origin FROM told WHERE pattern_set = ''
        GROUP BY origin HAVING count(*) = len($purposes)
    ) AS whole ON whole.origin = chosen.id
    UNION
    SELECT origin FROM patterned
    """,
)
# What is copied into each table: a query whose columns are named as those of the table. What an
# observation says is in its part; here it is no more than a time.
_COPIED = {
    "origin": "FROM chosen ORDER BY id",
    "visit": "FROM visit SEMI JOIN chosen ON chosen.id = visit.origin ORDER BY origin, run",
    "evaluated_visit": """
        SELECT * REPLACE (
            CASE WHEN origin >> $bits IN (FROM trusted_part) THEN evidence_key END AS evidence_key
        )
        FROM evaluated_visit SEMI JOIN chosen ON chosen.id = evaluated_visit.origin ORDER BY origin
    """,
    "verdict": "FROM told ORDER BY origin, pattern_set, purpose",
    # Behind the number of the part the key of a reading is the same in all parts.
    "url_pattern": """
        SELECT DISTINCT ON (reading, n) * REPLACE (split_part(reading, ':', -1) AS reading)
        FROM pattern ORDER BY reading, n, compared, pattern
    """,
    "observation_reading": """
        SELECT observation, split_part(reading, ':', -1) AS reading FROM patterned ORDER BY ALL
    """,
    "observation_row": """
        SELECT
            answer.*,
            '' AS asked, 0 AS hop, '' AS url, 'withheld' AS outcome, 'null' AS headers, 0 AS size,
            0 AS truncated, 0 AS elapsed_ms, '' AS address, '' AS note, '' AS tls_version,
            '' AS tls_certificate, '' AS tls_verified
        FROM answer SEMI JOIN evaluated USING (origin) ORDER BY id
    """,
    "resource_evidence": """
        FROM resource_evidence SEMI JOIN evaluated USING (origin) ORDER BY origin, resource, path
    """,
}


class Excerpts:
    """Makes excerpts of an audit in parts, all of the generations that were the newest at first.

    `place` is the path or URL of the audit. `evidence` is a digest of the databases of its parts.
    """

    def __init__(self, found: FlagTables, place: str, scratch: Path) -> None:
        self._tables, self._place = found, place
        self._empty = scratch / "empty.db"
        connect(self._empty, create=True).close()

    @property
    def evidence(self) -> str:
        """Return a digest of the databases of all parts."""
        return self._tables.evidence

    def rule_set(self, duck: duckdb.DuckDBPyConnection, given: str | None) -> RuleSet:
        """Return a rule set by its name as `derived.rule_set` does; None is that of the parts.

        Raise `RuleSetError` if they do not agree, and for what `derived.rule_set` raises it.
        """
        parts = ((generation.part or 0, facts) for generation, facts in self._tables.parts.items())
        if given is None and (differing := two_rule_sets(parts)):
            raise RuleSetError(
                f"of {self._tables.shown}, {differing}; name a rule set with --rules"
            )
        with self._opened(duck), closing(sqlite3.connect(self._empty)) as db:
            rows = duck.execute("SELECT DISTINCT * FROM ruleset ORDER BY ALL").fetchall()
            # In two parts one may be chosen and not: the row that says so comes last.
            db.executemany("INSERT OR REPLACE INTO ruleset VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            rules = derived.rule_set(db, given)
            db.rollback()
        if len({text for label, _, _, _, text, *_ in rows if label == rules.label}) > 1:
            raise RuleSetError(
                f"parts of {self._tables.shown} were judged under different texts of "
                f"{rules.label}; judge all of them again"
            )
        return rules

    def write(
        self,
        duck: duckdb.DuckDBPyConnection,
        path: Path,
        rules: RuleSet,
        agent: str | None,
        purposes: Sequence[str],
    ) -> None:
        """Write an excerpt: of the origins whose keys are in table `WANTED` of the connection."""
        values = {
            "rules": rules.label,
            "agent": agent or "",
            "purposes": list(map(str, purposes)),
            "bits": PART_BITS,
        }
        with (
            os_errors_as_store_error(path),
            sqlite_errors_as_store_error(path),
            self._opened(duck),
        ):
            shutil.copyfile(self._empty, path)
            self._save_trusted(duck)
            for statement in _CHOICE:
                _execute(duck, statement, values)
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                # Whatever ends this leaves a file that nobody opens: nothing has to be undone.
                db.execute("PRAGMA journal_mode = OFF")
                db.execute("PRAGMA synchronous = OFF")
                for (trigger,) in db.execute(_TRIGGERS).fetchall():
                    db.execute(f"DROP TRIGGER {trigger}")
                db.execute("BEGIN")
                derived.save_protocols(db)
                parts = ((g.part or 0, g.name) for g in self._tables.parts)
                part_evidence.save_places(db, self._place, parts)
                for name, query in _COPIED.items():
                    _copy(duck, db, name, query, values)
                db.execute("COMMIT")

    @contextmanager
    def _opened(self, duck: duckdb.DuckDBPyConnection) -> Iterator[None]:
        with self._tables.errors_named(duck), closing(sqlite3.connect(self._empty)) as empty:
            self._tables.open(duck, empty)
            yield

    def _save_trusted(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Save the parts whose keys of evidence can be relied on."""
        code = code_digest()
        current = {g.part or 0 for g, facts in self._tables.parts.items() if facts.code == code}
        trusted = current - {part for (part,) in duck.execute(_WITH_BOUNDS).fetchall()}
        duck.execute(
            "CREATE TEMP TABLE trusted_part AS SELECT unnest($parts::BIGINT[])",
            {"parts": sorted(trusted)},
        )


@contextmanager
def opened_excerpts(folder: AuditFolder, place: str, scratch: Path) -> Iterator[Excerpts]:
    """Open an audit in parts for excerpts. Raise `StoreError` if a part is missing or damaged."""
    with tables_of_whole(folder, NEEDED) as found:
        yield Excerpts(FlagTables(folder, found, NEEDED), place, scratch)


def _execute(
    duck: duckdb.DuckDBPyConnection, statement: str, values: dict[str, object]
) -> duckdb.DuckDBPyConnection:
    """Execute a statement with those of the values that it names."""
    return duck.execute(statement, {n: v for n, v in values.items() if f"${n}" in statement})


def _copy(
    duck: duckdb.DuckDBPyConnection,
    db: sqlite3.Connection,
    name: str,
    query: str,
    values: dict[str, object],
) -> None:
    """Copy the rows of a query of DuckDB into a table, by the names of their columns."""
    found = _execute(duck, query, values)
    columns = [column for column, *_ in found.description or ()]
    names, marks = ", ".join(f'"{c}"' for c in columns), ", ".join("?" * len(columns))
    insert = f"INSERT INTO {name} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
    while rows := found.fetchmany(_ROWS_AT_ONCE):
        db.executemany(insert, rows)
