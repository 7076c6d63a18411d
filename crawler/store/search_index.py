"""Full-text index of what the evidence says, in a separate file in a cache folder.

One text is kept for each distinct statement, passage and policy, with the documents it is in. The
name of the file has a digest of the evidence and of its readings, so that an outdated one is never
opened. Everything in it can be made again.
"""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from crawler.store.bodies import load_body
from crawler.store.cache_files import cache_folder, cached_file
from crawler.store.failures import os_errors_as_store_error, sqlite_errors_as_store_error
from crawler.store.runs import fingerprint
from crawler.store.stored_text import POLICIES

_VERSION = 1
#: Documents that are kept for one text; how many there are is always known.
MAX_DOCUMENTS = 500
#: Characters of a policy that are indexed.
MAX_POLICY = 100_000
# Characters that surround what matched in a snippet: of the C0 set, shown nowhere.
BEGIN, END = "\x02", "\x03"
_SCHEMA = (
    "CREATE VIRTUAL TABLE text USING fts5(body, tokenize = 'unicode61 remove_diacritics 2')",
    "CREATE TABLE fact (id INTEGER PRIMARY KEY, kind TEXT, documents INTEGER)",
    "CREATE TABLE place (id INTEGER, reading TEXT, n INTEGER, observation INTEGER, stored TEXT)",
)
_STATEMENTS = "SELECT 'statement', raw, reading, n FROM statement"
_PASSAGES = "SELECT 'passage', snippet, reading, n FROM candidate"


class Hit(NamedTuple):
    """A text that was found.

    `snippet` has what matched between `BEGIN` and `END`. `documents` are the distinct ones that
    have it, `origins` at least this many origins, `example` one of them. It can be read at `line`
    of the bytes `stored` of `observation`. `keys` are those of at most `MAX_DOCUMENTS` documents.
    """

    kind: str
    snippet: str
    documents: int
    origins: int
    example: str
    observation: int
    stored: str
    line: int | None
    keys: frozenset[str]


def search(db: sqlite3.Connection, index: sqlite3.Connection, words: str, most: int) -> list[Hit]:
    """Return the texts with all words, the best match first; words in quotes are a phrase."""
    query = _match(words)
    if not query:
        return []
    found = index.execute(
        "SELECT fact.id, kind, snippet(text, 0, ?, ?, '…', 32), documents FROM text "
        "JOIN fact ON fact.id = text.rowid WHERE text MATCH ? ORDER BY rank, fact.id LIMIT ?",
        (BEGIN, END, query, most),
    ).fetchall()
    hits = (_hit(db, index, *row) for row in found)
    return [hit for hit in hits if hit is not None]


def _match(words: str) -> str:
    """Return words as a query of FTS5 in which none of them is an operator."""
    # sqlite.org/fts5.html, 3: a string in double quotes is a phrase, whatever it holds.
    parts = (
        part
        for n, text in enumerate(words.replace("\0", " ").split('"'))
        for part in ([text] if n % 2 else text.split())
    )
    return " ".join(f'"{part}"' for part in parts if any(c.isalnum() for c in part))


def _hit(
    db: sqlite3.Connection,
    index: sqlite3.Connection,
    number: int,
    kind: str,
    snippet: str,
    documents: int,
) -> Hit | None:
    places = index.execute(
        "SELECT reading, n, observation, stored FROM place WHERE id = ? ORDER BY rowid", (number,)
    ).fetchall()
    if kind == "policy":
        _, origins, observation, stored = places[0]
        query = "SELECT url FROM origin WHERE id = (SELECT origin FROM observation WHERE id = ?)"
        (example,) = db.execute(query, (observation,)).fetchone() or ("",)
        keys = frozenset((stored,))
        return Hit(kind, snippet, documents, origins, example, observation, stored, None, keys)
    number_in = {reading: n for reading, n, _, _ in places}
    marks = ", ".join("?" for _ in places)
    # Columns outside of the aggregates are those of the row with the least URL.
    origins, example, observation, stored, reading = db.execute(
        "SELECT count(DISTINCT o.origin), min(origin.url), o.id, o.stored, r.reading "  # noqa: S608 - marks
        "FROM observation_reading AS r JOIN observation AS o ON o.id = r.observation "
        f"JOIN origin ON origin.id = o.origin WHERE r.reading IN ({marks})",
        list(number_in),
    ).fetchone()
    if observation is None:
        return None
    table = "statement" if kind == "statement" else "candidate"
    (line,) = db.execute(
        f"SELECT line FROM {table} WHERE reading = ? AND n = ?",  # noqa: S608 - our own names
        (reading, number_in[reading]),
    ).fetchone() or (None,)
    keys = frozenset(number_in)
    return Hit(kind, snippet, documents, origins, example, observation, stored or "", line, keys)


