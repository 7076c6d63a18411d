"""Passages of natural language that may reserve, as text and as data."""

from collections.abc import Iterable, Iterator

from crawler.evaluate.records import ResourceEvidence
from crawler.model import Candidate
from crawler.rulesets import RuleSet

_SHOWN = 10


def prose_lines(resources: Iterable[ResourceEvidence], rules: RuleSet) -> Iterator[str]:
    """Yield lines for each passage after a headline with its effect; nothing if there is none."""
    found = list(_found(resources))
    if not found:
        return
    counts = rules.textual_counts_as == "reserved"
    effect = "candidates count as reserved" if counts else "changes nothing"
    yield ""
    yield f"Natural language found ({effect} under {rules.id}):"
    for evidence, candidate in found[:_SHOWN]:
        kind = f"{candidate.strength}, {candidate.kind}, {candidate.pattern}"
        yield f"  {kind}: {evidence.url} line {candidate.line}"
        yield f"    | {candidate.snippet}"
    if len(found) > _SHOWN:
        yield f"  {len(found) - _SHOWN} more, see --json"


def prose_of(resources: Iterable[ResourceEvidence]) -> list[dict[str, object]]:
    """Return all passages as data for JSON."""
    return [
        {
            "strength": candidate.strength,
            "kind": candidate.kind,
            "location": candidate.location,
            "language": candidate.language,
            "pattern": candidate.pattern,
            "line": candidate.line,
            "snippet": candidate.snippet,
            "url": evidence.url,
            "observed_at": evidence.observed_at,
            "observation": evidence.observation,
        }
        for evidence, candidate in _found(resources)
    ]


def _found(resources: Iterable[ResourceEvidence]) -> Iterator[tuple[ResourceEvidence, Candidate]]:
    for evidence in resources:
        for _protocol, _key, reading in evidence.readings:
            for candidate in reading.candidates:
                yield evidence, candidate
