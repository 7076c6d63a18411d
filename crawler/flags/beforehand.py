"""What the database knows beforehand about the origins that rows may come from."""

import sqlite3
from typing import Any

import duckdb

from crawler.flags.bench import Bench
from crawler.flags.duck import insert, run
from crawler.flags.numbering import Numbering
from crawler.outlook import MOST_SHAPES, PAGE
from crawler.protocols._shapes import ROBOTS_TXT
from crawler.store import verdicts

# Under one scheme such a key is an origin's, under the other the port is the default and left out.
_DEFAULT_PORTS = (":80", ":443")
_ONLY_ROBOTS_TXT = [(ROBOTS_TXT.of, ROBOTS_TXT.like)]


def load(
    duck: duckdb.DuckDBPyConnection, db: sqlite3.Connection, bench: Bench, numbers: Numbering
) -> None:
    """Make the tables of beforehand.sql and fill them from the database."""
    run(duck, "beforehand.sql")
    asked = (bench.rules.label, bench.agent, bench.purposes)
    gated, special = _load_shapes(duck, db)
    pages, combinations = [], []
    for origin, what, found in verdicts.special(db, *asked):
        number = numbers.number(bench.of(found))
        if what.startswith(PAGE):
            special.add(origin)
            pages.append((origin, what.removeprefix(PAGE), number))
        else:
            combinations.append((origin, what, number))
    insert(duck, "page", pages)
    insert(duck, "combination", combinations)
    insert(
        duck,
        "origin",
        [
            _origin(known, known.origin in special, known.origin in gated, bench, numbers)
            for known in verdicts.known(db, *asked)
        ],
    )


def _load_shapes(
    duck: duckdb.DuckDBPyConnection, db: sqlite3.Connection
) -> tuple[set[int], set[int]]:
    """Load the shapes; which origins tell any URLs apart, and which more than their robots.txt."""
    gated, special, shapes, too_many = set(), set(), [], []
    for origin, found in verdicts.shapes(db):
        gated.add(origin)
        if found != _ONLY_ROBOTS_TXT:
            special.add(origin)
        if len(found) > MOST_SHAPES:
            too_many.append((origin,))
        else:
            shapes += [(origin, n, *shape) for n, shape in enumerate(found, start=1)]
    insert(duck, "shape", shapes)
    insert(duck, "too_many", too_many)
    return gated, special


def _origin(
    known: verdicts.Known, special: bool, gated: bool, bench: Bench, numbers: Numbering
) -> tuple[Any, ...]:
    verdict = None
    if known.usual:
        verdict = numbers.number(bench.of(known.usual))
    elif not known.visited:
        verdict = numbers.number(bench.never_asked())
    ready = verdict is not None
    ported = known.key.endswith(_DEFAULT_PORTS)
    return known.key, known.origin, verdict, special or not ready, gated, ported, ready


def prepare(duck: duckdb.DuckDBPyConnection, bench: Bench, numbers: Numbering) -> None:
    """Work out what was not worked out before, for the origins that occur among the rows.

    Where an origin has no usual verdict, each path of it is judged for itself.
    """
    unready = duck.execute(
        "SELECT origin FROM origin WHERE NOT ready AND (origin IN (SELECT origin FROM located) "
        "OR key IN (SELECT key FROM named)) ORDER BY origin"
    ).fetchall()
    usual, pages = [], []
    for (origin,) in unready:
        verdict, own = bench.outlook(origin)
        usual.append((origin, None if verdict is None else numbers.number(verdict)))
        pages += [(origin, path, numbers.number(found)) for path, found in own.items()]
    duck.execute("DELETE FROM usual")
    insert(duck, "usual", usual)
    insert(duck, "page", pages)
    run(duck, "prepared.sql")
