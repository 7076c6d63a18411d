"""`Counts`: how many rows have which verdict, and what was noticed while they were read."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from crawler.dataset.columns import no_host
from crawler.evaluate.url_verdicts import NO_ORIGIN

#: A state and a basis: the protocol that decided, or why the state is unknown; empty for `silent`.
Reason = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Counts:
    """Numbers of rows by state and basis.

    `reasons` counts all rows, `kept_reasons` those that the policy keeps (none without a mask).
    `unreadable` counts the lines that were copied without a verdict: they hold no JSON object.
    `digest` is the SHA-256 of the positions of the rows of a file that are kept, counted from 0 as
    64-bit little-endian numbers; of several files, that of their digests in order. `columns` are
    the columns with URLs that were read, with how they were chosen. `damaged` are the files that
    are cut off, each with the place up to which it was read. `as_of` counts all rows by what their
    verdict for a time in the past rests on; it is empty for verdicts of the present.
    """

    reasons: Counter[Reason] = field(default_factory=Counter)
    kept_reasons: Counter[Reason] = field(default_factory=Counter)
    digest: str = ""
    unreadable: int = 0
    columns: tuple[tuple[str, str], ...] = ()
    damaged: dict[str, str] = field(default_factory=dict)
    as_of: Counter[str] = field(default_factory=Counter)

    @property
    def unusable(self) -> Counter[str]:
        """Return the number of rows without a usable URL, by the reason (see `vocab.Reject`)."""
        counts: Counter[str] = Counter()
        for (_, basis), rows in self.reasons.items():
            if basis.startswith(NO_ORIGIN):
                counts[basis.removeprefix(NO_ORIGIN)] += rows
        return counts

    @property
    def rows(self) -> Counter[str]:
        """Return the number of rows by state."""
        return _by_state(self.reasons)

    @property
    def kept(self) -> Counter[str]:
        """Return the number of rows that the policy keeps, by state."""
        return _by_state(self.kept_reasons)


def _by_state(reasons: Counter[Reason]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (state, _), rows in reasons.items():
        counts[state] += rows
    return counts


def check_guess(counts: Counts) -> None:
    """Raise `DatasetError` if a column was not given by the user and no row of it has a host."""
    total, found = counts.reasons.total(), [name for name, how in counts.columns if how != "given"]
    if total and found and counts.unusable.total() == total:
        raise no_host(found[0])


def counts_as_json(counts: Counts) -> dict[str, Any]:
    """Return counts as values for JSON."""
    return {
        "rows": [
            [*reason, rows, counts.kept_reasons[reason]]
            for reason, rows in sorted(counts.reasons.items())
        ],
        "digest": counts.digest,
        "unreadable": counts.unreadable,
        "columns": counts.columns,
        "damaged": counts.damaged,
        "as_of": dict(sorted(counts.as_of.items())),
    }


def counts_of_json(entry: dict[str, Any]) -> Counts:
    """Return the counts in what `counts_as_json` returned; another value raises an error."""
    rows: dict[Reason, int] = {}
    kept: dict[Reason, int] = {}
    for state, basis, row_count, kept_count in entry["rows"]:
        rows[state, basis], kept[state, basis] = int(row_count), int(kept_count)
    return Counts(
        reasons=Counter(rows),
        kept_reasons=Counter(kept),
        digest=str(entry["digest"]),
        unreadable=int(entry["unreadable"]),
        columns=tuple((str(name), str(how)) for name, how in entry["columns"]),
        damaged=dict(entry["damaged"]),
        as_of=Counter({str(basis): int(rows) for basis, rows in entry["as_of"].items()}),
    )
