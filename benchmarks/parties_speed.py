"""What names of parties add to the extract of a page, and how long groups of parties take.

`python -m benchmarks.parties_speed [--rounds 5] [--parties 200000]` extracts the pages of the
corpus and the labelled pages of the tests, and in the same round only the parts that names of
parties need. It also makes groups of parties, of which a tenth share an identifier.
Status 1 if the parts take more than 15 % of the rest of an extract, or if 100,000 parties take more
than 2 s of CPU time.
"""

import argparse
import os
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import ROOT, Goal
from crawler import page
from crawler.evaluate.party_groups import NamedParty, groups_of
from crawler.model import Document
from crawler.page import _microdata, _notices, _rdfa
from crawler.page._content import read_content
from crawler.page._tags import lowercased_bytes
from crawler.protocols.context import copyright_notice, rights_metadata
from tests.parties.shapes import SHAPES

_CORPUS = Path(os.environ.get("TDM_AUDIT_CORPUS", ROOT.parent / "shared" / "corpus"))


def _pages() -> list[bytes]:
    labels = tomllib.loads((ROOT / "tests/parties/labels.toml").read_text("utf-8"))["page"]
    built = [SHAPES[label["shape"]](label).encode() for label in labels]
    return built + [path.read_bytes() for path in sorted((_CORPUS / "html").glob("*"))]


def _cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _parts(text: str, lowercased: bytes) -> None:
    _notices.notices_of(text)
    _notices.imprint_of("", "", text)
    _microdata.items_of(text, lowercased)
    _rdfa.rdfa_of(text, lowercased)


def _read(extract: bytes) -> None:
    document = Document(body=extract)
    rights_metadata.parse(document)
    copyright_notice.parse(document)


def main() -> int:
    """Measure, print and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parties", type=int, default=200_000)
    chosen = parser.parse_args()
    bodies = _pages()
    texts = [read_content(body, "").text for body in bodies]
    prepared = [(text, lowercased_bytes(text)) for text in texts]
    extracts = [page.extract(body) for body in bodies]
    ratios, reads = [], []
    for _ in range(chosen.rounds):
        whole = sum(_cpu(lambda b=body: page.extract(b)) for body in bodies)
        parts = sum(_cpu(lambda p=pair: _parts(*p)) for pair in prepared)
        read = sum(_cpu(lambda e=extract: _read(e)) for extract in extracts)
        ratios.append(parts / (whole - parts))
        reads.append(read / whole)
        print(f"{len(bodies)} pages: {1000 * whole:.0f} ms, of which parts {1000 * parts:.1f} ms")
    parties = [
        NamedParty(
            site=f"site{n}.example",
            name=f"name {n % (chosen.parties // 2 + 1)}",
            uid=f"https://x{n % 100}.example/#org" if n % 10 == 0 else "",
            marks=(f"mailbox info@m{n}.example",),
        )
        for n in range(chosen.parties)
    ]
    seconds = _cpu(lambda: groups_of(parties, []))
    print(f"{chosen.parties:,} parties in groups: {seconds:.2f} s of CPU")
    print(f"reading names from the extracts: {min(reads):.1%} of the time of the extracts")
    goals = [
        Goal("parts for parties, share of the rest of an extract", min(ratios), 0.15),
        Goal("groups of 100,000 parties, s", seconds * 100_000 / chosen.parties, 2.0),
    ]
    print("\n".join(map(str, goals)))
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
