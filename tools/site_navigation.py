"""Write the navigation of the website: one section for each folder of docs/, all pages in it.

`zensical.toml` calls `nav` through cog, so a new page is in the navigation after `make fix`.
"""

from collections.abc import Iterator
from pathlib import Path

DOCS = Path("docs")
#: Titles of folders, in the order of the navigation. A folder within another is a part of it.
FOLDERS = {
    "tutorial": "Tutorials",
    "how-to/auditor": "For auditors",
    "how-to/maintainer": "For maintainers of datasets",
    "how-to/maintainer/datasets": "Recipes for datasets",
    "how-to/operator": "For operators",
    "how-to/site-owner": "For owners of sites",
    "reference": "Reference",
    "reference/protocols": "Protocols",
    "explanation": "Explanation",
    "explanation/decisions": "Decisions",
    "development": "Development",
}
#: Pages that come first in their folder, in this order; the others follow by name.
FIRST = (
    "first-audit.md",
    "read-one-origin.md",
    "flag-a-dataset.md",
    "a-year.md",
    "README.md",
    "commands.md",
    "exit-statuses.md",
    "states.md",
    "law.md",
    "evidence.md",
    "rules.md",
)


def nav(docs: Path = DOCS) -> Iterator[str]:
    """Yield the lines of `nav` in zensical.toml.

    Raises ValueError for a page in a folder that has no title.
    """
    pages = {path.relative_to(docs) for path in docs.rglob("*.md")}
    if untitled := {str(p.parent) for p in pages} - {".", *FOLDERS}:
        raise ValueError(f"tools/site_navigation.py has no title for docs/{min(untitled)}")
    yield "nav = ["
    yield from (f'  "{page}",' for page in _of_folder(pages, "."))
    for folder, title in FOLDERS.items():
        yield f'  {{ "{title}" = ['
        yield from (f'    "{page}",' for page in _of_folder(pages, folder))
        yield "  ] },"
    yield "]"


def _of_folder(pages: set[Path], folder: str) -> list[str]:
    order = {name: n for n, name in enumerate(FIRST)}
    found = [page for page in pages if str(page.parent) == folder]
    found.sort(key=lambda page: (order.get(page.name, len(order)), page.name))
    return [page.as_posix() for page in found]
