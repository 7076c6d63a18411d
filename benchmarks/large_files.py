"""CPU time of judging one host whose file has as many rules as fit into it.

`python -m benchmarks.large_files [--rounds 3] [--quick] [--json FILE]` stores one visit of a host
for each kind of file, and measures a rebuild of its findings.
Status 1 if one takes more than its bound, in CPU seconds of a machine where Protego parses 1 KB in
183 us.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from benchmarks import judge_speed, measure
from benchmarks.measure import Goal
from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, transaction
from crawler.vocab import Resource

_SIGNALS = rulesets.load("signals")
_AT = "2026-11-23T00:00:00.000Z"


def tdmrep(rules: int) -> bytes:
    """Return a tdmrep.json in which every second rule permits, below 1 MiB for 20,000 rules."""
    rule = '{{"location":"/{}/","tdm-reservation":{}}}'
    return ("[" + ",".join(rule.format(n, n % 2) for n in range(rules)) + "]").encode()


def tdmrep_reserving(rules: int) -> bytes:
    """Return a tdmrep.json in which every rule reserves."""
    rule = '{{"location":"/{}/","tdm-reservation":1}}'
    return ("[" + ",".join(rule.format(n) for n in range(rules)) + "]").encode()


def tdmrep_whole(rules: int) -> bytes:
    """Return a tdmrep.json that reserves everything, and many paths again."""
    return tdmrep_reserving(rules).replace(b'"/0/"', b'"/"')


def ai(rules: int) -> bytes:
    """Return an ai.txt whose lines permit and reserve in turns."""
    lines = (f"{'Disallow' if n % 2 else 'Allow'}: /{n}/" for n in range(rules))
    return "\n".join(("User-Agent: *", *lines)).encode()


def robots(rules: int) -> bytes:
    """Return a robots.txt in which many agents are refused one by one."""
    groups = (f"User-agent: Agent-{n}\nDisallow: /" for n in range(rules // 2))
    return "\n".join(("User-agent: GPTBot\nDisallow: /x", *groups)).encode()


def agents(_rules: int) -> bytes:
    """Return a robots.txt that names as many agents as are looked at one by one."""
    return "".join(f"User-agent: Agent-{n}\nDisallow: /x\n" for n in range(200)).encode()


class Case(NamedTuple):
    """The bytes of the files of a host for a number of rules, and the CPU seconds they may take.

    `bound` is for `RULES` rules with the parsing of the files; less for fewer in proportion.
    """

    files: Mapping[Resource, Callable[[int], bytes]]
    bound: float


RULES, QUICK_RULES = 20_000, 4_000
CASES: Mapping[str, Case] = MappingProxyType(
    {
        "tdmrep.json": Case({Resource.TDMREP_JSON: tdmrep}, 2.3),
        "tdmrep.json, all reserve": Case({Resource.TDMREP_JSON: tdmrep_reserving}, 2.3),
        "ai.txt": Case({Resource.AI_TXT: ai}, 1.0),
        "robots.txt of many agents": Case({Resource.ROBOTS_TXT: robots}, 1.0),
        "tdmrep.json beside many agents": Case(
            {Resource.TDMREP_JSON: tdmrep_whole, Resource.ROBOTS_TXT: agents}, 30.0
        ),
    }
)


def build(path: Path, files: Mapping[Resource, bytes]) -> None:
    """Write a database with one origin that has these files."""
    judge_speed.build(path, 1)
    with closing(connect(path)) as db:
        run = runs.begin_run(db, judge_speed.run_facts(), _AT)
        seen = []
        for look in judge_speed.visit(0, "usual"):
            body = files.get(look.target.resource)
            dated = replace(look, started_at=_AT)
            seen.append(
                dated if body is None else replace(dated, status=200, body=body, size=len(body))
            )
        with transaction(db):
            evidence_writer.save_visit(db, run, 1, tuple(seen), _AT)
        runs.end_run(db, run, "finished", _AT)


def judged(case: Case, rules: int) -> float:
    """Return the CPU seconds of judging a host."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.db"
        build(path, {resource: body_of(rules) for resource, body_of in case.files.items()})
        with closing(connect(path)) as db:
            begun = time.process_time()
            rebuild(db, chosen=_SIGNALS)
            return time.process_time() - begun


def main() -> int:
    given = measure.options(__doc__).parse_args()
    number, rounds = (QUICK_RULES, 1) if given.quick else (RULES, given.rounds or 3)
    found: dict[str, list[float]] = {}
    slowness = []
    for _ in range(rounds):
        for name, case in CASES.items():
            found.setdefault(name, []).append(judged(case, number))
        slowness.append(judge_speed.protego_microseconds() / judge_speed.PROTEGO)
    slow = measure.median(slowness)
    seconds = {name: measure.median(taken) for name, taken in found.items()}
    measure.table(
        ("file", "CPU s", "where Protego takes 183 us"),
        [(name, taken, taken / slow) for name, taken in seconds.items()],
    )
    goals = [
        Goal(f"{name}: CPU s, likewise", taken / slow, CASES[name].bound * number / RULES)
        for name, taken in seconds.items()
    ]
    return measure.conclude("large_files", given.json, found, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
