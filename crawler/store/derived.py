"""What was made of the evidence: readings, statements, sights, findings. All of it rebuildable."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from crawler.judge import Finding, Heard
from crawler.model import Issue, Statement
from crawler.protocols import PROTOCOLS
from crawler.rulesets import NAMES, RuleSet, load
from crawler.store.dossier import Read
from crawler.store.evidence import text
from crawler.store.sights import InForce
from crawler.vocab import Presence, State

_STRENGTH = {state: n for n, state in enumerate(State)}
_TABLES = ("disagreement", "finding", "sight", "read_from", "assigner", "issue", "statement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A party that a policy document names, without what is personal."""

    name: str
    uid: str
    contact_page: str
    mailbox: str
    duties: str


def is_outdated(db: sqlite3.Connection, chosen: str) -> bool:
    """Whether other code or rules made what is there, or another rule set is shown."""
    shown = db.execute("SELECT id FROM ruleset WHERE chosen = 1").fetchone()
    if shown is None or shown[0] != chosen:
        return True
    rules = dict(db.execute("SELECT label, text FROM ruleset"))
    if any(rules.get(known.label) != known.text for known in map(load, NAMES)):
        return True
    made = set(db.execute("SELECT DISTINCT protocol, version FROM reading"))
    return not made <= {(p.NAME, p.VERSION) for p in PROTOCOLS}


def forget_all(db: sqlite3.Connection) -> None:
    """Drop everything derived, in the caller's transaction."""
    for table in (*_TABLES, "reading"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names


def forget_origin(db: sqlite3.Connection, origin: int) -> None:
    """Drop what was derived for one origin; readings stay, since others may share them."""
    for table in ("disagreement", "finding", "sight"):
        db.execute(f"DELETE FROM {table} WHERE origin = ?", (origin,))  # noqa: S608 - our own names
    db.execute(
        "DELETE FROM read_from WHERE observation IN (SELECT id FROM observation WHERE origin = ?)",
        (origin,),
    )


def save_reading(
    db: sqlite3.Connection,
    read: Read,
    named: Named | None,
) -> None:
    """Store a reading with its statements and issues; one that is stored already stays."""
    key, protocol, reading = read.key, read.protocol, read.reading
    added = db.execute(
        "INSERT INTO reading VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (key, protocol.NAME, protocol.VERSION, read.document, reading.presence),
    ).rowcount
    if not added:
        return
    db.executemany(
        "INSERT INTO statement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_statement_row(key, statement) for statement in reading.statements],
    )
    db.executemany(
        "INSERT INTO issue VALUES (?, ?, ?, ?, ?)",
        [_issue_row(key, n, issue) for n, issue in enumerate(reading.issues, start=1)],
    )
    if named is not None:
        db.execute(
            "INSERT INTO assigner VALUES (?, ?, ?, ?, ?, ?)",
            (key, named.name, named.uid, named.contact_page, named.mailbox, named.duties),
        )


def _statement_row(key: str, s: Statement) -> tuple[object, ...]:
    where = (text(s.place), s.line, text(s.raw), text(s.agent), _text(s.path), _text(s.media))
    said = (s.rule, s.stance, s.purpose, s.tier)
    return (key, s.n, *said, *where, _text(s.policy), s.clause, s.declared_by, s.reads, s.counts)


def _issue_row(key: str, n: int, issue: Issue) -> tuple[object, ...]:
    return (key, n, issue.code, issue.line, text(issue.excerpt))


def _text(value: str | None) -> str | None:
    return None if value is None else text(value)


def save_read_from(db: sqlite3.Connection, observation: int, readings: Iterable[str]) -> None:
    """Say which readings an observation gave."""
    db.executemany(
        "INSERT INTO read_from VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(observation, key) for key in readings],
    )


def save_sights(
    db: sqlite3.Connection, origin: int, sights: Iterable[tuple[InForce, Presence]]
) -> None:
    """Store the evidence in force of an origin, with what the protocols say of its presence."""
    db.executemany(
        "INSERT INTO sight VALUES (?, ?, ?, ?, ?, ?)",
        [(origin, s.resource, text(s.path), seen, s.row.key, s.last) for s, seen in sights],
    )


def save_rule_sets(db: sqlite3.Connection, rule_sets: Iterable[RuleSet], chosen: str) -> None:
    """Store rule sets whole, and which one the public views show."""
    db.execute("UPDATE ruleset SET chosen = 0")
    for rules in rule_sets:
        db.execute(
            "INSERT INTO ruleset VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (label) DO UPDATE SET "
            "title = excluded.title, text = excluded.text, chosen = excluded.chosen",
            (
                rules.label,
                rules.id,
                rules.version,
                rules.title,
                rules.text,
                rules.id == chosen,
            ),
        )


def save_findings(
    db: sqlite3.Connection, origin: int, findings: tuple[Finding, ...], last_look: str
) -> None:
    """Store the findings of one origin under one rule set. `last_look` dates those of silence."""
    strongest = min(findings, key=lambda f: _STRENGTH[f.state])
    db.executemany(
        "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_finding_row(origin, f, last_look, headline=f is strongest) for f in findings],
    )


def _finding_row(
    origin: int, finding: Finding, last_look: str, *, headline: bool
) -> tuple[object, ...]:
    by = finding.by
    cited = (by.reading, by.statement.n, by.sight.observation, by.sight.observed_at) if by else None
    return (
        origin,
        finding.rules,
        finding.purpose,
        finding.state,
        finding.conflict,
        finding.complete,
        headline,
        text(finding.detail),
        *(cited or (None, None, None, last_look)),
    )


def save_disagreements(
    db: sqlite3.Connection, origin: int, pairs: Iterable[tuple[str, Heard, Heard]]
) -> None:
    """Store pairs of statements `(purpose, reserving, permitting)` that disagree."""
    db.executemany(
        "INSERT INTO disagreement VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (origin, purpose, a.reading, a.statement.n, b.reading, b.statement.n)
            for purpose, a, b in pairs
        ],
    )
