"""Build the report from a database: read the queries, choose the figures, write the lead."""

from typing import Any

from crawler.errors import UserError
from crawler.instants import Instant
from crawler.plurals import counted
from crawler.reports.dataset_report import as_of, figures, words
from crawler.reports.dataset_report.model import Report, Sentence
from crawler.reports.dataset_report.report_queries import ReportQueries
from crawler.reports.explain import CAVEAT
from crawler.store.queries import dataset_ids, is_one_of_several_parts
from crawler.store.queryable import Queryable
from crawler.vocab import Purpose

_PHRASES = {
    "tdm": "text and data mining",
    "ai_train": "the training of any model",
    "genai_train": "the training of generative models",
    "ai_input": "use as input of a model",
    "search": "use for a search index",
}
# What states rest on that are no unknown ones for want of a look.
_ANSWERED = ("seen", "before_only", "changed_between")
# Facts that a report about the past does not have.
_OF_THE_PRESENT = ("asked", "to repeat")
_ENDS = {
    "finished": "finished",
    "stopped": "stopped by a signal",
    "budget": "ended by its time budget",
}


class NothingToReportError(UserError):
    """The database has no such dataset, or nothing was judged; the message says what to do."""


def build(
    db: Queryable,
    *,
    dataset: int | None,
    purpose: Purpose,
    top: int,
    instant: Instant | None = None,
) -> Report:
    """Return the report on a dataset, None for the newest. Raise `NothingToReportError`.

    `purpose` is the use that the lead and some figures are about, `top` the number of sites.
    `instant` is the time in the past that was chosen for the connection, if there is one.
    """
    known = dataset_ids(db)
    if not known:
        raise NothingToReportError("the database has no dataset; run `tdm-audit crawl` first")
    chosen = max(known) if dataset is None else dataset
    if chosen not in known:
        numbers = ("there is " if len(known) == 1 else "there are ") + ", ".join(map(str, known))
        raise NothingToReportError(f"there is no dataset {chosen}; {numbers}")
    queries = ReportQueries(db, chosen, purpose.value, top)
    if queries.rules is None:
        raise NothingToReportError("nothing was judged yet; run `tdm-audit judge` first")
    if is_one_of_several_parts(db):
        raise NothingToReportError(
            "this is one part of an audit, and the other parts have the rest of the dataset; ask "
            "about one host with `explain`, or audit the dataset in one file"
        )
    if instant is not None:
        return _of_the_past(queries, instant)
    seen = queries.seen
    return Report(
        title=queries.title,
        path=queries.facts["path"],
        purpose=purpose.value,
        rules=queries.rules,
        coverage=words.share(seen["share"]),
        lead=tuple(_lead(queries, seen)),
        lead_tables={
            n: queries.table(n) for n in ("bounds", "decided", "states", "coverage", "dataset")
        },
        figures=figures.all_of(queries, past=False),
        change=_change(queries.run),
        limits=words.LIMITS,
        facts=_facts(queries),
        caveat=CAVEAT,
    )


def _of_the_past(queries: ReportQueries, instant: Instant) -> Report:
    """Return the report for a time in the past: what is made of states, and what they rest on."""
    when = as_of.named(instant)
    told = [row for row in queries.table("bases").dicts() if row["basis"] in _ANSWERED]
    return Report(
        title=queries.title,
        path=queries.facts["path"],
        purpose=queries.purpose,
        rules=queries.rules or "",
        coverage=words.share(sum(row["share"] for row in told)),
        lead=_lead_of_the_past(queries, when),
        lead_tables={n: queries.table(n) for n in ("bounds", "states", "dataset", "bases")},
        figures=figures.all_of(queries, past=True),
        change=f"Every number is of {when}, from the looks before and after it. The SQL of each "
        "figure says which time it is about, so it gives these numbers on the database as it is.",
        limits=(*as_of.LIMITS, *words.LIMITS),
        facts=tuple(fact for fact in _facts(queries) if fact[0] not in _OF_THE_PRESENT),
        caveat=CAVEAT,
        covered="of the rows, by looks before that time",
        as_of=str(instant),
    )


def _lead_of_the_past(queries: ReportQueries, when: str) -> tuple[Sentence, ...]:
    """Return the answer; where nothing was known of a time, that alone."""
    rows = queries.bounds(queries.purpose, "rows") or {}
    if rows["reserved_min"] == rows["reserved_shown"] == 0 and rows["share_unknown"] == 1:
        origins = words.counted(queries.facts["origins"], "source origin")
        nothing: Sentence = ("Of the ", *origins, f" of this dataset nothing is known as of {when}")
        # A day is known as a whole: the first look may be on it.
        seen = queries.seen
        if seen["first_at"]:
            first, last = words.minute(seen["first_at"]), words.minute(seen["last_at"])
            nothing += (f"; the looks at them are from {first} to {last}",)
        return ((*nothing, "."),)
    return _shown(queries, f"as of {when}"), _outer(queries)


