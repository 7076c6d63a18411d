"""Verdicts for the rows of a dataset: `Flagger` for tables, `FlagBatch` for `datasets.map`."""

from crawler.evaluate.url_verdicts import Verdict
from crawler.flags.flagger import Flagger
from crawler.flags.hf_datasets import FlagBatch
from crawler.flags.verdict_ids import COLUMNS, SCHEMA

__all__ = ["COLUMNS", "SCHEMA", "FlagBatch", "Flagger", "Verdict"]
