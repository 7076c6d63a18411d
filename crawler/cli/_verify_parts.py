"""Verify the parts of an audit, for `verify` with a folder as `--db`."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._options import (
    CONDITION_HOLDS,
    FAILED,
    STOPPED,
    exit_on_error,
    fail,
    output,
    say,
    say_json,
)
from crawler.cli._part_work import processes, run_parts
from crawler.cli._parts import open_folder, refuse_others
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.commands.part_engine import PoolResult
    from crawler.store.part_plan import PartPlan
    from crawler.store.verification import Difference

# A difference, and the part that it is in; None for the whole and for the datasets.
_Found = tuple[int | None, "Difference"]
# Parameters of `verify` that an audit in parts has, too.
_FOR_VERIFY = frozenset("db part of on workers derived head quiet as_json".split())


def verify_parts(options: dict[str, Any]) -> None:
    """Verify parts of the audit in a folder, for `verify`."""
    from crawler.commands.crawl_request import ProgressListener
    from crawler.commands.part_task import PartTask, PartVerb
    from crawler.commands.verify_part import verify_whole
    from crawler.fetch.options import FetchOptions
    from crawler.store.verification import Difference

    refuse_others(_FOR_VERIFY, "name the database of a part with --db")
    is_whole = options["part"] is None
    if options["head"] is not None and not is_whole:
        raise click.UsageError(
            "--head with a folder is the name of its state, which --part does not verify"
        )
    with exit_on_error():
        folder = open_folder(options["db"])
        plan = folder.plan()
        task = PartTask(
            verb=PartVerb.VERIFY,
            fetch=FetchOptions(),
            processes=processes(plan, options),
            with_derived=options["derived"],
        )
        _, result = run_parts(folder, plan, task, options, ProgressListener())
        found: list[_Found] = [
            (part, d) for part, one in sorted(result.done.items()) for d in one.differences
        ]
        if is_whole and not result.stopped:
            found += [(None, d) for d in verify_whole(folder, plan, result.done)]
    state = _state(plan, result)
    if state and options["head"] not in (None, state):
        what = "is not the name of the state of this audit"
        found.append((None, Difference("state", options["head"], what)))
    if not options["quiet"]:
        with output():
            if options["as_json"]:
                say_json(_as_json(result, found, state))
            else:
                _show(result, found, state, options)
    _end(result, found)


def _state(plan: "PartPlan", result: "PoolResult") -> str:
    """Return the name of the state of the audit; empty if not all of its parts were read."""
    from crawler.store.audit_folder import state_digest

    parts = [one for one in result.done.values() if one.sha256]
    if len(parts) < plan.parts:
        return ""
    return state_digest((one.part, one.generation, one.sha256) for one in parts)


def _show(result: "PoolResult", found: "list[_Found]", state: str, options: dict[str, Any]) -> None:
    for part, difference in found:
        where = "" if part is None else f"part {part}"
        say([": ".join(filter(None, (where, *difference)))])
    say([f"part {part} cannot be read: {why}" for part, why in sorted(result.failed.items())])
    if found or result.failed or result.stopped:
        return
    counts = _counts(result)
    words = (
        counted(len(result.done), "part"),
        f"{counted(counts['manifest'], 'manifest')} over {counted(counts['run'], 'run')}",
        counted(counts["observation"], "observation"),
        counted(counts["body"], "body", "bodies"),
    )
    say([f"Whole: {', '.join(words)}."])
    if options["derived"]:
        say(["What was derived is what the evidence gives."])
    if counts["not_covered"]:
        missing = counted(counts["not_covered"], "observation")
        say([f"Not covered yet: {missing} of unfinished runs."])
    if state:
        say([f"State of the audit: {state}"])
    outside = f"Vouched for by the state {options['head']}." if options["head"] else ""
    say([outside or "Self-consistent; nothing outside vouches for it."])


def _counts(result: "PoolResult") -> dict[str, int]:
    """Return how many rows the parts have together, by table; each has all datasets."""
    total: Counter[str] = Counter()
    for one in result.done.values():
        total.update({name: n for name, n in one.counts.items() if name != "dataset"})
    return total


def _as_json(result: "PoolResult", found: "list[_Found]", state: str) -> dict[str, object]:
    return {
        "whole": not (found or result.failed or result.stopped),
        "parts": len(result.done),
        "differences": [{"part": part, **difference._asdict()} for part, difference in found],
        "failed": {str(part): why for part, why in sorted(result.failed.items())},
        "counts": _counts(result),
        "state": state,
    }


def _end(result: "PoolResult", found: "list[_Found]") -> None:
    """Exit with the status of the verification, unless it is 0."""
    unread = [f"part {part} cannot be read: {why}" for part, why in sorted(result.failed.items())]
    if found:
        fail("; ".join([counted(len(found), "difference"), *unread]), CONDITION_HOLDS)
    if unread:
        fail("; ".join(unread), FAILED)
    if result.stopped:
        fail("stopped early by a signal; run the same command again", STOPPED)
