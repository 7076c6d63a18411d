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
from crawler.protocols import _robots, robots_txt

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
    text, _, _ = _robots.decode(body)
    return _robots.read_groups(_robots.read_lines(text), strict=False)


def whole(body: bytes) -> object:
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


def measure(files: Files, rounds: int) -> dict[str, float]:
    """The median cost of each reader; they take turns, so that a slow moment strikes all."""
    bounded = max(map(len, files.bodies)) > ROBOTSPY_MOST
    readers = {n: r for n, r in READERS.items() if not (bounded and n == "robotspy")}
    found: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            found[name].append(cost(read, files))
    return {name: median(costs) for name, costs in found.items()}


def show(name: str, costs: dict[str, float]) -> None:
    cells = [f"{costs[r]:9.1f}" if r in costs else "        -" for r in READERS]
    ratios = [
        f"{costs[r] / costs['protego']:7.3f}" for r in ("lines and groups", "robots_txt.parse")
    ]
    print(
        f"{name:22}{''.join(f'{cell:>18}' for cell in cells)}{''.join(f'{r:>12}' for r in ratios)}"
    )


def faults(costs: dict[str, dict[str, float]]) -> Iterator[str]:
    """What misses the goals."""
    for size in ("1 KB", "10 KB"):
        ratio = costs[size]["lines and groups"] / costs[size]["protego"]
        if ratio > GOAL:
            yield f"{size}: lines and groups cost {ratio:.3f} of Protego, the goal is {GOAL:.3f}"
    for reader in ("lines and groups", "robots_txt.parse"):
        growth = costs["500 KB"][reader] / costs["10 KB"][reader]
        if growth > LINEAR:
            yield f"{reader}: a KB of 500 costs {growth:.2f} times a KB of 10, at most {LINEAR}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7, help="at least 5")
    options.add_argument("--corpus", type=Path, default=CORPUS)
    given = options.parse_args()
    logging.disable(logging.CRITICAL)
    sets = [Files(f"{size} KB", (made(size * KB),)) for size in SIZES]
    if (given.corpus / "robots").is_dir():
        sets += of_corpus(given.corpus)
    print("CPU microseconds per KB, medians; the last two columns are ratios to Protego")
    heads = "".join(f"{name:>18}" for name in READERS)
    print(f"{'':22}{heads}{'lines':>12}{'parse':>12}")
    costs = {}
    for files in sets:
        costs[files.name] = measure(files, max(5, given.rounds))
        show(files.name, costs[files.name])
    missed = list(faults(costs))
    print("\n".join(missed) or "Within the goals.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
