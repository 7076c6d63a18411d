"""Write the demo dataset: URLs of every site, mixed with unusable values as in real datasets."""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.demo.site import ARTICLES, FILES, IMAGES, Site
from crawler.demo.web import SITES

__all__ = ["GARBAGE", "SITES", "DemoRow", "rows", "write_dataset"]


class DemoRow(NamedTuple):
    """A row of a dataset of captioned images and texts: sizes in pixels, `tokens` as weight."""

    url: str | None
    caption: str
    width: int | None
    height: int | None
    tokens: int


GARBAGE: tuple[str | None, ...] = (
    None,
    "",
    "   ",
    "not a url",
    "n/a",
    "mailto:editor@a.example",
    "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    "javascript:void(0)",
    "ftp://files.demo.test/a.jpg",
    "file:///home/user/a.jpg",
    "http://",
    "http:///no/host.jpg",
    "http://exa mple.test/",
    "http://[::1/half-a-literal",
    "http://bad-port.demo.test:99999/",
    "http://./",
    "http://long.demo.test/" + "a" * 70_000,
)
"""Values of the URL column that name no origin."""

_PATHS = (*ARTICLES, *IMAGES, *FILES)
_VARIANTS = ("", "?w=200", "?utm_source=feed&id=1", "#top")
_COPIES_OF_GARBAGE = 2


def write_dataset(path: str | Path) -> int:
    """Write the dataset as Parquet or CSV, by the suffix of the path, and return its row count.

    Raises ValueError for another suffix.
    """
    target, table = Path(path), rows()
    match target.suffix.lower():
        case ".parquet":
            _write_parquet(target, table)
        case ".csv":
            _write_csv(target, table)
        case other:
            raise ValueError(f"a dataset is written as .parquet or .csv, not {other or 'nothing'}")
    return len(table)


def rows() -> list[DemoRow]:
    """Return all rows, the same at each call, in an order that mixes the sites."""
    table = [row for site in SITES for row in _rows_of(site)]
    table += [_garbage(url, n) for n in range(_COPIES_OF_GARBAGE) for url in GARBAGE]
    # No `random`: the same dataset in every process and version of Python.
    order = sorted(range(len(table)), key=lambda n: _pseudorandom(f"{n} {table[n].url}"))
    return [table[n] for n in order]


def _rows_of(site: Site) -> Iterator[DemoRow]:
    """Yield the rows of a site: URLs with expectations, and a part of its content."""
    written = site.written or site.origin
    content = 2 + _pseudorandom(site.host) % 14
    start = _pseudorandom(f"start {site.host}")
    for n, path in enumerate(("", "/", *site.urls)):
        yield _row(written + path, path, n)
    for n in range(content):
        path = _PATHS[(start + n) % len(_PATHS)]
        variant = _VARIANTS[_pseudorandom(f"{site.host}{path}{n}") % len(_VARIANTS)]
        yield _row(written + path + variant, path, n)
    yield _row(f"{written}/search?q=words&page=2", "/search", content)


def _row(url: str, path: str, n: int) -> DemoRow:
    number = _pseudorandom(url)
    if path.lower().endswith((".jpg", ".png")):
        return DemoRow(url, f"Photograph {n}", 320 + number % 1600, 240 + number % 1200, 0)
    return DemoRow(
        url, f"Text {n}, in which “quotes”, commas\tand tabs occur", None, None, 1 + number % 9000
    )


def _garbage(url: str | None, n: int) -> DemoRow:
    return DemoRow(url, f"A row that names nothing, {n}", None, None, n)


def _pseudorandom(seed: str) -> int:
    """Return a number from 0 to 2^48 - 1 that depends on the seed alone."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6])


def _write_parquet(path: Path, table: list[DemoRow]) -> None:
    schema = pa.schema(
        {
            "url": pa.string(),
            "caption": pa.string(),
            "width": pa.int32(),
            "height": pa.int32(),
            "tokens": pa.int64(),
        }
    )
    pq.write_table(pa.Table.from_pylist([row._asdict() for row in table], schema=schema), path)


def _write_csv(path: Path, table: list[DemoRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(DemoRow._fields)
        writer.writerows(table)
