"""Explanations on a terminal: short digests and times, and colours for states.

Rules for editors: only lines that this program makes are shortened, never lines of evidence. A
pipe gets the text unchanged, with whole digests.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import click

from crawler.vocab import State

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_TIME = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\.\d{3}Z")
_EVIDENCE = "| "
_COLOURS = {
    State.RESERVED: "red",
    State.CONDITIONAL: "red",
    State.PARTIAL: "yellow",
    State.REFUSED: "magenta",
    State.PERMITTED: "green",
    State.UNKNOWN: "cyan",
}
_STATE = re.compile(rf"^(\S[^(]*?)\b({'|'.join(state.upper() for state in _COLOURS)})\b")


def shortened(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines with digests of twelve digits and times to the minute."""
    for line in lines:
        if line.lstrip().startswith(_EVIDENCE):
            yield line
        else:
            yield _TIME.sub(r"\1 \2 UTC", _DIGEST.sub(r"\1…", line))


def coloured(lines: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Yield lines with the state at the head of a finding in its colour.

    Not where the environment forbids it (no-color.org), or for a terminal without colours.
    """
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        yield from lines
        return
    for line in lines:
        yield _STATE.sub(lambda found: found[1] + _styled(found[2]), line, count=1)


def _styled(word: str) -> str:
    return click.style(word, fg=_COLOURS[State(word.lower())], bold=True)
