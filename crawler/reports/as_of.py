"""Text of `tdm-audit explain --as-of` for each finding: what its state at that time rests on."""

from collections.abc import Iterator
from dataclasses import dataclass

from crawler.evaluate.as_of import AsOfVerdict
from crawler.evaluate.records import Finding
from crawler.instants import DAY_MS, Instant, milliseconds
from crawler.vocab import AsOfBasis, State

_BASES = {
    AsOfBasis.SEEN: "seen: the looks before and after showed the same",
    AsOfBasis.BEFORE_ONLY: "before_only: looked at before, and nothing was shown since",
    AsOfBasis.CHANGED_BETWEEN: "changed_between: the looks before and after showed different "
    "things, and it was not looked at when it changed",
    AsOfBasis.UNKNOWN_AT_COLLECTION: "unknown_at_collection: no look before shows what held then",
    AsOfBasis.NEVER_ASKED: "never_asked: nothing was ever requested of this origin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The answers for an instant, in the order of the findings.

    `later` are the findings of the first looks after it that told anything, None without one.
    """

    instant: Instant
    answers: tuple[AsOfVerdict, ...]
    later: tuple[Finding | None, ...]

    def later_differs(self, n: int) -> Finding | None:
        """Return a later finding that is no more than what it says itself."""
        is_same = self.answers[n].as_of_basis in (AsOfBasis.SEEN, AsOfBasis.BEFORE_ONLY)
        return None if is_same else self.later[n]


def scope_line(as_of: AsOf) -> str:
    """Return the line that says which time all findings are about."""
    whole = ", the whole day in UTC" if as_of.instant.is_day else ""
    return f"  as of {as_of.instant}{whole}"


def headline(as_of: AsOf, n: int, finding: Finding) -> str:
    """Return the first line about a finding: its state at that time."""
    answer = as_of.answers[n]
    is_unknown = answer.state == State.UNKNOWN
    detail = answer.basis if is_unknown else finding.detail
    return f"{finding.purpose:<12} {answer.state.upper()}" + (f" ({detail})" if detail else "")


def basis_lines(as_of: AsOf, n: int) -> Iterator[str]:
    """Yield what the state at that time rests on."""
    answer = as_of.answers[n]
    yield f"  {_BASES[AsOfBasis(answer.as_of_basis)]}"
    if answer.seen_before:
        days = distance_days(as_of.instant, answer)
        yield f"    before: {answer.state_before} on {answer.seen_before}, {days:,.1f} days earlier"
    if answer.seen_after:
        yield f"    after: {answer.state_after} on {answer.seen_after}"
    if answer.source:
        yield f"    source: {answer.source}"


def distance_days(instant: Instant, answer: AsOfVerdict) -> float | None:
    """Return how many days before an instant the look was that an answer rests on.

    A look that goes on at that time is no days before it.
    """
    if answer.seen_before is None:
        return None
    return round(max(0, instant.first - milliseconds(answer.seen_before)) / DAY_MS, 4)


def as_json(as_of: AsOf, n: int) -> dict[str, object]:
    """Return the answer about a finding as data for JSON."""
    answer = as_of.answers[n]
    return {
        "state": answer.state,
        "reserved": answer.reserved,
        "reason": answer.basis if answer.state == State.UNKNOWN else None,
        "as_of": str(as_of.instant),
        "as_of_basis": answer.as_of_basis,
        "seen_before": answer.seen_before,
        "state_before": answer.state_before,
        "seen_after": answer.seen_after,
        "state_after": answer.state_after,
        "distance_days": distance_days(as_of.instant, answer),
        "source": answer.source,
    }
