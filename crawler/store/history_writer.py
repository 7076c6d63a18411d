"""Rows of the history of an origin: phases, or one row for an origin that never changed."""

import hashlib
import json
from collections.abc import Iterable

from crawler.evaluate.evaluation_cache import CachedFinding, Evaluation
from crawler.evaluate.history import Phase, Steady
from crawler.evaluate.records import Effect
from crawler.store.evidence_writer import text

_Row = tuple[object, ...]
Rows = dict[str, list[_Row]]


def effect_row(effect: Effect) -> tuple[str, str]:
    """Return the row of an effect: the digest that it is known by, and its terms as JSON."""
    terms = text(json.dumps(effect, ensure_ascii=False, separators=(",", ":")))
    return hashlib.sha256(terms.encode()).hexdigest()[:16], terms


def conclusion_rows(evaluation: Evaluation) -> tuple[int, Rows]:
    """Return the number of what an evaluation concludes, with the rows of its parts."""
    # Findings of several purposes and rule sets have the same object, which may be large.
    known = {id(finding.effect): finding.effect for finding in evaluation.findings}
    effects = {key: effect_row(effect) for key, effect in known.items()}
    parts = [_part(finding, effects[id(finding.effect)][0]) for finding in evaluation.findings]
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    # The number is made of the content, so that a rebuild gives the same; SQLite's are signed.
    number = int.from_bytes(digest[:8], "big") >> 1
    return number, {
        "effect": list(dict.fromkeys(effects.values())),
        "conclusion_part": [(number, *part) for part in parts],
    }


def _part(finding: CachedFinding, effect: str) -> _Row:
    return (finding.rules, finding.purpose.value, finding.state.value, effect)


def steady_row(origin: int, conclusion: int, steady: Steady) -> _Row:
    """Return the row of an origin that never changed."""
    counts = (steady.first.key, steady.last.key, steady.looks, steady.missed)
    return (origin, conclusion, *counts, steady.first.observed_at, steady.last.observed_at)


def phase_rows(origin: int, phases: Iterable[Phase]) -> Rows:
    """Return the rows of the phases of an origin, numbered for each purpose and rule set."""
    effects: dict[tuple[str, str], None] = {}
    rows: list[_Row] = []
    numbers: dict[tuple[str, str], int] = {}
    for phase in phases:
        of = (phase.rules, phase.purpose)
        numbers[of] = n = numbers.get(of, 0) + 1
        digest, terms = effect_row(phase.effect)
        effects[digest, terms] = None
        rows.append(
            (
                origin,
                *of,
                n,
                phase.state.value,
                digest,
                phase.first.observed_at,
                phase.first.key,
                phase.last.key,
                phase.before and phase.before.key,
                phase.after and phase.after.key,
                phase.looks,
                phase.missed,
                phase.lost and phase.lost.key,
                phase.before and phase.before.observed_at,
                phase.last.observed_at,
                phase.after and phase.after.observed_at,
            )
        )
    return {"effect": list(effects), "phase": rows}
