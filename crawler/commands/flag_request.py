"""`FlagRequest`: the options of `flag`, and what they say about the verdicts that are written."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from crawler import __version__
from crawler.instants import Instant
from crawler.rulesets import RuleSet
from crawler.vocab import Purpose


class Mask(StrEnum):
    """Selects the rows to write: those that the policy keeps, or those that it drops."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRequest:
    """Options of one `tdm-audit flag`.

    `datasets` are files, folders or patterns. `url_columns` are paths of columns with URLs, with
    roles (`page=meta.url`) if there are several; none: the column is found. `out` is a file, or a
    folder that gets a file for each file of the dataset. `mask` writes only the rows that are kept,
    or only those dropped: a row is dropped if it is reserved, and if that is not known, unless
    `keep_unknown`. `flags_only` writes file, row number and verdict without the data.
    `memory_limit` is DuckDB's. `times` is the column with the time of each row, or one instant for
    all rows, and `max_distance` how many milliseconds before it the last look may be. With `stream`
    the rows go there instead of into a file, and `out` only names the format. With `remote_out`
    they go to that URL, and `out` is its path. `workers` is the number of processes that write the
    files of a folder.
    """

    datasets: tuple[str, ...]
    out: Path
    rules: RuleSet
    purposes: tuple[Purpose, ...]
    url_columns: tuple[str, ...] = ()
    agent: str | None = None
    flags_only: bool = False
    mask: Mask | None = None
    keep_unknown: bool = False
    memory_limit: str = "1GB"
    times: str | Instant | None = None
    max_distance: int | None = None
    stream: BinaryIO | None = None
    remote_out: str = ""
    workers: int = 1


def facts(evidence: str, request: FlagRequest) -> str:
    """Return what verdicts come from, as JSON for the metadata of a file.

    `evidence` is the digest of the database's evidence.
    """
    known = {
        "tdm_audit": __version__,
        "rules": request.rules.label,
        "rules_sha256": hashlib.sha256(request.rules.text.encode()).hexdigest(),
        "purposes": list(request.purposes),
        "agent": request.agent,
        "url_column": " ".join(request.url_columns) or None,
        "evidence": evidence,
        "mask": request.mask,
        "keep_unknown": request.keep_unknown,
        "flags_only": request.flags_only,
        "as_of": str(request.times) if isinstance(request.times, Instant) else None,
        "date_column": request.times if isinstance(request.times, str) else None,
        "max_distance_ms": request.max_distance,
    }
    return json.dumps(known, sort_keys=True)
