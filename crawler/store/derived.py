"""What was made of the evidence: readings, statements, sights, findings. All of it rebuildable."""

import sqlite3
from collections.abc import Iterable

from crawler import rulesets
from crawler.judge import Finding, Heard
from crawler.model import Candidate, Issue, Statement
from crawler.protocols import PROTOCOLS
from crawler.protocols._shapes import shapes_of
from crawler.rulesets import RuleSet
from crawler.store import parties
from crawler.store.dossier import Read
from crawler.store.evidence import text
from crawler.store.sights import InForce
from crawler.store.verdicts import save_shapes
from crawler.vocab import Presence, State

_STRENGTH = {state: n for n, state in enumerate(State)}
_TABLES = tuple(
    "judged verdict shape disagreement finding sight read_from party_page party issue "
    "candidate statement".split()
)


def is_outdated(db: sqlite3.Connection, chosen: RuleSet) -> bool:
    """Whether other code or rules made what is there, or another rule set is shown."""
    shown = db.execute("SELECT label FROM ruleset WHERE chosen = 1").fetchone()
    if shown is None or shown[0] != chosen.label:
        return True
    stored = dict(db.execute("SELECT label, text FROM ruleset"))
    if any(stored.get(rules.label) != rules.text for rules in rule_sets(db, chosen)):
        return True
    made = set(db.execute("SELECT DISTINCT protocol, version FROM reading"))
    return not made <= {(p.NAME, p.VERSION) for p in PROTOCOLS}


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether nothing was ever judged here."""
    return not db.execute("SELECT EXISTS (SELECT 1 FROM ruleset)").fetchone()[0]


def rule_set(db: sqlite3.Connection, given: str | None) -> RuleSet:
    """The rule set that is meant: a name of the package, a `.toml` file, the id or label of a
    user's own that is stored here; None for the one that the database shows, `signals` at first.

    Raises `RuleSetError`, also for a file whose label stands here with another text.
    """
    if given is None:
        return _shown(db)
    if given in rulesets.NAMES or rulesets.is_file(given):
        rules = rulesets.load(given)
        _refuse_another_text(db, rules)
        return rules
    own = _own(db)
    for rules in own:
        if given in (rules.id, rules.label):
            return rules
    raise rulesets.unknown(given, tuple(dict.fromkeys(rules.id for rules in own)))


def rule_sets(db: sqlite3.Connection, chosen: RuleSet) -> tuple[RuleSet, ...]:
    """All that are judged: those of the package and of each user's own one version, the one
    that is chosen or the highest.
    """
    by_id = {name: rulesets.load(name) for name in rulesets.NAMES}
    if not chosen.is_packaged:
        by_id[chosen.id] = chosen
    for rules in _own(db):
        by_id.setdefault(rules.id, rules)
    return tuple(by_id.values())


def _shown(db: sqlite3.Connection) -> RuleSet:
    row = db.execute("SELECT id, label, text FROM ruleset WHERE chosen = 1").fetchone()
    if row is None:
        return rulesets.load(rulesets.DEFAULT)
    name, label, whole = row
    return rulesets.load(name) if name in rulesets.NAMES else rulesets.parse(whole, label)


def _own(db: sqlite3.Connection) -> list[RuleSet]:
    """The user's own rule sets that are stored, of each the highest version first."""
    rows = db.execute("SELECT id, label, text FROM ruleset ORDER BY id, version DESC")
    return [rulesets.parse(t, label) for name, label, t in rows if name not in rulesets.NAMES]


def _refuse_another_text(db: sqlite3.Connection, rules: RuleSet) -> None:
    """One label, one text: what was published as `house/1` must not come to mean another thing."""
    row = db.execute("SELECT text FROM ruleset WHERE label = ?", (rules.label,)).fetchone()
    if row is not None and row[0] != rules.text and not rules.is_packaged:
        raise rulesets.RuleSetError(
            f"{rules.label} is in this database with another text; "
            f"raise version in the file to {rules.version + 1} or more"
        )


def forget_all(db: sqlite3.Connection) -> None:
    """Drop everything derived, in the caller's transaction."""
    for table in (*_TABLES, "reading"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names


def forget_origin(db: sqlite3.Connection, origin: int) -> None:
    """Drop what was derived for one origin; readings stay, since others may share them."""
    for table in ("verdict", "disagreement", "finding", "sight"):
        db.execute(f"DELETE FROM {table} WHERE origin = ?", (origin,))  # noqa: S608 - our own names
    for table in ("read_from", "party_page"):
        db.execute(
            f"DELETE FROM {table} WHERE observation IN "  # noqa: S608 - our own names
            "(SELECT id FROM observation WHERE origin = ?)",
            (origin,),
        )


def save_judged(db: sqlite3.Connection, origin: int) -> None:
    """Say that an origin was judged, with everything seen of it so far."""
    db.execute(
        "INSERT OR REPLACE INTO judged SELECT origin, max(run) FROM visit WHERE origin = ? "
        "GROUP BY origin",
        (origin,),
    )


def save_reading(db: sqlite3.Connection, read: Read) -> None:
    """Store a reading with all that it found; one that is stored already stays."""
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
    db.executemany(
        "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_candidate_row(key, n, found) for n, found in enumerate(reading.candidates, start=1)],
    )
    save_shapes(db, key, shapes_of(protocol.NAME, reading))
    parties.save(db, read)


def _statement_row(key: str, s: Statement) -> tuple[object, ...]:
    where = (text(s.place), s.line, text(s.raw), text(s.agent), _text(s.path), _text(s.media))
    said = (s.rule, s.stance, s.purpose, s.tier)
    return (key, s.n, *said, *where, _text(s.policy), s.clause, s.declared_by, s.reads, s.counts)


def _candidate_row(key: str, n: int, c: Candidate) -> tuple[object, ...]:
    where = (c.location, c.language, c.pattern, c.line, text(c.snippet))
    return (key, n, c.strength, c.kind, *where)


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


def save_rule_sets(db: sqlite3.Connection, judged: Iterable[RuleSet], chosen: RuleSet) -> None:
    """Store rule sets whole, and which one the public views show."""
    db.execute("UPDATE ruleset SET chosen = 0")
    for rules in judged:
        db.execute(
            "INSERT INTO ruleset VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (label) DO UPDATE SET "
            "title = excluded.title, text = excluded.text, chosen = excluded.chosen",
            (
                rules.label,
                rules.id,
                rules.version,
                rules.title,
                rules.text,
                rules.label == chosen.label,
            ),
        )


def save_findings(
    db: sqlite3.Connection, origin: int, findings: tuple[Finding, ...], last_look: str
) -> None:
    """Store the findings of one origin under one rule set. `last_look` dates those of silence."""
    strongest = min(findings, key=lambda f: _STRENGTH[f.state])
    db.executemany(
        "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_finding_row(origin, f, last_look, headline=f is strongest) for f in findings],
    )


def _finding_row(
    origin: int, finding: Finding, last_look: str, *, headline: bool
) -> tuple[object, ...]:
    by = finding.by
    cited: tuple[object, ...] = (None, None, None, last_look, None)
    if by is not None:
        numbers = (None, by.candidate) if by.candidate else (by.statement.n, None)
        seen = (by.sight.observation, by.sight.observed_at)
        cited = (by.reading, numbers[0], *seen, numbers[1])
    return (
        origin,
        finding.rules,
        finding.purpose,
        finding.state,
        finding.conflict,
        finding.complete,
        headline,
        text(finding.detail),
        *cited,
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
