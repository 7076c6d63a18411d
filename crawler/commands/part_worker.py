"""Do the work on a part that a pool or Ray gives out, and say in a message what came of it.

A message is `{"done": ...}`, `{"failed": "one sentence", ...}` or, after a signal, `{"stopped":
part}`. As a process of a pool, lines of JSON come on standard input: first the folder and the task,
then numbers of parts, at last null. The messages go out on standard output.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from crawler import subprocesses
from crawler.commands.crawl_request import ProgressListener
from crawler.commands.part import ENDS_ALL, PartResult, attempt_part
from crawler.commands.part_task import PartTask, PartVerb, task_from_json
from crawler.commands.verify_part import verify_part
from crawler.errors import UserError
from crawler.interrupts import StoppedEarlyError
from crawler.store.audit_folder import AuditFolder, PartDamagedError
from crawler.store.failures import DiskNotWritableError
from crawler.store.parts import storage_at


def attempt(
    folder: AuditFolder, part: int, task: PartTask, listener: ProgressListener | None = None
) -> PartResult:
    """Do the work on a part in this process. Raise what `attempt_part` and `verify_part` do."""
    if task.verb is PartVerb.VERIFY:
        return verify_part(folder, part, with_derived=task.with_derived)
    return attempt_part(folder, part, task, listener)


def message_of_attempt(folder: str, part: int, task: Mapping[str, Any]) -> dict[str, Any]:
    """Do the work on a part of the audit at `folder`, and return the message about it."""
    try:
        result: PartResult = attempt(_folder_at(folder), part, task_from_json(task))
    except StoppedEarlyError:
        return {"stopped": part}
    except UserError as error:
        return {
            "failed": str(error),
            "status": error.status,
            "ends_all": isinstance(error, ENDS_ALL),
            "ends_machine": isinstance(error, DiskNotWritableError),
            "is_final": isinstance(error, PartDamagedError),
        }
    return {"done": asdict(result)}


@lru_cache(maxsize=1)
def _folder_at(place: str) -> AuditFolder:
    # Once in a process: an object store is tried out before the first put.
    return AuditFolder(storage_at(place))


def main() -> None:
    """Work until there are no more parts."""
    channel = subprocesses.ParentChannel()
    setup = channel.receive()
    while (part := channel.receive()) is not None:
        channel.send(message_of_attempt(setup["folder"], part, setup["task"]))
