"""Summary of a dataset: origins and rows by state and purpose, bounds, attempts by outcome."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from crawler.plurals import counted
from crawler.store import queries
from crawler.store.bounds import Bounds
from crawler.store.queries import Collection
from crawler.vocab import Access, Outcome, Purpose, State

_NOTHING = Bounds(0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Numbers of one dataset under a rule set, for all agents or for one `agent`.

    `origins` and `rows` map (purpose, state) to counts. `bounds` maps a purpose to the rows
    that are reserved in three readings; `weight_bounds` does so for the weight, of which there
    is `total_weight`, and is empty without a weight column (`weight_name`). `outcomes` counts
    the attempts of one run and is empty without a run. `crashes` counts documents that crashed
    their parser. `stale` counts origins that are judged on evidence which the last attempt
    could not renew, `malformed` those where a reservation was attempted that does not count.
    `unusable` counts the rows without a usable URL by reason. `records` are the rows of the
    files, `total_rows` their URLs. `roles` and `role_rows` (by role, purpose and state) are
    empty for a dataset whose column has no role. `collection` says how the rows were collected,
    `named` for how many of them a source names a rights holder.
    """

    path: str
    url_column: str
    column_choice: str
    records: int
    unusable: dict[str, int]
    rules: str
    total_rows: int
    total_origins: int
    unattributable: int
    origins: dict[tuple[str, str], int]
    rows: dict[tuple[str, str], int]
    bounds: dict[str, Bounds]
    outcomes: dict[str, int]
    crashes: int
    stale: int = 0
    malformed: int = 0
    roles: tuple[queries.RoleTotals, ...] = ()
    role_rows: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    agent: str | None = None
    collection: Collection | None = None
    weight_bounds: dict[str, Bounds] = field(default_factory=dict)
    total_weight: float = 0.0
    weight_name: str = ""
    named: queries.NamedShare | None = None


def summary(db: sqlite3.Connection, dataset: int, run: int | None) -> Summary:
    """Return the numbers of a dataset, with the outcomes of a run if one is given."""
    totals = queries.dataset_totals(db, dataset)
    counts = queries.state_counts(db, dataset)
    bounds = queries.dataset_bounds(db, dataset) if counts else []
    weights = [b for b in bounds if b.unit == "weight"]
    stale, malformed = queries.claim_counts(db, dataset)
    return Summary(
        path=totals.path,
        url_column=totals.url_column,
        column_choice=totals.column_choice,
        records=totals.records,
        unusable=queries.unusable_rows(db, dataset),
        roles=tuple(queries.role_totals(db, dataset)),
        role_rows=queries.role_state_rows(db, dataset),
        rules=counts[0].rules if counts else "",
        total_rows=totals.rows,
        total_origins=totals.origins,
        unattributable=totals.unattributable,
        origins={(c.purpose, c.state): c.origins for c in counts},
        rows={(c.purpose, c.state): c.rows for c in counts},
        bounds={
            b.purpose: Bounds(int(b.narrowest), int(b.shown), int(b.widest))
            for b in bounds
            if b.unit == "rows"
        },
        outcomes=queries.outcome_counts(db, run),
        crashes=queries.crash_count(db),
        stale=stale,
        malformed=malformed,
        collection=queries.collection(db, dataset),
        weight_bounds={b.purpose: Bounds(b.narrowest, b.shown, b.widest) for b in weights},
        total_weight=weights[0].total if weights else 0.0,
        weight_name=totals.weight_column,
        named=queries.named_share(db, dataset) if counts else None,
    )


def collection_sentence(numbers: Summary) -> str:
    """Return what the crawler that collected the rows is told now; empty if it is not known."""
    how = numbers.collection
    if how is None or not how.crawler:
        return ""
    by = f" for {how.upstream}" if how.upstream else ""
    when = " to ".join(dict.fromkeys(filter(None, (how.collected_from, how.collected_to))))
    refused, partly, unknown = (
        f"{counted(how.rows.get(a, 0), 'row')} of {counted(how.origins.get(a, 0), 'origin')}"
        for a in (Access.REFUSED, Access.PARTLY, Access.UNKNOWN)
    )
    return (
        f"Collected by {how.crawler}{by}{f' ({when})' if when else ''}: robots.txt would refuse it "
        f"today {refused} wholly and {partly} in part; {unknown} unknown"
    )


