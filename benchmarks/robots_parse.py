"""What it costs to read robots.txt, beside Protego and robotspy, in one run.

`python -m benchmarks.robots_parse [--rounds 7] [--corpus DIR]` prints CPU time per KB. Status 1 is
for a reader dearer than 25/183 of Protego at 1 or 10 KB, or where 500 KB cost more than
one and a half times as much per KB as 10 KB do.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import robots as robotspy
from protego import Protego

from crawler import agents
from crawler.model import Document
from crawler.protocols.robots import document, groups, lines, robots_txt

KB = 1024
SIZES = (1, 10, 100, 500)
#: 25 us per KB where Protego takes 183: machines differ, the ratio does not.
GOAL = 25 / 183
LINEAR = 1.5
#: robotspy takes time with the square of a file's size.
ROBOTSPY_MOST = 40 * KB
#: How long one measurement lasts at least, so that the clock's grain does not count.
AT_LEAST = 0.05
ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("TDM_AUDIT_CORPUS", ROOT.parent / "shared" / "corpus"))


class Files(NamedTuple):
    """Files measured together: all of a size, or those of the corpus up to a size."""

    name: str
    bodies: tuple[bytes, ...]

    @property
    def kilobytes(self) -> float:
        return sum(map(len, self.bodies)) / KB


def lines_of(body: bytes) -> object:
    """Every line kept, and the groups of the lenient reading."""
    text, _, _ = lines.decode(body)
    return groups.read_groups(lines.read_lines(text), strict=False)


def whole(body: bytes) -> object:
    # The reading that protocols share is kept for a while: here every round pays for it.
    document.read_file.cache_clear()
    return robots_txt.parse(Document(body=body))


def protego(body: bytes) -> object:
    return Protego.parse(body.decode("utf-8", "replace"))


def spy(body: bytes) -> object:
    return robotspy.RobotsParser.from_string(body.decode("utf-8", "replace"))


READERS: dict[str, Callable[[bytes], object]] = {
    "lines and groups": lines_of,
    "robots_txt.parse": whole,
    "protego": protego,
    "robotspy": spy,
}


OURS = ("lines and groups", "robots_txt.parse")
#: Of one round: CPU microseconds per KB, by set of files and reader.
Costs = dict[str, dict[str, float]]


def made(size: int) -> bytes:
    """A file as large sites have them: rules for all, stacked AI agents, comments, sitemaps."""
    text = ""
    for part in _parts():
        text += part
        if len(text) >= size:
            break
    return text[: text.rindex("\n", 0, size) + 1].encode()


def _parts() -> Iterator[str]:
    """Sections without end, no two alike."""
    tokens = [agent.token for agent in agents.CATALOGUE]
    yield "# robots.txt of an example\n\nUser-agent: *\nDisallow: /admin/\nAllow: /admin/help\n\n"
    yield "Sitemap: https://www.example.org/sitemap.xml\n\n"
    for n in range(100_000):
        yield f"# {n}: who may not gather what we publish\n"
        yield "".join(f"User-agent: {tokens[(n * 5 + k) % len(tokens)]}\n" for k in range(5))
        yield f"Disallow: {'/' if n % 3 else f'/archive/{n}/'}\n\n"
        yield f"User-agent: Bot-{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}\nCrawl-delay: {n % 10}\n"
        yield "".join(f"Disallow: /section-{n}/{k}/*.html$\n" for k in range(6))
        yield f"Allow: /section-{n}/open/  # but this\nDisallow: /*?session={n}\n\n"


def of_corpus(corpus: Path) -> Iterator[Files]:
    """Real files, those that robotspy bears and all of them."""
    found = [f.read_bytes() for f in sorted((corpus / "robots").rglob("*.txt"))]
    small = tuple(body for body in found if len(body) <= ROBOTSPY_MOST)
    yield Files(f"{len(small)} real, to 40 KB", small)
    yield Files(f"{len(found)} real, all", tuple(found))


def cost(read: Callable[[bytes], object], files: Files) -> float:
    """CPU microseconds per KB, repeated until the time is worth reading."""
    times = 0
    begun = time.process_time()
    while (spent := time.process_time() - begun) < AT_LEAST:
        for body in files.bodies:
            read(body)
        times += 1
    return spent * 1e6 / times / files.kilobytes


def measure(sets: list[Files], rounds: int) -> list[Costs]:
    """What each reader costs on each set, round by round.

    Sets and readers take turns within a round, and ratios are taken within a round as well, so
    that a slow moment of the machine strikes both sides of a comparison.
    """
    return [
        {
            files.name: {n: cost(r, files) for n, r in READERS.items() if bearable(n, files)}
            for files in sets
        }
        for _ in range(rounds)
    ]


def bearable(reader: str, files: Files) -> bool:
    return reader != "robotspy" or max(map(len, files.bodies)) <= ROBOTSPY_MOST


def middle(rounds: list[Costs], files: str, reader: str) -> float:
    return median(costs[files][reader] for costs in rounds)


def ratio(rounds: list[Costs], above: tuple[str, str], below: tuple[str, str]) -> float:
    """The median over the rounds of one cost in terms of another, each a set and a reader."""
    return median(c[above[0]][above[1]] / c[below[0]][below[1]] for c in rounds)


def show(rounds: list[Costs]) -> None:
    print("CPU microseconds per KB, medians; the last two columns are ratios to Protego")
    print(f"{'':22}{''.join(f'{name:>18}' for name in READERS)}{'lines':>9}{'parse':>9}")
    for name, costs in rounds[0].items():
        cells = [f"{middle(rounds, name, r):.1f}" if r in costs else "-" for r in READERS]
        ratios = [f"{ratio(rounds, (name, r), (name, 'protego')):.3f}" for r in OURS]
        print(f"{name:22}{''.join(f'{c:>18}' for c in cells)}{''.join(f'{r:>9}' for r in ratios)}")


def faults(rounds: list[Costs]) -> Iterator[str]:
    """What misses the goals."""
    for size in ("1 KB", "10 KB"):
        found = ratio(rounds, (size, OURS[0]), (size, "protego"))
        if found > GOAL:
            yield f"{size}: {OURS[0]} cost {found:.3f} of Protego, the goal is {GOAL:.3f}"
    for reader in OURS:
        growth = ratio(rounds, ("500 KB", reader), ("10 KB", reader))
        print(f"{reader}: a KB of 500 KB costs {growth:.2f} times a KB of 10 KB")
        if growth > LINEAR:
            yield f"{reader}: {growth:.2f} is more than {LINEAR}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7, help="at least 5")
    options.add_argument("--corpus", type=Path, default=CORPUS)
    given = options.parse_args()
    logging.disable(logging.CRITICAL)
    sets = [Files(f"{size} KB", (made(size * KB),)) for size in SIZES]
    if (given.corpus / "robots").is_dir():
        sets += of_corpus(given.corpus)
    rounds = measure(sets, max(5, given.rounds))
    show(rounds)
    missed = list(faults(rounds))
    print("\n".join(missed) or "Within the goals.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
