"""Find dead links between the documents: files that are not there, and anchors of no heading.

An anchor must be right on GitHub and on the website. They differ where GitHub writes several
hyphens in a row, and for the second of two equal headings, so no link may lead there. Links to the
web are not followed.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
#: The documents: those of the repository, and the website, whose links must stay in docs/.
PATTERNS = ("*.md", "docs/**/*.md", "benchmarks/*.md", "output/*.md")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_MARKDOWN = MarkdownIt("commonmark").enable("table")


def dead_links(root: Path) -> Iterator[str]:
    """Yield `file: link: reason` for each dead link of the documents under `root`."""
    for page in sorted({path for pattern in PATTERNS for path in root.glob(pattern)}):
        for target in _links(page):
            if not _ELSEWHERE.match(target) and (why := _fault(root, page, target)):
                yield f"{page.relative_to(root)}: {target}: {why}"


def _fault(root: Path, page: Path, target: str) -> str | None:
    """Return why a link of a page leads nowhere, or None."""
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists():
        return "no such file"
    docs = root / "docs"
    if docs in page.parents and docs not in file.parents:
        return "leads out of docs/, where the website ends"
    if docs in page.parents and file.is_dir():
        return "a folder is no page of the website"
    if anchor and file.suffix == ".md" and anchor not in anchors(file):
        return "no such heading"
    return None


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page has both on GitHub and on the website."""
    tokens = _parsed(page)
    heads = [tokens[n + 1] for n, token in enumerate(tokens) if token.type == "heading_open"]
    texts = ("".join(child.content for child in head.children or ()) for head in heads)
    names = (re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in texts)
    return {name for name in names if "--" not in name}


def _links(page: Path) -> Iterator[str]:
    for token in _parsed(page):
        for child in token.children or ():
            attribute = {"link_open": "href", "image": "src"}.get(child.type)
            if attribute is not None:
                yield str(child.attrs[attribute])


def _parsed(page: Path) -> list[Token]:
    return _MARKDOWN.parse(page.read_text("utf-8"))


if __name__ == "__main__":
    found = list(dead_links(ROOT))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