def named_sentence(numbers: Summary) -> str:
    """Return for how much of the dataset a source names a holder; empty if nothing was judged."""
    named = numbers.named
    if named is None or named.rows_share is None:
        return ""
    share = f"{named.rows_share:.1%} of the rows"
    if numbers.weight_name and named.weight_share is not None:
        share += f" and {named.weight_share:.1%} of the {numbers.weight_name}"
    return (
        f"Who is named: a source names a rights holder for {share}, on {named.sites_named:,} of "
        f"{counted(named.sites, 'site')}; names are repeated, not verified (rights_holders)"
    )


def _collection_as_json(how: Collection) -> dict[str, object]:
    return {
        "crawler": how.crawler or None,
        "upstream": how.upstream or None,
        "collected_from": how.collected_from,
        "collected_to": how.collected_to,
        "access": {
            access: {"origins": how.origins.get(access, 0), "rows": how.rows.get(access, 0)}
            for access in Access
        }
        if how.crawler
        else None,
    }


def as_json(numbers: Summary) -> dict[str, object]:
    """Return the numbers as data for JSON, with every state of every purpose."""
    return {
        "dataset": numbers.path,
        "url_column": numbers.url_column,
        "column_choice": numbers.column_choice,
        "records": numbers.records,
        "rules": numbers.rules,
        "agent": numbers.agent,
        "rows": numbers.total_rows,
        "origins": numbers.total_origins,
        "unattributable_rows": numbers.unattributable,
        "unusable": numbers.unusable,
        "weight": numbers.total_weight if numbers.weight_bounds else None,
        "weight_column": numbers.weight_name or None,
        "purposes": {
            purpose: {
                "origins": {s: numbers.origins.get((purpose, s), 0) for s in State},
                "rows": {s: numbers.rows.get((purpose, s), 0) for s in State},
                "reserved_min_rows": numbers.bounds.get(purpose, _NOTHING).narrowest,
                "reserved_shown_rows": numbers.bounds.get(purpose, _NOTHING).shown,
                "reserved_max_rows": numbers.bounds.get(purpose, _NOTHING).widest,
            }
            | _weights(numbers, purpose)
            for purpose in Purpose
        },
        "outcomes": {o: numbers.outcomes[o] for o in Outcome if o in numbers.outcomes},
        "roles": [_role(numbers, totals) for totals in numbers.roles],
        "stale_origins": numbers.stale,
        "malformed_origins": numbers.malformed,
        "internal_crashes": numbers.crashes,
        "named": numbers.named and numbers.named._asdict(),
        "collection": numbers.collection and _collection_as_json(numbers.collection),
    }


def _role(numbers: Summary, totals: queries.RoleTotals) -> dict[str, object]:
    return totals._asdict() | {
        "purposes": {
            purpose: {s: numbers.role_rows.get((totals.role, purpose, s), 0) for s in State}
            for purpose in Purpose
        }
    }


def column_lines(
    url_column: str, choice: str, records: int, rows: int, unusable: Mapping[str, int]
) -> list[str]:
    """Return the sentences on the column that was read, and on the rows it has no URL in."""
    found = {"given": "given", "name": "found by its name", "values": "found by its values"}
    how = f" ({found[choice]})" if choice in found else ""
    lines = [f"URL column: {url_column}{how}"]
    if records != rows:
        lines.append(
            f"{counted(records, 'row')} with {counted(rows, 'URL')}: each URL counts as a row."
        )
    if unusable:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in unusable.items())
        total = sum(unusable.values())
        lines.append(f"Without a usable URL: {total:,} of {counted(rows, 'row')} ({reasons})")
    return lines


def too_many_unusable(unusable: int, rows: int, url_column: str, allowed: float) -> tuple[str, ...]:
    """Return the failure for `--strict` if the share of unusable rows is above the one allowed."""
    if not rows or unusable <= allowed * rows:
        return ()
    share = f"{unusable / rows:.0%}"
    return (
        f"{share} of the rows have no usable URL in the column {url_column}, more than "
        f"--max-unusable {allowed:.0%}",
    )


def _weights(numbers: Summary, purpose: str) -> dict[str, object]:
    """Return the bounds in weight; nothing without a weight column."""
    if not numbers.weight_bounds:
        return {}
    return {
        f"reserved_{name}_weight": amount
        for name, amount in zip(
            ("min", "shown", "max"), numbers.weight_bounds[purpose], strict=True
        )
    }
