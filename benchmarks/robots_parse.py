"""CPU cost of parsing robots.txt, compared with Protego and robotspy in one run.

`python -m benchmarks.robots_parse [--rounds 7] [--corpus DIR]` prints CPU time per KB. Status 1 if
lines and groups cost more than 25/183 of Protego at 1 or 10 KB, or a KB of 500 KB costs more than
1.5 times a KB of 10 KB.
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
from crawler.protocols.robots import document, groups, line_reader, robots_txt

KB = 1024
SIZES = (1, 10, 100, 500)
#: 25 us per KB where Protego takes 183: machines differ, the ratio does not.
GOAL = 25 / 183
LINEAR = 1.5
#: The time of robotspy grows with the square of a file's size.
ROBOTSPY_MAX = 40 * KB
#: CPU seconds that one measurement lasts at least, so that the resolution of the clock is small.
MIN_SECONDS = 0.05
ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("TDM_AUDIT_CORPUS", ROOT.parent / "shared" / "corpus"))


class Files(NamedTuple):
    """Files that are measured together: generated ones of a size, or those of the corpus."""

    name: str
    bodies: tuple[bytes, ...]

    @property
    def kilobytes(self) -> float:
        return sum(map(len, self.bodies)) / KB


def read_groups(body: bytes) -> object:
    """Return the groups of the lenient reading, with every line kept."""
    text, _, _ = line_reader.decode(body)
    return groups.read_groups(line_reader.read_lines(text), strict=False)


def parse(body: bytes) -> object:
    # Protocols share this cache. Every round is to measure the whole parse.
    document.read_file.cache_clear()
    return robots_txt.parse(Document(body=body))


def protego(body: bytes) -> object:
    return Protego.parse(body.decode("utf-8", "replace"))


def spy(body: bytes) -> object:
    return robotspy.RobotsParser.from_string(body.decode("utf-8", "replace"))


READERS: dict[str, Callable[[bytes], object]] = {
    "lines and groups": read_groups,
    "robots_txt.parse": parse,
    "protego": protego,
    "robotspy": spy,
}

OURS = ("lines and groups", "robots_txt.parse")
#: CPU microseconds per KB of one round, by set of files and reader.
Costs = dict[str, dict[str, float]]


def make_robots(size: int) -> bytes:
    """Return a file of about `size` bytes as large sites have them."""
    text = ""
    for part in _parts():
        text += part
        if len(text) >= size:
            break
    return text[: text.rindex("\n", 0, size) + 1].encode()


def _parts() -> Iterator[str]:
    """Yield unequal sections: rules for all, stacked AI agents, comments, sitemaps."""
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
    """Yield the real files: those that are small enough for robotspy, and all of them."""
    bodies = [f.read_bytes() for f in sorted((corpus / "robots").rglob("*.txt"))]
    small = tuple(body for body in bodies if len(body) <= ROBOTSPY_MAX)
    yield Files(f"{len(small)} real, to 40 KB", small)
    yield Files(f"{len(bodies)} real, all", tuple(bodies))


def cost(read: Callable[[bytes], object], files: Files) -> float:
    """Return the CPU microseconds per KB, from repeated runs of at least `MIN_SECONDS`."""
    times = 0
    begun = time.process_time()
    while (spent := time.process_time() - begun) < MIN_SECONDS:
        for body in files.bodies:
            read(body)
        times += 1
    return spent * 1e6 / times / files.kilobytes


def measure(sets: list[Files], rounds: int) -> list[Costs]:
    """Return the cost of each reader on each set, by round.

    Sets and readers take turns within a round, and ratios are taken within a round,
    so that a slow moment of the machine affects both sides of a comparison.
    """
    return [
        {
            files.name: {n: cost(r, files) for n, r in READERS.items() if can_read(n, files)}
            for files in sets
        }
        for _ in range(rounds)
    ]


def can_read(reader: str, files: Files) -> bool:
    return reader != "robotspy" or max(map(len, files.bodies)) <= ROBOTSPY_MAX


def middle(rounds: list[Costs], files: str, reader: str) -> float:
    return median(costs[files][reader] for costs in rounds)


def ratio(rounds: list[Costs], above: tuple[str, str], below: tuple[str, str]) -> float:
    """Return the median ratio of two costs, each given as a set of files and a reader."""
    return median(c[above[0]][above[1]] / c[below[0]][below[1]] for c in rounds)


def show(rounds: list[Costs]) -> None:
    print("CPU microseconds per KB, medians; the last two columns are ratios to Protego")
    print(f"{'':22}{''.join(f'{name:>18}' for name in READERS)}{'lines':>9}{'parse':>9}")
    for name, costs in rounds[0].items():
        cells = [f"{middle(rounds, name, r):.1f}" if r in costs else "-" for r in READERS]
        ratios = [f"{ratio(rounds, (name, r), (name, 'protego')):.3f}" for r in OURS]
        print(f"{name:22}{''.join(f'{c:>18}' for c in cells)}{''.join(f'{r:>9}' for r in ratios)}")


def missed_goals(rounds: list[Costs]) -> Iterator[str]:
    """Print the growth with size, and yield a sentence for each goal that is missed."""
    for size in ("1 KB", "10 KB"):
        share = ratio(rounds, (size, OURS[0]), (size, "protego"))
        if share > GOAL:
            yield f"{size}: {OURS[0]} cost {share:.3f} of Protego, the goal is {GOAL:.3f}"
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
    sets = [Files(f"{size} KB", (make_robots(size * KB),)) for size in SIZES]
    if (given.corpus / "robots").is_dir():
        sets += of_corpus(given.corpus)
    rounds = measure(sets, max(5, given.rounds))
    show(rounds)
    missed = list(missed_goals(rounds))
    print("\n".join(missed) or "Within the goals.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
