"""Verdicts for the rows of a dataset: `Flagger` for tables, `FlagBatch` for `datasets.map`."""

from crawler.evaluate.url_verdicts import Verdict
from crawler.flags.as_of import AsOfOptions
from crawler.flags.flagger import Flagger
from crawler.flags.hf_datasets import FlagBatch
from crawler.flags.row_verdicts import ALL_COLUMNS, row_fields
from crawler.flags.verdict_ids import COLUMNS, SCHEMA

__all__ = [
    "ALL_COLUMNS",
    "COLUMNS",
    "SCHEMA",
    "AsOfOptions",
    "FlagBatch",
    "Flagger",
    "Verdict",
    "row_fields",
]
