"""Search for words in the evidence, by an index of each database of an audit."""

import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crawler.serve import cells
from crawler.serve.audits import Audit, PartOfAudit
from crawler.store import search_index
from crawler.store.database import StoreError
from crawler.store.search_index import Hit

#: Texts that one search shows.
MAX_HITS = 50


class Searcher:
    """Searches, one at a time while an index is made."""

    def __init__(self, audit: Audit, cache: Path) -> None:
        self._audit, self._cache = audit, cache
        self._temporary: TemporaryDirectory[str] | None = None
        self._indexing = threading.Lock()

    def hits(self, asked: str) -> list[dict[str, Any]]:
        """Return the texts with all words as the page shows them, the best first.

        Raise `StoreError` and `NotSearchedError`.
        """
        found: dict[tuple[str, str], tuple[int, Hit]] = {}
        for opened, path in self._audit.searched():
            for place, hit in enumerate(self._search(opened, path, asked)):
                before = found.get((hit.kind, hit.snippet))
                if before is None:
                    found[hit.kind, hit.snippet] = place, hit
                else:
                    found[hit.kind, hit.snippet] = min(before[0], place), _added(before[1], hit)
        # Each part has its own order. A text that is among the best of one is among those of all.
        best = sorted(found.values(), key=lambda ranked: ranked[0])[:MAX_HITS]
        return [_shown(hit) for _, hit in best]

    def _search(self, opened: PartOfAudit, path: Path, asked: str) -> list[Hit]:
        with self._indexing:
            try:
                index = search_index.open_index(opened.db, self._cache, path)
            except StoreError:
                # Kept as long as the server. One that cannot be made either is an error.
                self._temporary = TemporaryDirectory(prefix="tdm-audit-")
                self._cache = Path(self._temporary.name)
                index = search_index.open_index(opened.db, self._cache, path)
        with closing(index):
            hits = search_index.search(opened.db, index, asked, MAX_HITS)
        return [hit._replace(observation=opened.in_whole(hit.observation)) for hit in hits]


def _added(hit: Hit, other: Hit) -> Hit:
    """Return a text of one part with the documents and origins that another part has of it."""
    first = min(hit, other, key=lambda one: one.example)
    keys = hit.keys | other.keys
    # Equal documents have one key. Of more than are kept, those of the other part are not known.
    more = hit.documents - len(hit.keys) + other.documents - len(other.keys)
    return first._replace(
        documents=len(keys) + more, origins=hit.origins + other.origins, keys=keys
    )


def _shown(hit: Hit) -> dict[str, Any]:
    link = cells.bytes_link(hit.stored, hit.observation, hit.line) if hit.stored else ""
    return {
        **hit._asdict(),
        "parts": _parts(hit.snippet),
        "link": link,
        "origin_link": cells.origin_link(hit.example),
    }


def _parts(snippet: str) -> list[tuple[str, bool]]:
    """Return a snippet in parts, each cut and with whether it is what was searched for."""
    parts: list[tuple[str, bool]] = []
    for n, piece in enumerate(snippet.split(search_index.BEGIN)):
        found, mark, rest = piece.partition(search_index.END)
        parts += [(found, bool(n and mark)), (rest, False)]
    return [(cells.cut(text), found) for text, found in parts if text]
