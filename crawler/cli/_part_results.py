"""Print what came of work on parts, and exit with its status."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from crawler.cli._options import FAILED, STOPPED, fail, output, say, say_json, warn
from crawler.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.commands.part_engine import PoolResult
    from crawler.commands.part_task import PartTask

_BUSY = 3


def print_parts(
    db: Path | str,
    task: "PartTask",
    result: "PoolResult",
    failures: tuple[str, ...],
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Print what came of the parts."""
    from crawler.commands.part import PartEnd
    from crawler.commands.part_task import PartVerb

    for part, one in sorted(result.done.items()):
        for warning in one.warnings:
            warn(f"part {part}: {warning}")
    with output():
        if as_json and not quiet:
            say_json(_as_json(task, result, failures))
        elif not quiet:
            done, idle = len(result.ended(PartEnd.DONE)), len(result.ended(PartEnd.NOTHING))
            ends = [f"{done:,} done", f"{idle + result.skipped:,} with nothing to do"]
            ends += [f"{len(result.failed):,} failed"] if result.failed else []
            say([f"Parts: {', '.join(ends)}"])
            for part in result.ended(PartEnd.SUPERSEDED):
                say([f"Another process has done part {part} meanwhile, and its work stands."])
            if task.verb is PartVerb.CRAWL:
                say(_crawl_lines(task, result))
            else:
                say([f"{counted(result.total('judged'), 'origin')} judged"])
            lines = [f"Not as it should be: {failure}" for failure in failures]
            name = quote(str(db))
            whole = [f"Figures of all parts together: `tdm-audit report --db {name}`"]
            if task.verb is PartVerb.CRAWL:
                whole += [f"What changed: `tdm-audit changes --db {name}`"]
            say([*lines, f"Evidence and findings: {db}", *whole])


def _crawl_lines(task: "PartTask", result: "PoolResult") -> list[str]:
    planned, seen = result.total("planned"), result.total("seen")
    due = counted(result.total("due"), "due origin")
    # Of the others it is not known how many are due without opening them.
    begun = " in the parts that were begun" if result.stopped or result.failed else ""
    lines = [f"{result.total('visited'):,} of {due} visited{begun}"]
    if planned:
        places = counted(planned, "planned place")
        lines.append(f"{seen:,} of {places} answered ({seen / planned:.1%})")
    count = counted(task.processes, "process", "processes")
    most = counted(task.most_per_address, "request")
    return [*lines, f"At most {most} in flight to an address ({count})"]


def _as_json(
    task: "PartTask", result: "PoolResult", failures: tuple[str, ...]
) -> dict[str, object]:
    from crawler.commands.part import PartEnd

    names = ("origins", "due", "visited", "judged", "planned", "seen", "crashes")
    return {
        "parts": {end.value: result.ended(end) for end in PartEnd},
        "skipped": result.skipped,
        "failed": {str(part): why for part, why in sorted(result.failed.items())},
        "held": sorted(result.held),
        **{name: result.total(name) for name in names},
        "processes": task.processes,
        "most_per_address": task.most_per_address,
        "not_as_it_should_be": list(failures),
    }


def end_parts(result: "PoolResult", failures: tuple[str, ...], *, strict: bool) -> None:
    """Exit with the status of work on parts, unless it is 0."""
    from crawler.commands.part import PartEnd

    unfinished = result.ended(PartEnd.STOPPED)
    if result.stopped or unfinished:
        cause = "by the time budget" if result.is_budget else "by a signal or the time budget"
        fail(f"stopped early {cause}; run the same command again to continue", STOPPED)
    if result.failed:
        fail(_failure(result), FAILED)
    if result.held:
        parts = ", ".join(map(str, sorted(result.held)))
        fail(f"another process is at work on the parts {parts}; wait for it to end", _BUSY)
    if failures and strict:
        fail("; ".join(failures), FAILED)


def _failure(result: "PoolResult") -> str:
    """Return the sentence about parts that failed, with what to do where that can help."""
    what = "1 part" if len(result.failed) == 1 else f"{len(result.failed):,} parts"
    named = "; ".join(_reasons(result.failed))
    others = ", and the others are done" if result.done or result.skipped else ""
    if result.final >= set(result.failed):
        return f"{what} cannot be worked on{others} ({named})"
    often = "" if result.final else " three times"
    return f"{what} failed{often}{others}; run the same command again to try once more ({named})"


def _reasons(failed: "Mapping[int, str]") -> "Iterator[str]":
    """Return each sentence once, with the parts that failed by it."""
    parts = dict[str, list[str]]()
    for part, why in sorted(failed.items()):
        parts.setdefault(why, []).append(str(part))
    for why, numbers in parts.items():
        yield f"{'part' if len(numbers) == 1 else 'parts'} {', '.join(numbers)}: {why}"


def coverage_failures(result: "PoolResult", min_coverage: float) -> tuple[str, ...]:
    """Return the failures of `--strict` over all parts that were crawled now."""
    planned, seen, crashes = (result.total(name) for name in ("planned", "seen", "crashes"))
    failures = [f"{counted(crashes, 'fault')} of this program (internal.crash)"] if crashes else []
    if planned and seen / planned < min_coverage:
        failures.append(
            f"coverage {seen / planned:.4f} is below {min_coverage:g}: {seen:,} of "
            f"{counted(planned, 'planned place')} answered"
        )
    return tuple(failures)
