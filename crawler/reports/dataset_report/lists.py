"""The figures that are lists: signals, agents, leverage, sites, conflicts and prose."""

from crawler.plurals import agreeing, counted
from crawler.reports.dataset_report import curve, words
from crawler.reports.dataset_report.model import Cell, Figure, Grid, StateName
from crawler.reports.dataset_report.report_queries import ReportQueries

# What robots.txt can say of a single agent; for other purposes its figure is about training.
_OF_AGENTS = ("genai_train", "ai_input", "search")


def signals(queries: ReportQueries) -> Figure:
    """Return the protocols by which sites reserve, with what they decided."""
    amounts = {row["protocol"]: row for row in queries.table("decided").dicts()}
    rows: list[tuple[Cell, ...]] = []
    for row in queries.table("signals").dicts():
        decided = amounts.get(row["protocol"], {})
        cells: tuple[Cell, ...] = (
            row["protocol"],
            f"tier {row['tier']}",
            words.count(row["reserving_sites"]),
            words.share(row["share"]),
            words.share(decided.get("share", 0.0)),
        )
        weights = (words.share(decided.get("weight_share", 0.0)),) if queries.weight_name else ()
        rows.append((*cells, *weights))
    weight = (f"of {queries.weight_name}",) if queries.weight_name else ()
    return Figure(
        key="signals",
        title="By which signal they reserve",
        unit=f"Sites with a statement that reserves or offers terms, and their share of "
        f"{counted(queries.all_sites, 'site')}; a site can be in several lines.{queries.scope} "
        f"The last {agreeing(1 + len(weight), 'column says', 'columns say')} how much each signal "
        f"decided for {words.PURPOSES[queries.purpose]}: its share of the rows"
        f"{' and of the ' + queries.weight_name if weight else ''} of the dataset.",
        kind="bars",
        grid=Grid(
            head=("protocol", "tier", "sites", "of sites", "of rows", *weight),
            rows=tuple(rows),
            numeric=frozenset(range(2, 5 + len(weight))),
        ),
        tables={n: queries.table(n) for n in ("signals", "sites_in_all", "decided")},
        drawn={"of": 2},
    )


def agents(queries: ReportQueries) -> Figure:
    """Return the agents that robots.txt files refuse by name."""
    purpose = queries.purpose if queries.purpose in _OF_AGENTS else _OF_AGENTS[0]
    found = queries.table("agents", purpose)
    return Figure(
        key="agents",
        title=f"Which agents are refused by name: {words.PURPOSES[purpose]}",
        unit="Sites whose robots.txt refuses the agent, wholly or for some paths, and their share "
        f"of {counted(queries.all_sites, 'site')}. At most twelve agents are listed, the most "
        f"refused first.{queries.scope}",
        kind="bars",
        grid=Grid(
            head=("agent", "operator", "sites", "of sites"),
            rows=tuple(
                (r["agent"], r["operator"] or "", words.count(r["sites"]), words.share(r["share"]))
                for r in found.dicts()
            ),
            numeric=frozenset({2, 3}),
        ),
        tables={"agents": found, "sites_in_all": queries.table("sites_in_all")},
        drawn={"of": 2},
        if_empty="No agent is refused by name.",
    )


def leverage(queries: ReportQueries) -> Figure:
    """Return the cumulative share of the reserving sites."""
    rows = queries.table("leverage").dicts()
    last = rows[-1]["rank"] if rows else 0
    shown = [r for r in rows if r["rank"] in (1, 3, 10, 30, 100, 1000, 10_000, last)]
    unit = queries.weight_name if rows and rows[0]["unit"] == "weight" else "rows"
    whole = (
        f"{words.amount(rows[0]['total'])} {unit}; {words.amount(rows[0]['unknown'])} of them are "
        "unknown and in no share"
        if rows
        else unit
    )
    return Figure(
        key="leverage",
        title="How much comes from the largest reserving sites",
        unit=f"Share of {whole}. The sites reserve {words.PURPOSES[queries.purpose]} under "
        f"{queries.rules}; sites that reserve in part count with all their rows.",
        kind="curve",
        grid=Grid(
            head=("sites", "down to", "share"),
            rows=tuple(
                (words.count(r["rank"]), r["site"], words.share(r["cumulative_share"]))
                for r in shown
            ),
            numeric=frozenset({0, 2}),
        ),
        tables={"leverage": queries.table("leverage")},
        drawn={"curve": curve.of([(r["rank"], r["cumulative_share"]) for r in rows])},
        if_empty="No site reserves this purpose.",
    )


