"""Plain text: a URL or a host a line."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from crawler.dataset.compression import compression_of, open_plain
from crawler.dataset.formats.handler import ReadContext
from crawler.dataset.repair import repair_text
from crawler.dataset.scans import (
    LINE_OPTIONS,
    Scan,
    ScanHandler,
    is_utf16,
    line_size,
    reads_whole,
)

_OPTIONS = LINE_OPTIONS + "columns={'url': 'VARCHAR'}, compression="


def _options(path: Path, original: Path) -> str:
    return f"{_OPTIONS}'{compression_of(path)}'{line_size(path, original)}"


class TextHandler(ScanHandler):
    """Reads lines as rows with the column `url`; lines that begin with `#` are no rows."""

    def scan(self, context: ReadContext, path: Path, copy: Path) -> Scan | None:
        """See `ScanHandler.scan`."""
        with open_plain(path) as stream:
            if not stream.read(1):
                return None
        scan = Scan(path, _options(path, path))
        if not is_utf16(path) and reads_whole(context.connection, scan, self.function):
            return scan
        copy = copy.with_suffix(".txt")
        repair_text(path, copy, partial(self.mark_cut, path))
        return Scan(copy, _options(copy, path))

    def query(self, context: ReadContext, files: Sequence[Path]) -> str:
        """See `ScanHandler.query`."""
        rows = super().query(context, files)
        return f"SELECT url FROM ({rows}) WHERE url IS NULL OR NOT starts_with(url, '#')"  # noqa: S608
