"""Verdicts for the rows of a dataset, at the speed of reading it."""

from crawler.flags.flagger import Flagger
from crawler.flags.mapping import FlagBatch
from crawler.flags.numbering import COLUMNS, SCHEMA
from crawler.outlook import Verdict

__all__ = ["COLUMNS", "SCHEMA", "FlagBatch", "Flagger", "Verdict"]
