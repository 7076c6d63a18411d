"""Natural language that may reserve, in words and as data: shown, and what it changes."""

from collections.abc import Iterable, Iterator

from crawler.evaluate.records import Sight
from crawler.model import Candidate
from crawler.rulesets import RuleSet

_SHOWN = 10


def prose_lines(sights: Iterable[Sight], rules: RuleSet) -> Iterator[str]:
    """A line for each passage, under one that says what it changes; none without any."""
    found = list(_found(sights))
    if not found:
        return
    counts = rules.textual_counts_as == "reserved"
    effect = "candidates count as reserved" if counts else "changes nothing"
    yield ""
    yield f"Natural language found ({effect} under {rules.id}):"
    for sight, candidate in found[:_SHOWN]:
        what = f"{candidate.strength}, {candidate.kind}, {candidate.pattern}"
        yield f"  {what}: {sight.url} line {candidate.line}"
        yield f"    | {candidate.snippet}"
    if len(found) > _SHOWN:
        yield f"  {len(found) - _SHOWN} more, see --json"


def prose_of(sights: Iterable[Sight]) -> list[dict[str, object]]:
    """The passages as data: stable names, nothing left out."""
    return [
        {
            "strength": candidate.strength,
            "kind": candidate.kind,
            "location": candidate.location,
            "language": candidate.language,
            "pattern": candidate.pattern,
            "line": candidate.line,
            "snippet": candidate.snippet,
            "url": sight.url,
            "observed_at": sight.observed_at,
            "observation": sight.observation,
        }
        for sight, candidate in _found(sights)
    ]


def _found(sights: Iterable[Sight]) -> Iterator[tuple[Sight, Candidate]]:
    for sight in sights:
        for _protocol, _key, reading in sight.readings:
            for candidate in reading.candidates:
                yield sight, candidate
