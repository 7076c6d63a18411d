"""Places of audits, which no output of a command may replace: evidence cannot be made again."""

import json
from contextlib import suppress
from pathlib import Path

from crawler.store.database import PLAN_FILE
from crawler.store.failures import APPLICATION_ID
from crawler.store.part_plan import PLAN_FORMAT

# sqlite.org/fileformat.html, 1.3: the header of a database, and where its application ID is.
_MAGIC, _ID_AT = b"SQLite format 3\x00", 68
# Files that stand next to a database.
_BESIDES = ("-wal", "-shm", ".lock", ".manifests.jsonl")


def audit_at(path: Path) -> Path | None:
    """Return the audit that a file is part of: a database, or the folder of an audit in parts."""
    file = path.resolve()
    bases = [Path(str(file).removesuffix(end)) for end in _BESIDES if str(file).endswith(end)]
    for database in (file, *bases):
        if _is_database(database):
            return database
    return next((folder for folder in file.parents if _has_plan(folder)), None)


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with suppress(OSError), path.open("rb") as file:
        head = file.read(_ID_AT + 4)
        return head.startswith(_MAGIC) and head[_ID_AT:] == APPLICATION_ID.to_bytes(4, "big")
    return False


def _has_plan(folder: Path) -> bool:
    with suppress(OSError, ValueError):
        found = json.loads((folder / PLAN_FILE).read_bytes())
        return isinstance(found, dict) and found.get("format") == PLAN_FORMAT
    return False
