"""Crawl or judge the parts of an audit, for `crawl` and `judge` with a folder as `--db`."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crawler.cli._options import exit_on_error, make_fetch_options, warn
from crawler.cli._part_results import coverage_failures, end_parts, print_parts
from crawler.cli._parts import chosen_parts, open_folder, refuse_others

if TYPE_CHECKING:
    from crawler.commands.crawl_request import ProgressListener
    from crawler.commands.part_engine import PoolResult
    from crawler.commands.part_task import PartTask
    from crawler.store.audit_folder import AuditFolder
    from crawler.store.part_plan import PartPlan

# Parameters of `crawl` that an audit in parts has, too.
_FOR_CRAWL = frozenset(
    "db part of on workers concurrency pages pages_max media terms max_age full_every delay "
    "timeout contact connect_to allow_network time_budget origin_time origin_cpu origin_bytes "
    "policy_files_always context keep_pages new_run min_coverage strict rules quiet as_json "
    "progress".split()
)
# Parameters of `judge` that an audit in parts has, too.
_FOR_JUDGE = frozenset("db part of on workers rules quiet as_json progress".split())


def crawl_parts(options: dict[str, Any]) -> None:
    """Crawl parts of the audit in a folder, for `crawl`."""
    from crawler.commands.crawl_request import ProgressListener
    from crawler.commands.part_task import PartTask, PartVerb
    from crawler.progress import Bar

    db, quiet = options["db"], options["quiet"]
    instead = "the dataset is what was planned: `tdm-audit plan --help` has its options"
    refuse_others(_FOR_CRAWL, instead)
    with exit_on_error(), Bar(shown=options["progress"], quiet=quiet) as bar:
        folder = open_folder(db)
        plan = folder.plan()
        _warn_of_samples(plan, options)
        task = PartTask(
            verb=PartVerb.CRAWL,
            fetch=make_fetch_options(options),
            processes=processes(plan, options),
            command=options["command"],
            max_age=timedelta(seconds=options["max_age"]),
            new_run=options["new_run"],
            keep_pages=options["keep_pages"],
            rules=options["rules"],
        )
        listener = ProgressListener(begin=bar.begin, step=bar.step)
        task, result = run_parts(folder, plan, task, options, listener)
    failures = coverage_failures(result, options["min_coverage"])
    print_parts(db, task, result, failures, quiet=quiet, as_json=options["as_json"])
    end_parts(result, failures, strict=options["strict"])


def _warn_of_samples(plan: "PartPlan", options: dict[str, Any]) -> None:
    from crawler.store.runs import samples_for

    planned = plan.facts.get("samples")
    if isinstance(planned, int) and samples_for(options["pages"], options["media"]) > planned:
        warn(
            f"the plan has {planned} sampled URLs of an origin, and --pages and --media want more; "
            "plan with them into another folder"
        )


def judge_parts(options: dict[str, Any]) -> None:
    """Judge parts of the audit in a folder, for `judge`."""
    from crawler.commands.crawl_request import ProgressListener
    from crawler.commands.part_task import PartTask, PartVerb
    from crawler.fetch.options import FetchOptions
    from crawler.progress import Bar

    db, quiet = options["db"], options["quiet"]
    refuse_others(_FOR_JUDGE, "name the database of a part, or a copy of it, with --db")
    with exit_on_error(), Bar(shown=options["progress"], quiet=quiet) as bar:
        folder = open_folder(db)
        plan = folder.plan()
        task = PartTask(
            verb=PartVerb.JUDGE,
            fetch=FetchOptions(),
            processes=processes(plan, options),
            rules=options["rules"],
        )
        listener = ProgressListener(begin=bar.begin, step=bar.step)
        task, result = run_parts(folder, plan, task, options, listener)
    print_parts(db, task, result, (), quiet=quiet, as_json=options["as_json"])
    end_parts(result, (), strict=False)


def processes(plan: "PartPlan", options: dict[str, Any]) -> int:
    """Return how many processes work on parts at the same time, at most.

    Of an array it is not known, unless the user says so: a part is in one process, so there are no
    more processes than parts, nor than tasks.
    """
    from crawler.subprocesses import cores

    if options["part"] is None:
        return min(options["workers"] or cores(), plan.parts)
    return min(options["workers"] or options["of"] or plan.parts, plan.parts)


def run_parts(
    folder: "AuditFolder",
    plan: "PartPlan",
    task: "PartTask",
    options: dict[str, Any],
    listener: "ProgressListener",
) -> "tuple[PartTask, PoolResult]":
    """Do the work on the chosen parts, in this process if it is one, else in a pool or on Ray.

    Return the task with the number of processes that work at the same time.
    """
    from crawler.commands.part_engine import PoolResult, parts_with_work
    from crawler.commands.part_pool import work_on_parts
    from crawler.commands.part_worker import attempt

    parts = chosen_parts(plan, options["part"], options["of"])
    if options["part"] is not None and len(parts) == 1:
        return task, PoolResult(done={parts[0]: attempt(folder, parts[0], task, listener)})
    wanted = parts_with_work(folder, parts, task)
    engine, _, address = (options["on"] or "local").partition(":")
    if engine == "ray" and wanted:
        address = f"ray:{address}" if address.startswith("//") else address
        task, result = _run_on_ray(folder, wanted, task, address, options["workers"], listener)
    else:
        workers = 1 if options["part"] is not None else task.processes
        result = work_on_parts(folder, wanted, task, workers, listener)
    result.skipped = len(parts) - len(wanted)
    return task, result


def _run_on_ray(
    folder: "AuditFolder",
    parts: list[int],
    task: "PartTask",
    address: str,
    workers: int | None,
    listener: "ProgressListener",
) -> "tuple[PartTask, PoolResult]":
    from crawler.commands.part_ray import ray_cluster

    listener.begin("starting Ray", None)
    with ray_cluster(address, workers) as cluster:
        # Without a node yet it is not known how many tasks there will be at the same time.
        processes = min(workers or cluster.cores() or len(parts), len(parts))
        task = replace(task, processes=processes)
        return task, cluster.work_on_parts(folder, parts, task, processes, listener)
