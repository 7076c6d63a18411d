"""Read the `console` blocks of a page, run their commands, and compare what they print.

In a block, a line that begins with `$ ` is a command, which a backslash at its end continues; the
lines up to the next command are its output. `...` in an output stands for any text, and white
space may differ. A block without `$ ` holds a command in each line. Every command must end with
status 0, unless `$ echo $?` with another status comes next.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils.cli
from click.testing import CliRunner

from tests.conftest import ROOT, patience

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_STATUS = "echo $?"
Runner = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command in line `line` of a page; `output` None is an output that is not shown."""

    line: int
    command: str
    output: str | None
    status: int = 0


def steps(page: str) -> Iterator[Step]:
    """Yield the commands of all blocks of a page, in their order."""
    for block in _BLOCK.finditer(page):
        found: list[Step] = []
        for step in _steps_of(block[1], page.count("\n", 0, block.start(1)) + 1):
            if step.command == _STATUS:
                last = found.pop()
                step = Step(
                    line=last.line,
                    command=last.command,
                    output=last.output,
                    status=int(step.output or ""),
                )
            found.append(step)
        yield from found


def _steps_of(block: str, first: int) -> Iterator[Step]:
    numbered = enumerate(block.splitlines(), first)
    if "$ " not in {line[:2] for line in block.splitlines()}:
        yield from (Step(line=n, command=line, output=None) for n, line in numbered if line)
        return
    found: list[tuple[int, str, list[str]]] = []
    for n, line in numbered:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(numbered)[1]
            found.append((n, command, []))
        else:
            found[-1][2].append(line)
    for n, command, lines in found:
        yield Step(line=n, command=command, output="\n".join(lines).strip() or None)


def failure(step: Step, folder: Path, tdm_audit: Runner, more: tuple[str, ...]) -> str | None:
    """Run a step in a folder; return what is not as the page says, or None.

    `more` are options for commands that send requests.
    """
    program, *words = shlex.split(step.command)
    if program == "tdm-audit":
        done = tdm_audit(*words, *(more if words[:1] in (["check"], ["crawl"]) else ()), cwd=folder)
    elif program == "sqlite-utils":
        done = _sqlite_utils(words, folder)
    elif step.command == "python -m tools.a_year":
        done = _python(words, folder)
    else:
        return f"line {step.line}: {program} is no command that pages may use"
    printed = done.stdout + done.stderr
    if done.returncode != step.status:
        return f"line {step.line}: {step.command}\nexits with {done.returncode}:\n{printed}"
    if step.output is None or _is_like(step.output, printed):
        return None
    return f"line {step.line}: {step.command}\nshould print:\n{step.output}\nprints:\n{printed}"


def _is_like(wanted: str, printed: str) -> bool:
    parts = [re.escape(part.strip()) for part in " ".join(wanted.split()).split("...")]
    return re.fullmatch(".*?".join(parts), " ".join(printed.split()), re.DOTALL) is not None


def _sqlite_utils(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    with contextlib.chdir(folder):
        result = CliRunner().invoke(sqlite_utils.cli.cli, words)
    return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)


def _python(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