def sites(queries: ReportQueries) -> Figure:
    """Return the largest sites with their states."""
    rows: list[tuple[Cell, ...]] = []
    for n, row in enumerate(queries.table("sites").dicts(), start=1):
        weight = (words.amount(row["weight"]),) if queries.weight_name else ()
        states = (StateName(row[purpose]) for purpose in words.PURPOSES)
        rows.append((str(n), row["site"], words.count(row["rows"]), *weight, *states))
    weight_head = (queries.weight_name,) if queries.weight_name else ()
    most = queries.weight_name or "rows"
    return Figure(
        key="sites",
        title=f"The {len(rows)} largest sites of the dataset"
        if len(rows) != 1
        else "The largest site of the dataset",
        unit=f"By {most}, of {counted(queries.facts['rows'], 'row')}. The state is the strongest "
        "among the origins of the site. A site is a registrable domain; its operator is not taken "
        "for the rights holder.",
        kind="grid",
        grid=Grid(
            head=("rank", "site", "rows", *weight_head, *words.PURPOSES),
            rows=tuple(rows),
            numeric=frozenset({0, *range(2, 3 + len(weight_head))}),
        ),
        tables={"sites": queries.table("sites")},
        drawn={"head": 1},
    )


_WHO = {"named": "a source names a holder", "nobody": "nobody is named"}


def named(queries: ReportQueries) -> Figure:
    """Return for how much of the dataset a source names a rights holder."""
    rows: list[tuple[Cell, ...]] = []
    for row in queries.table("named").dicts():
        weights = (words.share(row["weight_share"]),) if queries.weight_name else ()
        sites = (words.count(row["sites"]), words.share(row["sites_share"]))
        amounts = (words.count(row["rows"]), words.share(row["rows_share"]))
        rows.append((_WHO[row["who"]], *sites, *amounts, *weights))
    weight = (f"of {queries.weight_name}",) if queries.weight_name else ()
    return Figure(
        key="named",
        title="Who is named",
        unit="Sites and rows whose pages, files or a list name a holder, publisher or licensor. "
        "A name is repeated and not verified, a domain is not taken for one, and names that may "
        "be those of persons are left out.",
        kind="grid",
        grid=Grid(
            head=("holder", "sites", "of sites", "rows", "of rows", *weight),
            rows=tuple(rows),
            numeric=frozenset(range(1, 5 + len(weight))),
        ),
        tables={"named": queries.table("named")},
        drawn={"head": 0},
    )


def conflicts(queries: ReportQueries) -> Figure:
    """Return the kinds of contradictions."""
    return Figure(
        key="conflicts",
        title="Signals that contradict each other",
        unit="Origins with both signals: first the protocol that reserves, then the one that "
        f"permits. Both are kept; the stricter decides.{queries.scope}",
        kind="grid",
        grid=Grid(
            head=("kind", "purpose", "origins", "for example"),
            rows=tuple(
                (r["kind"], r["purpose"], words.count(r["origins"]), r["example"])
                for r in queries.table("conflicts").dicts()
            ),
            numeric=frozenset({2}),
        ),
        tables={"conflicts": queries.table("conflicts")},
        drawn={"head": 0},
        if_empty="No two signals contradict each other.",
    )


def prose(queries: ReportQueries) -> Figure:
    """Return where passages were found that may reserve."""
    return Figure(
        key="prose",
        title="Prose that may reserve, not judged",
        unit="Sites with a passage that was found by its words, of "
        f"{counted(queries.all_sites, 'site')}. Courts differ on what such passages are worth. "
        f"Under signals they change no state.{queries.scope}",
        kind="grid",
        grid=Grid(
            head=("location", "kind", "sites"),
            rows=tuple(
                (r["location"], r["kind"], words.count(r["sites"]))
                for r in queries.table("prose").dicts()
            ),
            numeric=frozenset({2}),
        ),
        tables={n: queries.table(n) for n in ("prose", "sites_in_all")},
        drawn={"head": 0},
        if_empty="No such passage was found.",
    )
