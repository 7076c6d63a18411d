"""Read datasets of URLs: find their files, open them as relations, take stock of their origins."""

from crawler.dataset.columns import column_named, text_of, url_column
from crawler.dataset.files import DatasetError, DatasetFile, Format, locate
from crawler.dataset.inventory import Inventory, OriginRows, inventory
from crawler.dataset.readers import relation

__all__ = [
    "DatasetError",
    "DatasetFile",
    "Format",
    "Inventory",
    "OriginRows",
    "column_named",
    "inventory",
    "locate",
    "relation",
    "text_of",
    "url_column",
]
