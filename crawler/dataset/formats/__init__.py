"""Registry of dataset formats: names, suffixes, and the class that reads and writes each.

A new format is one module in this package and one entry of `FORMATS`.
"""

import pkgutil
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.dataset.formats.handler import FormatHandler

_PACKAGE = "crawler.dataset.formats"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFormat:
    """A format of dataset files.

    `name` is what view `datasets` shows, `title` what messages say, `suffixes` are in lower case
    with the dot. `handler_name` is `module:class` below this package. `file_name` matches names of
    files without a suffix. `is_packed` files are compressed inside, so none may be compressed as a
    whole. `rows_written_as` names the format of files with the rows of this one, itself if it can
    be written. `keeps_lines` formats can be written by adding to the lines that were read.
    `is_saved_dataset` files may belong to a folder that Hugging Face's `datasets` saved.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    handler_name: str
    rows_written_as: str
    file_name: re.Pattern[str] | None = None
    is_packed: bool = False
    keeps_lines: bool = False
    is_saved_dataset: bool = False

    @property
    def is_writable(self) -> bool:
        """Return whether files of this format can be written."""
        return self.rows_written_as == self.name

    def handler(self) -> "FormatHandler":
        """Return the reader and writer of this format."""
        # Imported when a file is read: DuckDB and Arrow take 50 MB, and `crawl` of a dataset that
        # was ingested before needs neither.
        handler: FormatHandler = pkgutil.resolve_name(f"{_PACKAGE}.{self.handler_name}")(self)
        return handler


#: The formats, in the order in which messages list them.
FORMATS = (
    DatasetFormat(
        name="csv",
        title="CSV",
        suffixes=(".csv",),
        handler_name="delimited:CsvHandler",
        rows_written_as="csv",
    ),
    DatasetFormat(
        name="tsv",
        title="TSV",
        suffixes=(".tsv", ".tab"),
        handler_name="delimited:TsvHandler",
        rows_written_as="tsv",
    ),
    DatasetFormat(
        name="jsonl",
        title="JSONL",
        suffixes=(".jsonl", ".ndjson"),
        handler_name="jsonl:JsonlHandler",
        rows_written_as="jsonl",
        keeps_lines=True,
    ),
    DatasetFormat(
        name="json",
        title="JSON",
        suffixes=(".json",),
        handler_name="documents:JsonHandler",
        rows_written_as="json",
    ),
    DatasetFormat(
        name="parquet",
        title="Parquet",
        suffixes=(".parquet", ".pq"),
        handler_name="parquet:ParquetHandler",
        rows_written_as="parquet",
        is_packed=True,
    ),
    DatasetFormat(
        name="arrow",
        title="Arrow",
        suffixes=(".arrow", ".feather"),
        handler_name="arrow:ArrowHandler",
        rows_written_as="arrow",
        is_packed=True,
        is_saved_dataset=True,
    ),
    DatasetFormat(
        name="warc",
        title="WARC",
        suffixes=(".warc", ".wet", ".wat"),
        handler_name="archives:WarcHandler",
        rows_written_as="parquet",
    ),
    DatasetFormat(
        name="cdx",
        title="CDX",
        suffixes=(".cdx", ".cdxj"),
        handler_name="archives:CdxHandler",
        rows_written_as="parquet",
        # Common Crawl's indexes have numbers for names.
        file_name=re.compile(r"cdx-\d+"),
    ),
    DatasetFormat(
        name="tar",
        title="WebDataset",
        suffixes=(".tar", ".tgz"),
        handler_name="samples:TarHandler",
        rows_written_as="parquet",
    ),
    DatasetFormat(
        name="text",
        title="plain text",
        suffixes=(".txt", ".lst"),
        handler_name="text:TextHandler",
        rows_written_as="csv",
    ),
)

BY_NAME = {dataset_format.name: dataset_format for dataset_format in FORMATS}
#: A text that nothing tells the format of is read as this: a URL or a host a line.
TEXT = BY_NAME["text"]
JSON, JSONL, TAR = BY_NAME["json"], BY_NAME["jsonl"], BY_NAME["tar"]
_BY_SUFFIX = {suffix: one for one in FORMATS for suffix in one.suffixes}


def format_of_name(name: str) -> DatasetFormat | None:
    """Return the format of a file name without a suffix of compression; None if it is unknown."""
    for one in FORMATS:
        if one.file_name and one.file_name.fullmatch(name):
            return one
    return _BY_SUFFIX.get(PurePath(name).suffix.lower())