def open_index(db: sqlite3.Connection, folder: Path, database: Path) -> sqlite3.Connection:
    """Return the index of a database, made first if the folder has none of this evidence.

    Indexes of other states of the same database are removed. Raise `StoreError`.
    """
    begin = _begin(database)
    file = folder / f"{begin}-{_state(db)}.search"
    cached_file(file, f"{begin}-*.search", partial(_build, db), states=1)
    with sqlite_errors_as_store_error(file):
        return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def remove(database: Path) -> None:
    """Remove the indexes of a database from the cache folder; they quote its evidence."""
    try:
        folder = cache_folder()
    except RuntimeError:
        return  # a user without a home has no index
    with os_errors_as_store_error(folder):
        for file in folder.glob(f"{_begin(database)}-*"):
            file.unlink(missing_ok=True)


def _begin(database: Path) -> str:
    """Return how the names of all indexes of a database begin."""
    return hashlib.sha256(os.fsencode(database.resolve())).hexdigest()[:16]


def _state(db: sqlite3.Connection) -> str:
    """Return a digest of the evidence and of how it was read."""
    read = db.execute("SELECT count(*), sum(version) FROM reading").fetchone()
    facts = (_VERSION, fingerprint(db), *read)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def _build(db: sqlite3.Connection, file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as index:
        index.execute("PRAGMA journal_mode = OFF")
        index.execute("PRAGMA synchronous = OFF")
        index.execute("BEGIN")
        for statement in _SCHEMA:
            index.execute(statement)
        writer = _Writer(index)
        for kind, body, reading, n in _texts(db):
            writer.add(kind, body, (reading, n, None, None))
        for body, observation, origins, stored in _policies(db):
            writer.add("policy", body, (None, origins, observation, stored))
        writer.finish()
        index.execute("CREATE INDEX place_by_id ON place (id)")
        index.execute("COMMIT")


class _Writer:
    """A writer of distinct texts, which counts the documents of each."""

    def __init__(self, index: sqlite3.Connection) -> None:
        self._index = index
        self._numbers: dict[bytes, int] = {}
        self._documents: list[int] = []
        self._kinds: list[str] = []
        self._last: list[object] = []

    def add(self, kind: str, body: str, place: tuple[object, ...]) -> None:
        """Add a text of a document."""
        key = hashlib.blake2b(f"{kind} {body}".encode(errors="replace"), digest_size=16).digest()
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        if number > len(self._documents):
            self._index.execute("INSERT INTO text (rowid, body) VALUES (?, ?)", (number, body))
            self._documents.append(0)
            self._kinds.append(kind)
            self._last.append(None)
        # A document may say the same many times; its statements come together.
        if place[0] is not None and self._last[number - 1] == place[0]:
            return
        self._last[number - 1] = place[0]
        self._documents[number - 1] += 1
        if self._documents[number - 1] <= MAX_DOCUMENTS:
            self._index.execute("INSERT INTO place VALUES (?, ?, ?, ?, ?)", (number, *place))

    def finish(self) -> None:
        """Store how many documents have each text."""
        rows = zip(range(1, len(self._kinds) + 1), self._kinds, self._documents, strict=True)
        self._index.executemany("INSERT INTO fact VALUES (?, ?, ?)", rows)


def _texts(db: sqlite3.Connection) -> Iterator[tuple[str, str, str, int]]:
    for query in (_STATEMENTS, _PASSAGES):
        yield from db.execute(query)


def _policies(db: sqlite3.Connection) -> Iterator[tuple[str, int, int, str]]:
    """Yield each distinct policy with one observation, and how many origins have it."""
    marks = ", ".join("?" for _ in POLICIES)
    query = (
        "SELECT stored, min(id), count(DISTINCT origin) FROM observation "  # noqa: S608 - marks
        f"WHERE stored IS NOT NULL AND resource IN ({marks}) GROUP BY stored"
    )
    for stored, observation, origins in db.execute(query, POLICIES).fetchall():
        content = load_body(db, stored)
        if content is not None:
            text = content.decode("utf-8", "replace")[:MAX_POLICY]
            yield text, observation, origins, stored
