"""Facts of one generation of a part: what `status` and the pool need to know without opening it."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from crawler import __version__, rulesets
from crawler.protocols import PROTOCOLS
from crawler.store import manifests
from crawler.store.database import (
    connect_read_only,
    os_errors_as_store_error,
    sqlite_errors_as_store_error,
)
from crawler.store.evidence_reader import origins_waiting

FACTS_FORMAT = "tdm-audit part/1"
# Of each origin of a dataset that counts, the last visit: how many origins, of how many there is
# none, and the oldest.
_VISITS = """
    SELECT count(*), coalesce(sum(last IS NULL), 0), coalesce(min(last), '') FROM (
        SELECT (SELECT max(finished_at) FROM visit WHERE visit.origin = o.origin) AS last
        FROM version_origin AS o
        WHERE o.dataset IN (SELECT id FROM dataset WHERE counts) GROUP BY o.origin
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """Facts of a generation.

    - `origins`: those of the datasets that count; `unvisited`: those without a visit
    - `oldest_visit`: the oldest of their last visits, empty without any
    - `is_unfinished`: whether a run is to be continued, or origins to be evaluated
    - `datasets`: the digest of the state of the datasets that the part has
    - `head`: the digest of its last manifest; `sha256` and `size` (in octets) are of the file
    - `rules`: the rule set that the views show; `code`: see `code_digest`; empty before judging
    - `about`: what else the command that made it tells
    """

    origins: int
    unvisited: int
    oldest_visit: str
    is_unfinished: bool
    datasets: str
    head: str
    rules: str
    code: str
    sha256: str = ""
    size: int = 0
    version: str = __version__
    about: Mapping[str, object]

    def is_due(self, fresh_since: str) -> bool:
        """Return whether an origin was never visited, or last before `fresh_since`."""
        return bool(self.unvisited) or (self.origins > 0 and self.oldest_visit <= fresh_since)

    def as_json(self) -> bytes:
        """Return the content of the file."""
        return json.dumps({"format": FACTS_FORMAT, **asdict(self)}, indent=1).encode() + b"\n"


def facts_from_json(content: bytes) -> PartFacts | None:
    """Return the facts that a file holds; None if it is none of this version."""
    try:
        found = json.loads(content)
        if found["format"] != FACTS_FORMAT:
            return None
        return PartFacts(**{field.name: found[field.name] for field in fields(PartFacts)})
    except (ValueError, KeyError, TypeError):
        return None


def code_digest() -> str:
    """Return a digest of what makes findings: versions of protocols, rule sets of the package."""
    protocols = sorted((p.NAME, p.VERSION) for p in PROTOCOLS)
    rules = [(name, rulesets.load(name).text) for name in rulesets.NAMES]
    return hashlib.sha256(repr((protocols, rules)).encode()).hexdigest()


def count_visits(db: sqlite3.Connection) -> int:
    """Return the number of visits, which grows with all evidence."""
    return int(db.execute("SELECT count(*) FROM visit").fetchone()[0])


def facts_of(path: Path, *, code: str = "", about: Mapping[str, object]) -> PartFacts:
    """Return the facts of a database that is complete; `code` is the digest of who judged it.

    Without a digest, whoever may judge it looks at it again.
    """
    with sqlite_errors_as_store_error(path), closing(connect_read_only(path)) as db:
        origins, unvisited, oldest = db.execute(_VISITS).fetchone()
        last_run = db.execute("SELECT ended FROM run ORDER BY id DESC LIMIT 1").fetchone()
        rules = db.execute("SELECT label FROM ruleset WHERE chosen = 1").fetchone()
        plan = db.execute("SELECT datasets FROM part_of_plan").fetchone()
        is_open = last_run is not None and last_run[0] is None
        is_unfinished = is_open or next(origins_waiting(db), None) is not None
        head = manifests.head(db)
    return PartFacts(
        origins=origins,
        unvisited=unvisited,
        oldest_visit=oldest,
        is_unfinished=is_unfinished,
        datasets=plan[0] if plan else "",
        head=head,
        rules=rules[0] if rules else "",
        code=code if rules else "",
        sha256=sha256_of(path),
        size=path.stat().st_size,
        about=about,
    )


def two_rule_sets(judged: Iterable[tuple[int, PartFacts]]) -> str:
    """Return which two parts show different rule sets, in words; empty if no two do."""
    first_of: dict[str, int] = {}
    for part, facts in judged:
        if facts.rules:  # it was judged
            first_of.setdefault(facts.rules, part)
    if len(first_of) < 2:
        return ""
    (one, first), (other, second) = list(first_of.items())[:2]
    return f"part {first} was judged under {one} and part {second} under {other}"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file. Raise `StoreError`."""
    with os_errors_as_store_error(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
