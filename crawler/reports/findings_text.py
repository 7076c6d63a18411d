"""Findings of `explain` as text: purposes with the same verdict and evidence stand together."""

import re
from collections.abc import Iterable, Iterator

_ALSO = "  also: "
#: In the line that begins what is said of a response.
ANSWERED = "answered"
_ANSWER = re.compile(rf"    \S+ {ANSWERED} (?:\d+|None) on ")
_OF_ANSWER = ("    by ", "    body sha256 ", "    kept of it sha256 ")


def grouped(blocks: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """Yield the lines of findings, each verdict and its evidence once, after an empty line.

    `blocks` are pairs of a purpose and the lines about it, of which the first begins with the
    purpose, and those about other statements come last.
    """
    groups: dict[tuple[str, ...], list[tuple[str, list[str]]]] = {}
    for purpose, lines in blocks:
        first, *rest = lines
        verdict = first.removeprefix(purpose).lstrip()
        cut = next((n for n, line in enumerate(rest) if line.startswith(_ALSO)), len(rest))
        groups.setdefault((verdict, *rest[:cut]), []).append((purpose, rest[cut:]))
    for (verdict, *evidence), members in groups.items():
        yield ""
        yield f"{', '.join(purpose for purpose, _ in members):<12} {verdict}"
        yield from evidence
        yield from _others(members)


def _others(members: list[tuple[str, list[str]]]) -> Iterator[str]:
    """Yield the lines about other statements, each once, with the purposes unless they are all."""
    found: dict[tuple[str, ...], list[str]] = {}
    for purpose, lines in members:
        for item in _items(lines):
            found.setdefault(item, []).append(purpose)
    for (first, *rest), purposes in found.items():
        if len(purposes) == len(members):
            yield first
        else:
            yield f"  also, for {', '.join(purposes)}: {first.removeprefix(_ALSO)}"
        yield from rest


def _items(lines: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield a line about another statement together with the lines that belong to it."""
    item: list[str] = []
    for line in lines:
        if line.startswith(_ALSO) and item:
            yield tuple(item)
            item = []
        item.append(line)
    if item:
        yield tuple(item)


def answers_once(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of findings; a response that was described is not described again."""
    told: set[tuple[str, ...]] = set()
    answer: list[str] = []
    for line in lines:
        if _ANSWER.match(line) or (answer and line.startswith(_OF_ANSWER)):
            answer.append(line)
            continue
        yield from _described(answer, told)
        answer = []
        yield line
    yield from _described(answer, told)


def _described(answer: list[str], told: set[tuple[str, ...]]) -> Iterator[str]:
    if answer and tuple(answer) in told:
        url = answer[0].split()[0]
        yield f"    the same answer of {url} as above"
        return
    told.add(tuple(answer))
    yield from answer