def _lead(queries: ReportQueries, seen: dict[str, Any]) -> list[Sentence]:
    """Return the answer in a few sentences, with rows and weight of each share."""
    shown = _shown(queries, f"asked {_when(seen)}")
    return [shown, *_tiers(queries), _outer(queries)]


def _shown(queries: ReportQueries, when: str) -> Sentence:
    return (
        "On ",
        *words.counted(queries.facts["origins"], "source origin"),
        f" of this dataset, {when}, machine-readable signals reserve "
        f"{_PHRASES[queries.purpose]} wholly, on terms or in part for ",
        *_bound(queries, "share_shown"),
        ".",
    )


def _outer(queries: ReportQueries) -> Sentence:
    silent = queries.state(queries.purpose, "silent")
    rows = queries.bounds(queries.purpose, "rows") or {}
    return (
        "The narrowest reading gives ",
        *_bound(queries, "share_min"),
        ", the widest ",
        *_bound(queries, "share_max"),
        ". On the sources of ",
        words.share(silent["share"] if silent else 0.0),
        " of the rows nothing was said, which is not consent; ",
        words.share(rows["share_unknown"]),
        " of the rows are unknown.",
    )


def _when(seen: dict[str, Any]) -> str:
    if not seen["first_at"]:
        return "never"
    first, last = seen["first_at"][:10], seen["last_at"][:10]
    return f"on {first}" if first == last else f"between {first} and {last}"


def _bound(queries: ReportQueries, column: str) -> Sentence:
    """Return a bound as share of the rows and of the weight."""
    rows, weight = (queries.bounds(queries.purpose, unit) or {} for unit in ("rows", "weight"))
    return _of(queries, rows.get(column), weight.get(column))


def _of(queries: ReportQueries, rows: float | None, weight: float | None) -> Sentence:
    """Return a share of the rows and, with a weight column, of the weight."""
    share: Sentence = (words.share(rows), " of the rows")
    if queries.weight_name:
        share += (" and ", words.share(weight or 0.0), f" of the {queries.weight_name}")
    return share


def _tiers(queries: ReportQueries) -> list[Sentence]:
    """Return what most of the reserved is, if one tier has more than half of it."""
    column = "weight" if queries.weight_name else "rows"
    whole = queries.bounds(queries.purpose, column) or {}
    found = queries.table("decided").dicts()
    tiers = {t["tier"]: t for t in found if t["tier"] in words.TIERS}
    most = max(tiers.values(), key=lambda t: t[column] or 0, default=None)
    if most is None or 2 * (most[column] or 0) <= whole["reserved_shown"]:
        return []
    share = _of(queries, most["share"], most["weight_share"])
    sentence: Sentence = ("Most of this is ", f"{words.TIERS[most['tier']]}: ", *share, ".")
    for tier in (1, 2):
        if tier in tiers and tier != most["tier"]:
            name = words.TIERS[tier]
            share = _of(queries, tiers[tier]["share"], tiers[tier]["weight_share"])
            sentence += (f" {name[0].upper()}{name[1:]} make up ", *share, ".")
    return [sentence]


def _change(run: dict[str, Any]) -> str:
    if not run["runs"]:
        return "There was no run: nothing can be said about change."
    if run["runs"] == 1:
        return "There was one run: nothing can be said about change."
    return (
        f"There were {counted(run['runs'], 'run')}. This report shows the newest state of each "
        "origin; `tdm-audit changes` lists what changed."
    )


def _facts(queries: ReportQueries) -> tuple[tuple[str, str], ...]:
    run, facts, seen = queries.run, queries.facts, queries.seen
    unusable = f"{facts['unattributable']:,} of them" if facts["unattributable"] else "none"
    return (
        ("dataset", f"{facts['path']}; {counted(facts['rows'], 'row')}, {unusable} without a "
         f"usable URL; SHA-256 {facts['digest']}"),
        ("asked", f"{words.minute(seen['first_at'])} to {words.minute(seen['last_at'])}"),
        ("newest run", _newest_run(run)),
        ("client", run["user_agent"] or "none"),
        ("read with", f"rule set {queries.rules}; suffix list {run['suffix_list']}; agents "
         f"{run['catalogue']}; tdm-audit {run['version']}"),
        ("to repeat", _to_repeat(queries)),
    )  # fmt: skip


def _newest_run(run: dict[str, Any]) -> str:
    if not run["parts"]:
        return "none"
    ended = _ENDS.get(run["ended"], run["ended"] or "not finished")
    which = f"run {run['run']}" if run["parts"] == 1 else f"that of each of {run['parts']:,} parts"
    attempts, origins = counted(run["observations"], "attempt"), counted(run["origins"], "origin")
    return f"{which}, {ended}: {attempts} at {origins}"


def _to_repeat(queries: ReportQueries) -> str:
    made = "tdm-audit report writes the same page from the same"
    sql = "Each figure has the SQL of its numbers"
    if not queries.of_whole:
        return f"{made} database, byte for byte. {sql}."
    return (
        f"{made} generations of the parts, byte for byte. {sql}, for DuckDB: "
        "`tdm-audit export --sql -o views.sql` with --db writes a file that "
        "`duckdb -init views.sql` begins with."
    )
